import csv
import io
import os

import pytest
from typer.testing import CliRunner

from cryptoviz.cli.main import app
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.storage.frames import replace_partition

RANGE = ("--from", "2026-01-02T03:00", "--to", "2026-01-02T03:06")


@pytest.fixture
def cli(tmp_path, monkeypatch, lake, hour, make_candles):
    """Runs a command over five minutes in a home of its own."""
    for name in [name for name in os.environ if name.startswith("CRYPTOVIZ_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRYPTOVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CRYPTOVIZ_STORE", "local")
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1", "2", "3", "4", "64000.10"), {})

    def run(*arguments):
        return CliRunner().invoke(app, arguments)

    return run


def rows(done):
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_candles_are_folded_for_an_interval_without_a_table(cli):
    found = rows(cli("candles", "binance:BTC-USDT", "3m", *RANGE))
    assert [(row["window_start"], row["close"]) for row in found] == [
        ("2026-01-02T03:00:00.000000Z", "3"), ("2026-01-02T03:03:00.000000Z", "64000.1"),
    ]  # fmt: skip


def test_the_filled_view_flags_what_it_filled(cli):
    found = rows(cli("candles", "binance:BTC-USDT", "1m", *RANGE, "--filled"))
    assert [row["is_filled"] for row in found] == ["false"] * 5 + ["true"]
    assert found[-1]["close"] == "64000.1"
    assert found[-1]["status"] == "blind"


def test_bars_of_no_trades_are_a_header(cli):
    done = cli("bars", "binance:BTC-USDT", "dollar", "1000", *RANGE)
    assert rows(done) == []
    assert "running_total" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("candles", "binance:BTC-USDT", "7m", *RANGE), "no candles of '7m'"),
        (("candles", "BTC", "1m", *RANGE), "venue:BASE-QUOTE"),
        (("candles", "binance:BTC-USDT", "1m", "--from", "soon", "--to", "later"), "no ISO date"),
        (("candles", "binance:BTC-USDT", "1m", "--from", "2026-01-02", "--to", "2026-01-02"), "not after"),
        (("bars", "binance:BTC-USDT", "tick", "0", *RANGE), "positive"),
        (("bars", "binance:BTC-USDT", "tick", "NaN", *RANGE), "positive"),
        (("bars", "binance:BTC-USDT", "tick", "1e-19", *RANGE), "positive"),
        (("bars", "binance:BTC-USDT", "tick", "many", *RANGE), "'many' is no number"),
    ],
)
def test_what_cannot_be_asked_ends_with_the_reason(cli, arguments, reason):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert reason in done.output
