"""Commands that start, stop and watch a stack."""

from typing import Annotated

import typer

from cryptoviz.cli.console import Exit, explained, settings_of

commands = typer.Typer()

Store = Annotated[str | None, typer.Option(help="minio, local, or s3://bucket/prefix.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return once all is ready and leave it running.")]


@commands.command(rich_help_panel="Run")
def demo(store: Store = None, detach: Detach = False) -> None:
    """Start everything on the simulated exchange."""
    _start(store=store, detach=detach, is_demo=True)


@commands.command(rich_help_panel="Run")
def up(store: Store = None, detach: Detach = False) -> None:
    """Start everything on the live venues."""
    _start(store=store, detach=detach, is_demo=False)


@commands.command(rich_help_panel="Run")
def down() -> None:
    """Stop everything that runs in this home."""
    from cryptoviz.stack.launcher import down as stop  # noqa: PLC0415 - keeps `--help` quick

    stop(settings_of())


@commands.command(rich_help_panel="Run")
def logs(
    service: Annotated[str, typer.Argument(help="A service, as `cryptoviz status` names it.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """The end of a service's log."""
    from cryptoviz.stack.errors import StackError  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.stack.launcher import logs as lines_of  # noqa: PLC0415

    with explained({StackError: Exit.USAGE}):
        for line in lines_of(settings_of(), service, follow=follow):
            typer.echo(line.rstrip("\n"))


def _start(*, store: str | None, detach: bool, is_demo: bool) -> None:
    from cryptoviz.stack.errors import StackError  # noqa: PLC0415 - keeps `--help` quick
    from cryptoviz.stack.launcher import up as start  # noqa: PLC0415

    with explained({StackError: Exit.DOWN}):
        status = start(settings_of(store=store), demo=is_demo, detach=detach)
    raise typer.Exit(status)
