from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.as_of import as_of
from cryptoviz.lake.candle_tables import CANDLE_PUBLICATIONS, CANDLE_REVISIONS, OHLC_1M, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import BOOK_TICKERS, TRADES
from cryptoviz.storage.frames import empty
from cryptoviz_dagster import publishing
from cryptoviz_dagster.publishing import Part, publish
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import HourInputs, build_candles


def a_part(hour, rows, now):
    trades = pl.DataFrame(rows, schema=empty(TRADES).schema)
    version = HourVersion(len(rows), sum(row["row_hash"] for row in rows))
    inputs = HourInputs(trades=trades, quotes=empty(BOOK_TICKERS), trades_version=version)
    return Part(span=hour, candles=build_candles(inputs, start=hour.start, end=hour.end, now=now))


def content(candles):
    """What a candle says of its market; the versions name what its whole hour stands on."""
    return candles.drop("source_version", "quotes_version").sort(OHLC_1M.key)


def read_as_of(lake, hour, instant):
    return as_of(
        instant,
        Interval.M1,
        candles=lake.rows(OHLC_1M, hour),
        revisions=lake.rows(CANDLE_REVISIONS, hour),
        publications=lake.rows(CANDLE_PUBLICATIONS, Day.containing(hour.start)),
    )


def test_a_late_trade_is_told_with_its_cause_and_the_row_it_changed(lake, first, clock, hour_of_trades):
    rows = hour_of_trades(first, 1)
    publish(lake, Interval.M1, [a_part(first, rows[:30] + rows[31:], clock())])
    clock.move(minutes=5)
    publish(lake, Interval.M1, [a_part(first, rows, clock())])
    told = lake.rows(CANDLE_PUBLICATIONS, Day.containing(first.start)).sort("published_time")
    assert told.select("cause", "candles", "changed").rows() == [("first", 60, 60), ("trades", 60, 1)]
    assert '"trade_count": "0 -> 1"' in told["detail"][1]
    assert lake.rows(CANDLE_REVISIONS, first)["revision"].to_list() == [1]


def test_publishing_the_same_again_adds_nothing(lake, first, clock, hour_of_trades):
    for _ in range(3):
        publish(lake, Interval.M1, [a_part(first, hour_of_trades(first, 1), clock())])
    assert lake.rows(CANDLE_PUBLICATIONS, Day.containing(first.start)).height == 1
    assert lake.rows(CANDLE_REVISIONS, first).height == 0


edits = st.lists(
    st.tuples(st.sets(st.integers(0, 59), max_size=59), st.sampled_from(["BTC-USDT", "ETH-USDT"]), st.booleans()),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
def test_every_earlier_instant_reads_what_was_published_last_before_it(tmp_path_factory, clock, first, trade, edits):
    lake = Lake(Location(uri=str(tmp_path_factory.mktemp("lake"))), clock=clock)
    start, history = clock.now, []
    for dropped, other, both in edits:
        symbols = {"BTC-USDT", other} if both else {other}
        rows = [
            trade(n + 1, first.start + timedelta(minutes=n), symbol=symbol)
            for symbol in sorted(symbols) for n in range(60) if n not in dropped
        ]  # fmt: skip
        clock.move(minutes=1)
        publish(lake, Interval.M1, [a_part(first, rows, clock())])
        history.append((clock(), lake.rows(OHLC_1M, first)))
    assert read_as_of(lake, first, start).height == 0
    for time, rows in history:
        assert content(read_as_of(lake, first, time)).equals(content(rows))
        assert content(read_as_of(lake, first, time + timedelta(seconds=59))).equals(content(rows))
    clock.now = start


def test_a_crash_before_the_candles_are_replaced_leaves_the_old_ones_and_an_honest_history(
    lake, first, clock, hour_of_trades, monkeypatch
):
    rows = hour_of_trades(first, 1)
    publish(lake, Interval.M1, [a_part(first, rows[:-1], clock())])
    published, before = clock(), lake.rows(OHLC_1M, first)
    clock.move(minutes=5)
    with monkeypatch.context() as broken:
        broken.setattr(publishing, "replace_partition", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish(lake, Interval.M1, [a_part(first, rows, clock())])
    assert lake.rows(OHLC_1M, first).equals(before)
    clock.move(minutes=5)
    publish(lake, Interval.M1, [a_part(first, rows, clock())])
    assert content(read_as_of(lake, first, published + timedelta(minutes=6))).equals(content(before))
    assert read_as_of(lake, first, clock())["revision"].max() == 2
