"""Commands about forecasts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoviz.cli.console import AsJson, Exit, Quiet, explained, fail, say

if TYPE_CHECKING:
    from cryptoviz.forecasting.evaluation.walk_forward import Trainer

commands = typer.Typer(no_args_is_help=True, help="Forecasts and how good they are.")


@commands.callback()
def forecast() -> None:
    """Forecasts and how good they are."""


@commands.command()
def evaluate(
    candles: Annotated[
        Path, typer.Option(help="CSV or Parquet: symbol, time, open, high, low, close, volume; one row an hour.")
    ],
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol; may be given again.")] = None,
    lstm: Annotated[bool, typer.Option(help="Train the LSTM too, which takes minutes.")] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Walk forward over a file of hourly candles: price, variance and intervals, beside last price, HAR and GARCH."""
    try:
        import numpy  # noqa: F401, PLC0415 - keeps `--help` quick
    except ModuleNotFoundError:
        fail("forecasts need numpy; install cryptoviz[dagster]", Exit.USAGE)
    from cryptoviz.forecasting.candle_file import UnusableCandles, read_candle_file  # noqa: PLC0415
    from cryptoviz.forecasting.evaluation.report import evaluate as walk_and_score  # noqa: PLC0415
    from cryptoviz.forecasting.evaluation.report import render  # noqa: PLC0415
    from cryptoviz.forecasting.evaluation.walk_forward import HistoryTooShort  # noqa: PLC0415
    from cryptoviz.forecasting.lstm_training import LossNotFinite, TooFewExamples  # noqa: PLC0415
    from cryptoviz.forecasting.panel import UnknownMarket  # noqa: PLC0415

    unusable: tuple[type[Exception], ...] = (UnusableCandles, UnknownMarket, HistoryTooShort, TooFewExamples)
    trainer = _trainer(is_quiet=quiet) if lstm else None
    with explained(dict.fromkeys(unusable, Exit.USAGE) | {LossNotFinite: Exit.DEGRADED}):
        panel = read_candle_file(candles)
        evaluation = walk_and_score(panel.only(symbol) if symbol else panel, trainer=trainer)
    typer.echo(json.dumps(evaluation.as_dict()) if as_json else render(evaluation))


def _trainer(*, is_quiet: bool) -> "Trainer":
    from importlib.util import find_spec  # noqa: PLC0415 - keeps `--help` quick

    if find_spec("keras") is None:
        fail("training the LSTM needs Keras; install cryptoviz[training], or leave it out with --no-lstm", Exit.USAGE)
    from cryptoviz.forecasting.evaluation.lstm_trainer import QuarterlyTrainer  # noqa: PLC0415

    return QuarterlyTrainer(say=(lambda _: None) if is_quiet else say)
