"""What ``cryptoviz doctor`` looks at before a stack runs. A check only reads, and says how to mend what it finds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from cryptoviz.settings import Settings
from cryptoviz.stack.catalogue import port_uses, service_names
from cryptoviz.stack.database import find_program
from cryptoviz.stack.errors import StackError
from cryptoviz.stack.jars import KAFKA, SPARK_KAFKA, verify
from cryptoviz.stack.java import find_java
from cryptoviz.stack.object_server import find_object_server
from cryptoviz.stack.ownership import owner
from cryptoviz.stack.paths import Home
from cryptoviz.stack.ports import taken

_DISK_GB, _MEMORY_GB = 5, 4


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One check: what was found and, unless all is well, what to do."""

    name: str
    verdict: Verdict
    detail: str
    fix: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every check of this machine and home."""
    made_of: list[Callable[[Settings], Finding]] = [_python, _java, _jars, _store, _database]
    return [check(settings) for check in (*made_of, _ports, _disk, _memory, _keys)]


def _python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(name="python", verdict=Verdict.OK, detail=f"{version} at {sys.executable}")


def _java(settings: Settings) -> Finding:
    try:
        java = find_java(settings.cache.expanduser())
        said = subprocess.run([java.executable, "-version"], capture_output=True, text=True, check=True, timeout=30)
    except (StackError, OSError, subprocess.SubprocessError) as error:
        return Finding(name="java", verdict=Verdict.FAIL, detail=str(error), fix="./run setup")
    return Finding(name="java", verdict=Verdict.OK, detail=said.stderr.splitlines()[0])


def _jars(settings: Settings) -> Finding:
    cache = settings.cache.expanduser()
    sets = (KAFKA, SPARK_KAFKA)
    absent = [jars.name for jars in sets if not jars.place(cache).is_dir()]
    if absent:
        detail = f"not fetched yet: {', '.join(absent)}"
        return Finding(name="jars", verdict=Verdict.WARN, detail=detail, fix="./run setup fetches them")
    try:
        for jars in sets:
            verify(jars, jars.place(cache))
    except StackError as error:
        return Finding(name="jars", verdict=Verdict.FAIL, detail=str(error), fix="delete the folder, then ./run setup")
    return Finding(name="jars", verdict=Verdict.OK, detail=f"{sum(len(s.locked()) for s in sets)} equal their locks")


def _store(settings: Settings) -> Finding:
    if settings.store != "minio":
        return Finding(name="store", verdict=Verdict.OK, detail=settings.lake.uri)
    try:
        program = find_object_server(settings.cache.expanduser(), settings.minio)
    except StackError as error:
        return Finding(name="store", verdict=Verdict.FAIL, detail=str(error), fix="correct or unset CRYPTOVIZ_MINIO")
    if program is None:
        detail, fix = "MinIO is not built yet", "./run setup builds it (minutes); --store local needs none"
        return Finding(name="store", verdict=Verdict.WARN, detail=detail, fix=fix)
    return Finding(name="store", verdict=Verdict.OK, detail=f"MinIO at {program}")


def _database(settings: Settings) -> Finding:
    if settings.sql_address:
        return Finding(name="postgres", verdict=Verdict.OK, detail=f"another server, {settings.sql_address}")
    try:
        program = find_program("postgres")
    except StackError as error:
        return Finding(name="postgres", verdict=Verdict.FAIL, detail=str(error), fix="./run setup")
    return Finding(name="postgres", verdict=Verdict.OK, detail=str(program))


def _ports(settings: Settings) -> Finding:
    if owner(Home.at(settings.home).lock_file):
        return Finding(name="ports", verdict=Verdict.OK, detail="held by this stack, which is running")
    uses = [use for service in service_names(settings) for use in port_uses(settings, service)]
    sentences = taken(uses)
    if sentences:
        fix = "stop the other process, or set the variable named; CRYPTOVIZ_PORT_OFFSET=100 moves all"
        return Finding(name="ports", verdict=Verdict.FAIL, detail="; ".join(sentences), fix=fix)
    return Finding(name="ports", verdict=Verdict.OK, detail=f"{len(uses)} free on 127.0.0.1")


def _disk(settings: Settings) -> Finding:
    home = Home.at(settings.home).root
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    enough = free >= _DISK_GB
    fix = "" if enough else "free some space, or set CRYPTOVIZ_HOME to another disk"
    verdict = Verdict.OK if enough else Verdict.WARN
    return Finding(name="disk", verdict=verdict, detail=f"{free:.0f} GB free at {place}", fix=fix)


def _memory(_: Settings) -> Finding:
    free = psutil.virtual_memory().available / 1e9
    enough = free >= _MEMORY_GB
    fix = "" if enough else f"the whole stack takes up to {_MEMORY_GB} GB; close something"
    verdict = Verdict.OK if enough else Verdict.WARN
    return Finding(name="memory", verdict=verdict, detail=f"{free:.1f} GB available", fix=fix)


def _keys(settings: Settings) -> Finding:
    path = Home.at(settings.home).env_file
    if not path.is_file():
        return Finding(name="keys", verdict=Verdict.OK, detail="generated at the first start")
    return _private(path)


def _private(path: Path) -> Finding:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077 or path.stat().st_uid != os.getuid():
        detail = f"{path} can be read by others (mode {mode:o})"
        return Finding(name="keys", verdict=Verdict.FAIL, detail=detail, fix=f"chmod 600 {path}")
    return Finding(name="keys", verdict=Verdict.OK, detail=f"{path} is private")
