import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from cryptoviz.cli.main import app


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
