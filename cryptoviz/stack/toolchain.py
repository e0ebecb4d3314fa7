"""Everything a stack is made of that is not a Python package, obtained once and checked at every start.

``python -m cryptoviz.stack.toolchain`` obtains it all and waits for it.
"""

import sys
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from cryptoviz.settings import Settings, SettingsError, load_settings
from cryptoviz.stack.errors import StackError, ToolMissing
from cryptoviz.stack.jars import KAFKA, SPARK_KAFKA, JarSet, ensure_jars
from cryptoviz.stack.java import Java, find_java, shim_home
from cryptoviz.stack.object_server import ensure_object_server, find_object_server
from cryptoviz.stack.progress import Board


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """Programs and jars. ``object_server`` is a future: the others can start while it is built."""

    java: Java
    java_home: Path
    kafka_jars: Path
    spark_jars: tuple[Path, ...]
    object_server: Future[Path]


def provision(settings: Settings, *, board: Board) -> Toolchain:
    """Fetch what is missing, check what is there. A build of the object store's program goes on in the background."""
    cache = settings.cache.expanduser()
    object_server = _object_server(settings, cache, board)
    java = find_java(cache)
    kafka, spark = (_jars(jars, cache=cache, java=java, board=board) for jars in (KAFKA, SPARK_KAFKA))
    return Toolchain(
        java=java,
        java_home=shim_home(java, cache),
        kafka_jars=kafka[0].parent,
        spark_jars=tuple(spark),
        object_server=object_server,
    )


def _jars(jars: JarSet, *, cache: Path, java: Java, board: Board) -> list[Path]:
    if jars.place(cache).is_dir():
        return ensure_jars(jars, cache=cache, java=java)
    with board.step(f"{jars.name} jars", done="fetched and verified") as step:
        return ensure_jars(jars, cache=cache, java=java, report=step.advance)


def _object_server(settings: Settings, cache: Path, board: Board) -> "Future[Path]":
    future: Future[Path] = Future()
    if settings.store != "minio":
        future.set_exception(ToolMissing(f"store {settings.store} needs no MinIO"))
        return future
    # A daemon thread: Ctrl-C during a build must not wait for it, the build resumes next time.
    threading.Thread(target=_fulfil, args=(future, settings, cache, board), name="minio-build", daemon=True).start()
    return future


def _fulfil(future: "Future[Path]", settings: Settings, cache: Path, board: Board) -> None:
    try:
        found = find_object_server(cache, settings.minio)
        if found:
            future.set_result(found)
            return
        with board.step("MinIO program", done="built") as step:
            future.set_result(ensure_object_server(cache, uv=settings.uv, report=step.note))
    except Exception as error:  # noqa: BLE001 - whatever it is, the service that needs the program reports it
        future.set_exception(error)


def main() -> int:
    """Obtain everything; 3 with the reason when something cannot be had."""
    try:
        settings = load_settings()
        with Board() as board:
            tools = provision(settings, board=board)
            if settings.store == "minio":
                tools.object_server.result()
    except (StackError, SettingsError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
