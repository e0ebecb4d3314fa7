import json
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from cryptoviz.cli.console import Exit
from cryptoviz.cli.main import app
from cryptoviz.forecasting.evaluation.lstm_trainer import QuarterlyTrainer
from cryptoviz.forecasting.lstm_training import LossNotFinite


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    """A hundred days of two symbols."""
    path, frames = tmp_path_factory.mktemp("candles") / "candles.csv", []
    for seed, symbol in enumerate(("AAA", "BBB")):
        random = np.random.default_rng(seed)
        close = 100 * np.exp(np.cumsum(random.normal(0, 0.005, 2400)))
        opened = np.concatenate([close[:1], close[:-1]])
        times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(2400)]
        frames.append(
            pl.DataFrame(
                {
                    "symbol": symbol, "time": times, "open": opened, "high": np.maximum(opened, close) * 1.001,
                    "low": np.minimum(opened, close) * 0.999, "close": close, "volume": random.lognormal(2, 1, 2400),
                }
            )
        )  # fmt: skip
    pl.concat(frames).write_csv(path)
    return path


def evaluate(*arguments):
    return CliRunner().invoke(app, ["forecast", "evaluate", *map(str, arguments)])


def test_a_file_of_candles_is_evaluated(candles):
    done = evaluate("--candles", candles, "--no-lstm")
    assert done.exit_code == 0, done.stderr
    assert "Variance: QLIKE" in done.stdout
    assert "no measurable skill over last price" in done.stdout


def test_json_has_every_table_and_one_symbol_may_be_chosen(candles):
    done = evaluate("--candles", candles, "--no-lstm", "--json", "--symbol", "BBB")
    evaluation = json.loads(done.stdout)
    assert evaluation["markets"] == ["BBB"]
    assert {row["horizon"] for row in evaluation["intervals"]} == {1, 6, 12, 24}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--candles", "nothing.csv"], "no file"), (["--candles", "FILE", "--symbol", "ZZZ"], "no market ZZZ")],
)
def test_what_cannot_be_evaluated_is_told_in_one_line(candles, arguments, message):
    given = [candles if argument == "FILE" else argument for argument in arguments]
    done = evaluate(*given, "--no-lstm")
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_different_candles_of_an_hour_are_told_in_one_line(candles, tmp_path):
    frame, path = pl.read_csv(candles), tmp_path / "twice.csv"
    pl.concat([frame, frame[:1].with_columns(pl.col("volume") * 2)]).write_csv(path)
    done = evaluate("--candles", path, "--no-lstm")
    assert done.exit_code == 2
    assert "different candles of AAA at 2026-01-01 00:00" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_a_history_that_is_too_short_is_told_in_one_line(candles, tmp_path):
    path = tmp_path / "short.csv"
    pl.read_csv(candles).filter(pl.col("symbol") == "AAA")[:1200].write_csv(path)
    done = evaluate("--candles", path, "--no-lstm")
    assert done.exit_code == 2
    assert "50 whole days of candles, an evaluation needs 90" in done.stderr


def test_an_lstm_whose_loss_is_not_finite_gives_no_table(candles, monkeypatch):
    if find_spec("keras") is None:
        pytest.skip("Keras is not installed")

    def diverge(*_):
        raise LossNotFinite("loss (nan,) after 1 epochs")

    monkeypatch.setattr(QuarterlyTrainer, "__call__", diverge)
    done = evaluate("--candles", candles)
    assert done.exit_code == Exit.DEGRADED
    assert "loss (nan,)" in done.stderr
    assert not done.stdout
