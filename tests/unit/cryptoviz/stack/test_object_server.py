from pathlib import Path

import pytest

from cryptoviz.stack.errors import ToolMissing
from cryptoviz.stack.object_server import find_object_server, go_version


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_given_program_is_used_and_must_exist(tmp_path: Path) -> None:
    given = program(tmp_path / "minio", ":")
    assert find_object_server(tmp_path, str(given)) == given.resolve()
    with pytest.raises(ToolMissing, match="CRYPTOVIZ_MINIO"):
        find_object_server(tmp_path, str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("said", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26, 8)), ("go version go1.27 linux/amd64", (1, 27, 0)), ("what", ())],
)
def test_the_version_of_go_is_read_from_what_it_says(tmp_path: Path, said: str, version: tuple[int, ...]) -> None:
    assert go_version(str(program(tmp_path / "go", f"echo '{said}'"))) == version


def test_a_program_that_cannot_run_has_no_version(tmp_path: Path) -> None:
    assert go_version(str(tmp_path / "nothing")) == ()
