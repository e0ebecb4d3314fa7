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


def at(row, value, otherwise):
    """A column with another value in one row."""
    return pl.when(pl.int_range(pl.len()) == row).then(pl.lit(value)).otherwise(otherwise)


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
        (lambda frame: frame.with_columns(pl.col("time").dt.epoch("s")), "not milliseconds"),
        (lambda frame: frame.with_columns(pl.col("time").dt.epoch("ns")), "not milliseconds"),
        (lambda frame: frame.with_columns(close=pl.lit("dear")), "close holds 'dear', which is no number"),
        (lambda frame: frame.with_columns(symbol=at(7, None, pl.col("symbol"))), "1 rows without a symbol or time"),
        (lambda frame: frame.with_columns(time=at(7, None, pl.col("time"))), "1 rows without a symbol or time"),
        (lambda frame: frame.with_columns(time=at(0, datetime(2001, 1, 1, tzinfo=UTC), pl.col("time"))), "60 of the"),
        (lambda frame: pl.concat([frame, frame[:1].with_columns(close=pl.lit(9.5))]), "different candles of BTCUSDT"),
        (lambda frame: frame.with_columns(low=pl.lit(-1.0)), "no candle with positive prices"),
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


def test_equal_rows_count_once(tmp_path):
    path = tmp_path / "candles.parquet"
    pl.concat([candles(), candles()[10:20]]).write_parquet(path)
    assert read_candle_file(path).is_bar.sum() == 48


def test_hours_that_are_absent_or_impossible_stay_absent(tmp_path):
    path = tmp_path / "candles.csv"
    frame = candles().with_columns(high=at(30, 8.0, pl.col("high")))
    frame.filter(pl.int_range(pl.len()) != 40).write_csv(path)
    panel = read_candle_file(path)
    assert (~panel.is_bar).nonzero()[0].tolist() == [26, 36]
