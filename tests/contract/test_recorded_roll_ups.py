"""A month of a venue's own minutes, rolled up: each interval from every finer one, and as the lake is read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations, pairwise

import polars as pl
import pytest

from cryptoviz.arithmetic.fold import SUMS, fold_candles
from cryptoviz.arithmetic.intervals import INTERVALS
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.symbols import Instrument, parse_instrument
from cryptoviz.storage.candles import read_candles
from cryptoviz.storage.frames import append_rows, empty

BTC: Instrument = parse_instrument("binance:BTC-USDT")
PRICES = ("open", "high", "low", "close")
FOLDED = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
CHAINS = [
    (fine, coarse)
    for fine, coarse in combinations(FOLDED, 2)
    if not INTERVALS[coarse].length % INTERVALS[fine].length
]  # fmt: skip
COARSER = tuple(name for name in INTERVALS if name not in {"1s", "1m"})


@pytest.fixture(scope="module")
def klines(recordings):
    """The rows as recorded, prices and volumes as the decimals they were written as."""
    rows = pl.read_ipc(recordings / "binance_btcusdt_ws" / "klines_1m_2024-07-26_2024-08-25.feather")
    return [(at, *(Decimal(repr(number)) for number in numbers)) for at, *numbers in rows.iter_rows()]


@pytest.fixture(scope="module")
def minutes(klines):
    """The same as candles of the lake; every amount that adds up is the recorded volume, times its place."""
    shape, rows = empty(OHLC_1M), []
    nothing = HourVersion().digest
    for number, (at, *prices, volume) in enumerate(klines):
        rows.append(
            {
                "venue": "binance", "symbol": "BTC-USDT", "window_start": at, "window_end": at + timedelta(minutes=1),
                **dict(zip(PRICES, prices, strict=True)),
                **{name: volume * place for place, name in enumerate(SUMS, start=1)},
                "trade_count": 2, "first_trade_id": 2 * number, "last_trade_id": 2 * number + 1, "missing_ids": 0,
                "status": "traded", "hash_sum": number, "first_offset": number, "last_offset": number,
                "quoted_ms": 0, "minutes": 1, "revision": 1, "source_version": nothing, "quotes_version": nothing,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=shape.schema)


@pytest.fixture(scope="module")
def location(minutes, tmp_path_factory):
    """A lake that holds the minutes and nothing coarser."""
    place = Location(uri=str(tmp_path_factory.mktemp("lake")))
    append_rows(OHLC_1M, place, minutes)
    return place


def start_of(name, at):
    """Where a window begins, by the calendar and whole seconds alone."""
    if name == "1M":
        return datetime(at.year, at.month, 1, tzinfo=UTC)
    if name == "1w":
        return datetime(at.year, at.month, at.day, tzinfo=UTC) - timedelta(days=at.weekday())
    length = {"m": 60, "h": 3_600, "d": 86_400}[name[-1]] * int(name[:-1])
    return datetime.fromtimestamp(int(at.timestamp()) // length * length, UTC)


def by_hand(klines, name):
    """First open, highest, lowest, last close and the sum of volumes of each window, in plain decimals."""
    windows = {}
    for row in klines:
        windows.setdefault(start_of(name, row[0]), []).append(row[1:])
    return {
        start: (
            parts[0][0], max(p[1] for p in parts), min(p[2] for p in parts), parts[-1][3], sum(p[4] for p in parts)
        )
        for start, parts in windows.items()
    }  # fmt: skip


def ohlcv(candles):
    return {row[0]: row[1:] for row in candles.select("window_start", *PRICES, "volume").iter_rows()}


def test_it_is_the_month_that_was_recorded(klines):
    assert len(klines) == 43_209
    assert all(after[0] - before[0] == timedelta(minutes=1) for before, after in pairwise(klines))


@pytest.mark.parametrize("name", FOLDED)
def test_the_fold_of_a_month_of_minutes_is_what_plain_decimals_say(klines, minutes, name):
    folded = fold_candles(minutes, interval=name)
    expected = by_hand(klines, name)
    assert ohlcv(folded) == expected
    for place, column in enumerate(SUMS, start=1):
        assert dict(folded.select("window_start", column).iter_rows()) == {
            at: r[4] * place for at, r in expected.items()
        }


@pytest.mark.parametrize(("fine", "coarse"), CHAINS)
def test_it_does_not_matter_through_which_interval_a_month_is_folded(minutes, fine, coarse):
    at_once = fold_candles(minutes, interval=coarse)
    assert fold_candles(fold_candles(minutes, interval=fine), interval=coarse).equals(at_once)


@pytest.mark.parametrize("name", COARSER)
def test_what_is_read_of_the_lake_is_what_plain_decimals_say(klines, location, name):
    first, last = klines[0][0], klines[-1][0] + timedelta(minutes=1)
    read = read_candles(location, BTC, INTERVALS[name], start=first, end=last, now=last + timedelta(days=60))
    assert ohlcv(read) == by_hand(klines, name)
