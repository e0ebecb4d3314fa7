from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.arithmetic.bars import BarKind
from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.arithmetic.intervals import interval_named
from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.candles import read_bars, read_candles
from cryptoviz.storage.frames import empty, replace_partition

BTC = Instrument(Venue.BINANCE, "BTC-USDT")


def trade(number, time):
    return {
        "venue": "binance", "symbol": "BTC-USDT", "trade_id": number, "last_trade_id": number, "event_time": time,
        "price": Decimal(100 + number), "quantity": Decimal(2), "quote_quantity": Decimal(2 * (100 + number)),
        "side": "buy", "source": "ws", "received_time": None, "lateness_ms": 0, "topic": "trades", "partition": 0,
        "offset": number, "kafka_time": time, "row_hash": number,
    }  # fmt: skip


@pytest.fixture
def minutes(lake, hour, make_candles):
    """Four hours of minutes, the last minute of the second hour quiet, and another market's."""
    for number in range(4):
        candles = make_candles(hour.next(number), *[str(100 + n) for n in range(60)])
        if number == 1:
            nothing = pl.when(pl.col("close") < 159)
            candles = candles.with_columns(
                nothing.then("close").alias("close"), status=nothing.then("status").otherwise(pl.lit("quiet"))
            )
        other = make_candles(hour.next(number), "7", symbol="ETH-USDT")
        replace_partition(OHLC_1M, lake, hour.next(number), pl.concat([candles, other]), {})
    return lake


@pytest.fixture
def trades(lake, hour):
    """A trade every 20 minutes over two hours, around midnight."""
    start = Hour(hour.start.replace(hour=23))
    for number in range(2):
        rows = [trade(1 + number * 3 + n, start.next(number).start + timedelta(minutes=20 * n)) for n in range(3)]
        replace_partition(TRADES, lake, start.next(number), pl.DataFrame(rows, schema=empty(TRADES).schema), {})
    return lake


def read(lake, name, start, end, **more):
    more.setdefault("now", end + timedelta(days=1))
    return read_candles(lake, BTC, interval_named(name), start=start, end=end, **more)


def test_a_range_is_read_in_whole_windows_of_one_market(minutes, hour):
    candles = read(minutes, "30m", hour.start + timedelta(minutes=31), hour.start + timedelta(minutes=61))
    assert [start - hour.start for start in candles["window_start"]] == [timedelta(minutes=30), timedelta(minutes=60)]
    assert candles["close"].to_list() == [159, 129]
    assert set(candles["minutes"]) == {30}


def test_the_coarsest_table_that_has_candles_is_read(minutes, hour):
    folded = read(minutes, "2h", hour.start, hour.next(4).start)
    for number in range(4):
        rows = read(minutes, "1m", hour.next(number).start, hour.next(number + 1).start)
        replace_partition(OHLC_1H, minutes, hour.next(number), fold_candles(rows, interval=timedelta(hours=1)), {})
    assert read(minutes, "2h", hour.start, hour.next(4).start).equals(folded)
    assert read(minutes, "1h", hour.start, hour.next(4).start).height == 4


def test_a_window_under_way_is_open(minutes, hour):
    now = hour.start + timedelta(hours=3, minutes=59, seconds=59)
    candles = read(minutes, "3d", hour.start, hour.next(1).start, now=now)
    assert candles.select("status", "revision").rows() == [("open", 0)]


def test_the_filled_view_is_asked_for_and_flagged(minutes, hour):
    start, end = hour.next(1).start + timedelta(minutes=58), hour.next(2).start
    assert read(minutes, "1m", start, end)["close"].to_list() == [158, None]
    filled = read(minutes, "1m", start, end, is_filled=True)
    assert filled.select("close", "is_filled", "status").rows() == [(158, False, "traded"), (158, True, "quiet")]


def test_seconds_come_from_trades_and_neighbouring_hours_prove_them(trades, hour):
    midnight = hour.start.replace(hour=0) + timedelta(days=1)
    seconds = read(trades, "1s", midnight - timedelta(seconds=1), midnight + timedelta(seconds=1))
    assert seconds.select("status", "close", "trade_count").rows() == [("quiet", None, 0), ("traded", 104, 1)]


def test_bars_are_counted_from_the_first_trade_of_a_day(trades, hour):
    start = hour.start.replace(hour=23)
    bars = read_bars(trades, BTC, kind=BarKind.VOLUME, size=Decimal(4), start=start, end=start + timedelta(hours=2))
    days = [start.date(), start.date() + timedelta(days=1)]
    assert bars.select("day", "bar", "volume", "is_closed").rows() == [
        (days[0], 0, 4, True), (days[0], 1, 2, False), (days[1], 0, 4, True), (days[1], 1, 2, False),
    ]  # fmt: skip
    late = read_bars(
        trades,
        BTC,
        kind=BarKind.TICK,
        size=Decimal(2),
        start=start + timedelta(minutes=90),
        end=start + timedelta(hours=2),
    )
    assert late.select("bar", "trade_count").rows() == [(1, 1)]


def test_nothing_is_read_from_an_empty_lake(lake, hour):
    assert read(lake, "1w", hour.start, hour.end).height == 0
    assert read(lake, "1s", hour.start, hour.end).height == 0
    assert read_bars(lake, BTC, kind=BarKind.TICK, size=Decimal(1), start=hour.start, end=hour.end).height == 0
