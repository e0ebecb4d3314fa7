"""Commands that generate documentation from the code."""

from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from cryptoviz.cli.console import Exit, fail, say

commands = typer.Typer(no_args_is_help=True, help="Generated documentation.")

_TABLES_PAGE = Path("docs") / "reference" / "tables.md"
_PICTURES = Path("docs") / "images"


@commands.callback()
def docs() -> None:
    """Generated documentation."""


@commands.command()
def tables(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when the page is not current.")] = False,
    page: Annotated[Path, typer.Option(help="The page.")] = Path(__file__).parents[2] / _TABLES_PAGE,
) -> None:
    """Write docs/reference/tables.md from the contract."""
    from cryptoviz.lake.render import markdown  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.lake.tables import TABLES  # noqa: PLC0415

    text = markdown(TABLES)
    if not check:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
        return
    found = page.read_text() if page.exists() else ""
    if found != text:
        lines = unified_diff(found.splitlines(), text.splitlines(), str(_TABLES_PAGE), "the contract", lineterm="")
        for line in lines:
            say(line)
        fail(f"{_TABLES_PAGE} is not what the contract renders; run `./run docs tables`", Exit.DEGRADED)


@commands.command()
def pictures(
    folder: Annotated[Path, typer.Option("--to", help="Where they go.")] = Path(__file__).parents[2] / _PICTURES,
    language: Annotated[str, typer.Option(help="en or fr.")] = "en",
) -> None:
    """Photograph every tab of the running page: light, dark, and 390 pixels wide."""
    from cryptoviz.inspect.pictures import NoBrowser, take_pictures  # noqa: PLC0415
    from cryptoviz.inspect.reach import Unreachable  # noqa: PLC0415
    from cryptoviz.settings import load_settings  # noqa: PLC0415

    address = f"http://127.0.0.1:{load_settings().ports.of('serving')}"
    try:
        for picture in take_pictures(address, folder, language=language):
            say(f"{picture} {picture.stat().st_size / 1000:.0f} kB")
    except (NoBrowser, Unreachable) as error:
        fail(str(error), Exit.DOWN)
