from datetime import UTC, datetime, timedelta

import polars as pl

from cryptoviz.inspect.gaps import gaps
from cryptoviz.lake.tables import GAPS
from cryptoviz.storage.frames import append_rows, empty

OPENED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def state(first, state, *, after_s, last=9, symbol="BTC-USDT", offset=0):
    return {
        **dict.fromkeys(GAPS.column_names),
        "venue": "binance",
        "symbol": symbol,
        "first_id": first,
        "last_id": last,
        "state": state,
        "cause": "hole",
        "opened_time": OPENED,
        "event_time": OPENED + timedelta(seconds=after_s),
        "topic": "gaps",
        "partition": 0,
        "offset": offset,
        "kafka_time": OPENED,
        "row_hash": 0,
    }


def write(lake, *rows):
    append_rows(GAPS, lake, pl.DataFrame(rows, schema=empty(GAPS).schema))


def test_each_gap_is_told_once_in_its_latest_state_and_open_ones_come_first(lake):
    write(lake, state(5, "repaired", after_s=2.5, last=12, offset=1), state(5, "open", after_s=0))
    write(lake, state(20, "open", after_s=0, last=20, offset=2))
    found = gaps(lake)
    assert found.select("first_id", "last_id", "ids", "state", "seconds").rows() == [
        (20, 20, 1, "open", 0.0), (5, 12, 8, "repaired", 2.5),
    ]  # fmt: skip


def test_of_two_states_at_one_instant_the_later_record_holds(lake):
    write(lake, state(5, "repaired", after_s=0, offset=8), state(5, "open", after_s=0, offset=7))
    assert gaps(lake)["state"].to_list() == ["repaired"]


def test_gaps_are_chosen_by_their_latest_state_and_market(lake):
    write(
        lake, state(5, "open", after_s=0), state(5, "repaired", after_s=1), state(6, "open", after_s=0, symbol="X-USD")
    )
    assert gaps(lake, state="open")["first_id"].to_list() == [6]
    assert gaps(lake, symbol="BTC-USDT")["first_id"].to_list() == [5]


def test_a_lake_without_gaps_has_none(lake):
    assert gaps(lake).is_empty()
