"""The version of this program, installed or in a checkout."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def version_text() -> str:
    """The version, such as ``0.1.0``: the checkout's own, or that of the installed package."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text())["project"]["version"])
    try:
        return version("cryptoviz")
    except PackageNotFoundError:
        return "unknown"
