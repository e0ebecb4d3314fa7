import re
import tomllib
from pathlib import Path
from typing import Any

from cryptoviz.stack.lockfile import elide

LOCK = Path(__file__).parents[4] / "uv.lock"

FULL = """version = 1
[[package]]
name = "idna"
version = "3.11"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/packages/6f/6d/idna-3.11.tar.gz", hash = "sha256:aa", size = 1 }
wheels = [
    { url = "http://files.example/a/b/idna-3.11-py3-none-any.whl", hash = "sha256:bb" },
]

[[package]]
name = "cryptoviz"
version = "0.1.0"
source = { editable = "." }
"""


def essence(lock: str) -> list[Any]:
    def files(package: dict[str, Any]) -> list[tuple[str, str]]:
        listed = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        return [(one["url"].rsplit("/", 1)[1], one["hash"]) for one in listed]

    return [(p["name"], p["version"], p.get("dependencies"), files(p)) for p in tomllib.loads(lock)["package"]]


def test_eliding_keeps_every_name_version_file_and_hash() -> None:
    assert essence(elide(FULL)) == essence(FULL)


def test_eliding_leaves_no_other_host() -> None:
    assert set(re.findall(r"https?://([^/\"]*)", elide(FULL))) == {"default.index"}


def test_eliding_twice_changes_nothing() -> None:
    assert elide(elide(FULL)) == elide(FULL)


def test_the_committed_lock_is_elided() -> None:
    text = LOCK.read_text()
    assert elide(text) == text
