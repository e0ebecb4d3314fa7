"""Jars from the Maven index by Ivy, each checked against a committed sha512.

A set is a flat Ivy file (exact versions, nothing transitive) beside a lock. It is fetched into a folder named after the
lock, so two checkouts never see each other's versions and a half-fetched set is never seen at all.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptoviz.stack.errors import JarsDiffer, ToolMissing
from cryptoviz.stack.java import Java
from cryptoviz.stack.paths import INFRA

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class JarSet:
    """A named set of jars: ``<name>.xml`` for Ivy and ``<name>.lock`` with ``sha512  file`` lines."""

    name: str
    folder: Path = INFRA / "jars"

    @property
    def ivy_file(self) -> Path:
        """What Ivy is asked for."""
        return self.folder / f"{self.name}.xml"

    @property
    def lock_file(self) -> Path:
        """What must come."""
        return self.folder / f"{self.name}.lock"

    def locked(self) -> dict[str, str]:
        """sha512 by file name."""
        lines = (line.split() for line in self.lock_file.read_text().splitlines() if line.strip())
        return {name: digest for digest, name in lines}

    def place(self, cache: Path) -> Path:
        """Folder of the set under a cache; its name changes with the lock."""
        return cache / "jars" / f"{self.name}-{hashlib.sha256(self.lock_file.read_bytes()).hexdigest()[:12]}"


KAFKA = JarSet("kafka")
SPARK_KAFKA = JarSet("spark_kafka")


def ensure_jars(jars: JarSet, *, cache: Path, java: Java, report: Report = lambda _done, _total: None) -> list[Path]:
    """The jars of a set, fetched when absent. Raises :class:`JarsDiffer` when they are not what is locked."""
    place = jars.place(cache)
    if not place.is_dir():
        _fetch(jars, place=place, cache=cache, java=java, report=report)
    verify(jars, place)
    return sorted(place.glob("*.jar"))


def verify(jars: JarSet, place: Path) -> None:
    """Check a folder against the lock. What has the size and time of the last full check is not read again."""
    stamp = place / "verified.json"
    found = {jar.name: [jar.stat().st_size, jar.stat().st_mtime_ns] for jar in sorted(place.glob("*.jar"))}
    if stamp.is_file() and json.loads(stamp.read_text()) == found and found.keys() == jars.locked().keys():
        return
    wrong = differences({name: digest(place / name) for name in found}, jars.locked())
    if wrong:
        raise JarsDiffer(
            f"jars in {place} are not those of {jars.lock_file.name}: {'; '.join(wrong)}. "
            "Delete the folder to fetch them again"
        )
    stamp.write_text(json.dumps(found))


def differences(found: Mapping[str, str], locked: Mapping[str, str]) -> list[str]:
    """What keeps a folder from being what is locked, as sorted phrases; empty when nothing does."""
    wrong = [f"missing {name}" for name in locked.keys() - found.keys()]
    wrong += [f"unlisted {name}" for name in found.keys() - locked.keys()]
    wrong += [f"changed {name}" for name in locked.keys() & found.keys() if locked[name] != found[name]]
    return sorted(wrong)


def digest(path: Path) -> str:
    """sha512 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def _fetch(jars: JarSet, *, place: Path, cache: Path, java: Java, report: Report) -> None:
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    total = len(jars.locked())
    with subprocess.Popen(
        _ivy(jars, into=part, cache=cache, java=java), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as ivy:
        output = _follow(ivy, lambda: report(_count(cache / "ivy"), total))
    if ivy.returncode:
        raise ToolMissing(
            f"the {jars.name} jars could not be fetched (Ivy exit {ivy.returncode}): {output[-1500:].strip()}\n"
            "They come from the Maven index; check the network, or SSL_CERT_FILE behind a proxy. "
            "Running again resumes."
        )
    verify(jars, part)
    part.rename(place)


def _follow(process: "subprocess.Popen[str]", tell: Callable[[], None]) -> str:
    while True:
        try:
            output, _ = process.communicate(timeout=1.0)
        except subprocess.TimeoutExpired:
            tell()
        else:
            return output


def _count(ivy_cache: Path) -> int:
    return sum(1 for _ in ivy_cache.glob("*/*/jars/*.jar")) if ivy_cache.is_dir() else 0


def _ivy(jars: JarSet, *, into: Path, cache: Path, java: Java) -> list[str]:
    # user.home: Ivy's defaults would otherwise also search and fill ~/.ivy2.
    options = [*java.trust, f"-Duser.home={cache / 'ivy-home'}"]
    request = ["-warn", "-settings", str(jars.folder / "settings.xml"), "-cache", str(cache / "ivy")]
    request += ["-ivy", str(jars.ivy_file), "-confs", "default"]
    return [
        str(java.executable),
        *options,
        "-jar",
        str(java.ivy),
        *request,
        "-retrieve",
        f"{into}/[artifact]-[revision].[ext]",
    ]
