import json
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.parts import Parts
from cryptoviz.storage.frames import read_partition, replace_partition, scan

LAST_500 = Range(first=None, end=None, limit=500)


def whole_table(settings, instrument):
    rows = scan(OHLC_1M, settings.lake).filter(pl.col("symbol") == instrument.symbol).collect()
    return rows.select(OHLC_1M.column_names).sort("window_start")


def test_the_last_candles_are_those_of_the_table(parts, settings, btc):
    found = parts.reader.read(btc, INTERVALS["1m"], LAST_500).frame
    assert found.equals(whole_table(settings, btc).tail(500))


def test_a_range_is_cut_at_its_start_and_end(parts, settings, btc, now):
    first, end = now - timedelta(hours=30), now - timedelta(hours=28)
    found = parts.reader.read(btc, INTERVALS["1m"], Range(first=first, end=end, limit=1000)).frame
    inside = pl.col("window_start").is_between(first, end, closed="left")
    assert found.equals(whole_table(settings, btc).filter(inside))
    assert found.height == 120


def test_a_limit_counts_from_the_start_that_is_given(parts, settings, btc, now):
    first = (now - timedelta(hours=30)).replace(second=0)
    found = parts.reader.read(btc, INTERVALS["1m"], Range(first=first, end=None, limit=7)).frame
    assert found["window_start"].to_list() == [first + timedelta(minutes=n) for n in range(7)]


@pytest.mark.parametrize("name", ["3m", "5m", "30m"])
def test_an_interval_without_a_table_is_the_fold_of_the_minutes(parts, settings, btc, name):
    found = parts.reader.read(btc, INTERVALS[name], Range(first=None, end=None, limit=50)).frame
    folded = fold_candles(whole_table(settings, btc), interval=INTERVALS[name].length).tail(50)
    sums = ("window_start", "open", "high", "low", "close", "volume", "trade_count")
    assert found.select(sums).equals(folded.select(sums))


@pytest.mark.parametrize("name", ["12h", "1d", "1w", "1M"])
def test_whole_days_are_folded_from_hours(parts, settings, btc, name):
    found = parts.reader.read(btc, INTERVALS[name], Range(first=None, end=None, limit=100)).frame
    assert found["volume"].sum() == whole_table(settings, btc).filter(_ended_hours(settings, btc))["volume"].sum()


def _ended_hours(settings, btc):
    return pl.col("window_start") < whole_table(settings, btc)["window_end"].max()


def test_binances_rows_are_the_candles(parts, btc):
    rows = [json.loads(row) for row in parts.reader.rows(btc, INTERVALS["1m"], LAST_500)]
    candles = parts.reader.read(btc, INTERVALS["1m"], LAST_500).frame.filter(pl.col("close").is_not_null())
    by_start = {row[0]: row for row in rows}
    for candle in candles.iter_rows(named=True):
        row = by_start[int(candle["window_start"].timestamp() * 1000)]
        assert [Decimal(text) for text in row[1:6]] == [candle[n] for n in ("open", "high", "low", "close", "volume")]


def test_a_revised_hour_is_never_served_from_the_cache(tmp_path, parts, btc, now):
    settings = parts.settings.model_copy(update={"lake_uri": str(tmp_path / "lake")})
    hour = Hour.containing(now)
    before = read_partition(OHLC_1M, parts.settings.lake, hour)
    replace_partition(OHLC_1M, settings.lake, hour, before, {})
    own = Parts(settings=settings, live=parts.live, clock=lambda: now)
    assert own.reader.read(btc, INTERVALS["1m"], LAST_500).frame.equals(before.filter(pl.col("symbol") == btc.symbol))
    revised = before.with_columns(revision=pl.lit(2, pl.Int32))
    replace_partition(OHLC_1M, settings.lake, hour, revised, {})
    own.snapshots.refresh()
    assert set(own.reader.read(btc, INTERVALS["1m"], LAST_500).frame["revision"]) == {2}


def test_a_market_nobody_traded_has_no_candles_and_says_why(parts):
    found = parts.reader.read(Instrument(Venue.BINANCE, "NEW-USDT"), INTERVALS["1m"], LAST_500)
    assert not found.frame.height
    assert "no candles of this market" in found.reason


def test_a_lake_without_tables_says_so(tmp_path, parts, btc, now):
    settings = parts.settings.model_copy(update={"lake_uri": str(tmp_path / "nothing")})
    found = Parts(settings=settings, live=parts.live, clock=lambda: now).reader.read(btc, INTERVALS["1h"], LAST_500)
    assert not found.frame.height
    assert "has not been written yet" in found.reason
