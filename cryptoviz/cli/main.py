"""``cryptoviz``: the command line. Each group of commands has a module; heavy imports wait in the command's body.

Data goes to standard output, progress to standard error. Exit status: 0 ok, 1 degraded or a check failed, 2 usage,
3 unreachable or down, 130 interrupted.
"""

from typing import Annotated

import typer

from cryptoviz.cli import backfill, docs, forecast, importing, inspect, query, replay, run

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A market-data lakehouse that can prove its numbers.",
)


def _print_version(asked: bool) -> None:
    if asked:
        from cryptoviz.inspect.version import version_text  # noqa: PLC0415 - keeps `--help` quick

        typer.echo(f"cryptoviz {version_text()}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """A market-data lakehouse that can prove its numbers."""


for commands in (run, inspect, query, replay, backfill):
    app.add_typer(commands.commands)
app.add_typer(importing.commands, name="import", rich_help_panel="Data")
app.add_typer(inspect.data_commands, name="data", rich_help_panel="Inspect")
app.add_typer(forecast.commands, name="forecast", rich_help_panel="Inspect")
app.add_typer(docs.commands, name="docs", rich_help_panel="Develop")


def main() -> None:
    """Entry point."""
    app(prog_name="cryptoviz")


if __name__ == "__main__":
    main()
