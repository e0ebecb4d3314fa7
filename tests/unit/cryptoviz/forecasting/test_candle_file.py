from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from cryptoviz.forecasting.candle_file import UnusableCandles, read_candle_file

START = datetime(2026, 1, 1, 20, tzinfo=UTC)


def candles(hours=60, **changes):
    times = [START + timedelta(hours=n) for n in range(hours)]
    prices = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 1.0}
    return pl.DataFrame({"symbol": "BTCUSDT", "time": times}).with_columns(
        **{n: pl.lit(v) for n, v in prices.items()}, **changes
    )


@pytest.mark.parametrize("form", ["csv", "parquet", "epoch"])
def test_whole_days_of_a_file_become_a_panel(tmp_path, form):
    path = tmp_path / f"candles.{'parquet' if form == 'parquet' else 'csv'}"
    frame = candles()
    if form == "parquet":
        frame.write_parquet(path)
    else:
        time = pl.col("time").dt.epoch("ms") if form == "epoch" else pl.col("time").dt.to_string("%Y-%m-%dT%H:%M:%SZ")
        frame.with_columns(time).write_csv(path)
    panel = read_candle_file(path)
    assert panel.markets == ("BTCUSDT",)
    assert len(panel.hours) == 48
    assert panel.hours[0] % 24 == 0
    assert panel.is_bar.all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("volume"), "lacks the column volume"),
        (lambda frame: frame.clear(), "no candles"),
        (lambda frame: frame.with_columns(pl.col("time") + timedelta(minutes=5)), "not full hours"),
        (lambda frame: frame.with_columns(time=pl.lit("noon")), "times are String"),
    ],
)
def test_a_file_that_is_not_hourly_candles_is_refused_with_the_reason(tmp_path, change, message):
    path = tmp_path / "candles.parquet"
    change(candles()).write_parquet(path)
    with pytest.raises(UnusableCandles, match=message):
        read_candle_file(path)


def test_a_file_that_is_absent_or_broken_is_refused(tmp_path):
    with pytest.raises(UnusableCandles, match="no file"):
        read_candle_file(tmp_path / "nothing.csv")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"nonsense")
    with pytest.raises(UnusableCandles, match="cannot be read"):
        read_candle_file(broken)
