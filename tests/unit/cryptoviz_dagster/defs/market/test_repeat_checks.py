import dagster as dg
import polars as pl
import pytest

from cryptoviz.lake.tables import DUPLICATES, TRADES
from cryptoviz.storage.frames import append_rows, empty
from cryptoviz_dagster.defs.market.repeat_checks import contradictions


@pytest.fixture
def repeat():
    """The row of ``duplicates`` that a trade makes when it is told again."""

    def make(trade, **changes):
        return {name: trade.get(name) for name in DUPLICATES.column_names} | {"offset": 900} | changes

    return make


def frame(table, *rows):
    return pl.DataFrame(list(rows), empty(table).schema)


def test_a_trade_told_again_as_it_was_agrees(trade, first, repeat):
    kept = trade(7, first.start, "100.50")
    assert contradictions(frame(DUPLICATES, repeat(kept)), frame(TRADES, kept)) == []


def test_another_price_for_an_id_is_told_with_both_records(trade, first, repeat):
    kept = trade(7, first.start, "100.50")
    other = repeat(kept, price=kept["price"] + 1)
    assert contradictions(frame(DUPLICATES, other), frame(TRADES, kept)) == [
        "binance:BTC-USDT id 7: 101.5 x 0.5 at trades/0/900, kept is 100.5 x 0.5 at offset 7"
    ]


def test_the_same_trade_within_an_aggregate_is_not_held_against_it(trade, first, repeat):
    kept = trade(7, first.start) | {"last_trade_id": 9}
    assert contradictions(frame(DUPLICATES, repeat(trade(7, first.start, "99"))), frame(TRADES, kept)) == []


def test_the_run_of_the_hour_warns_of_a_repeat_of_an_earlier_hour(
    orchestra, writer, hour_of_trades, first, repeat, lake
):
    rows = hour_of_trades(first, 1)
    writer.commit(*rows, *hour_of_trades(first.next(), 61))
    late = repeat(rows[3], price=rows[3]["price"] * 2, kafka_time=first.next().start)
    append_rows(DUPLICATES, lake.location, frame(DUPLICATES, late))
    runs = [orchestra.run(request) for request in orchestra.tick().run_requests]
    said = [e for run in runs for e in run.get_asset_check_evaluations() if e.check_name == "repeats_agree"]
    assert {e.partition: e.metadata["problems"].value for e in said} == {first.key: 0, first.next().key: 1}
    assert all(e.severity is dg.AssetCheckSeverity.WARN for e in said)
