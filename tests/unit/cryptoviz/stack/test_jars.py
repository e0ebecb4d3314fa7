import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.stack.errors import JarsDiffer
from cryptoviz.stack.jars import KAFKA, SPARK_KAFKA, JarSet, differences, verify

CONTENT = {"a-1.jar": b"alpha", "b-2.jar": b"beta"}
DIGESTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]))


@pytest.fixture
def jars(tmp_path: Path) -> JarSet:
    lines = [f"{hashlib.sha512(content).hexdigest()}  {name}\n" for name, content in CONTENT.items()]
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock" / "set.lock").write_text("".join(lines))
    return JarSet("set", tmp_path / "lock")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


def test_jars_that_equal_their_lock_pass(jars: JarSet, place: Path) -> None:
    verify(jars, place)
    verify(jars, place)


@pytest.mark.parametrize("checked_before", [False, True])
@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda place: (place / "a-1.jar").write_bytes(b"ALPHA"), "changed a-1.jar"),
        (lambda place: (place / "b-2.jar").unlink(), "missing b-2.jar"),
        (lambda place: (place / "c-3.jar").write_bytes(b"gamma"), "unlisted c-3.jar"),
    ],
)
def test_a_tampered_folder_is_refused(jars, place, tamper, said, checked_before) -> None:  # type: ignore[no-untyped-def]
    if checked_before:
        verify(jars, place)
    tamper(place)
    with pytest.raises(JarsDiffer, match=said):
        verify(jars, place)


def test_a_lock_that_changed_after_the_check_is_noticed(jars: JarSet, place: Path) -> None:
    verify(jars, place)
    jars.lock_file.write_text(jars.lock_file.read_text().replace("b-2.jar", "b-3.jar"))
    with pytest.raises(JarsDiffer, match=r"missing b-3\.jar; unlisted b-2\.jar"):
        verify(jars, place)


def test_a_touched_but_equal_jar_is_read_again_and_passes(jars: JarSet, place: Path) -> None:
    verify(jars, place)
    os.utime(place / "a-1.jar", ns=(0, 0))
    verify(jars, place)


@given(found=DIGESTS, locked=DIGESTS)
def test_there_is_a_difference_exactly_when_the_two_differ(found: dict[str, str], locked: dict[str, str]) -> None:
    assert bool(differences(found, locked)) == (found != locked)


def test_the_place_of_a_set_changes_with_its_lock(jars: JarSet, tmp_path: Path) -> None:
    before = jars.place(tmp_path)
    jars.lock_file.write_text(jars.lock_file.read_text() + f"{'0' * 128}  z.jar\n")
    assert jars.place(tmp_path) != before


@pytest.mark.parametrize(("jars", "count"), [(KAFKA, 44), (SPARK_KAFKA, 4)])
def test_what_is_asked_of_ivy_is_what_is_locked(jars: JarSet, count: int) -> None:
    asked = re.findall(r'name="([^"]+)" rev="([^"]+)"', jars.ivy_file.read_text())
    assert {f"{name}-{version}.jar" for name, version in asked} == set(jars.locked())
    assert len(jars.locked()) == count
    assert all(re.fullmatch(r"[0-9a-f]{128}", digest) for digest in jars.locked().values())
