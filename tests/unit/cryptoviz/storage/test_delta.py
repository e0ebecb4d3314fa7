from datetime import UTC, datetime

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import CommitEntry, HourVersion, OffsetRange
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import RAW_TRADES
from cryptoviz.storage.delta import LakeTable, WriterReplaced
from cryptoviz.storage.frames import TableNotWritten, empty, open_table, read_partition, replace_partition, version_of
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects, UnsafeStore, probe_conditional_put

HOUR = Hour(datetime(2026, 1, 2, 3, tzinfo=UTC))


@pytest.fixture
def lake(tmp_path):
    return Location(uri=str(tmp_path / "lake"))


def entry(epoch, *, end, commit_id="1"):
    ranges = [OffsetRange("trades", 0, 0, end, end, 7)]
    return CommitEntry(
        table="raw_trades", commit_id=commit_id, epoch=epoch, cluster_id="c", topic_id="t", ranges=ranges, rows=end
    )


def test_a_commit_carries_its_entry_and_its_end_offsets(lake):
    table = LakeTable(RAW_TRADES, lake)
    said = entry(table.claim(), end=10)
    table.append([], said)
    assert LakeTable(RAW_TRADES, lake).last_entry() == said
    assert LakeTable(RAW_TRADES, lake).next_offsets("trades", [0, 1]) == {0: 10}


def test_a_writer_that_was_replaced_is_refused(lake):
    old, new = LakeTable(RAW_TRADES, lake), LakeTable(RAW_TRADES, lake)
    old_epoch = old.claim()
    new.append([], entry(new.claim(), end=5))
    with pytest.raises(WriterReplaced, match="newer"):
        old.append([], entry(old_epoch, end=9))
    assert new.next_offsets("trades", [0]) == {0: 5}


def test_a_zombie_that_checked_before_it_was_replaced_conflicts(lake, monkeypatch):
    zombie = LakeTable(RAW_TRADES, lake)
    epoch = zombie.claim()
    LakeTable(RAW_TRADES, lake).claim()
    monkeypatch.setattr(zombie, "refresh", lambda: None)
    with pytest.raises(CommitFailedError):
        zombie.append([], entry(epoch, end=9))


def test_a_commit_whose_answer_was_lost_is_recognised_by_its_id(lake, monkeypatch):
    table = LakeTable(RAW_TRADES, lake)
    said = entry(table.claim(), end=4, commit_id="mine")
    really = table._commit

    def applied_but_unanswered(*arguments):
        really(*arguments)
        raise CommitFailedError("no answer")

    monkeypatch.setattr(table, "_commit", applied_but_unanswered)
    table.append([], said)
    assert table.last_entry() == said


def test_claims_and_replacements_do_not_hide_the_last_entry(lake):
    table = LakeTable(RAW_TRADES, lake)
    said = entry(table.claim(), end=1)
    table.append([], said)
    for _ in range(30):
        table.claim()
    assert table.last_entry() == said


def candle(close):
    row = {c.name: None for c in OHLC_1H.columns}
    zero = dict.fromkeys(
        ("volume", "quote_volume", "taker_buy_volume", "taker_sell_volume", "taker_buy_quote_volume"), 0
    )
    row |= {
        "venue": "binance",
        "symbol": "BTC-USDT",
        "window_start": HOUR.start,
        "window_end": HOUR.end,
        "close": close,
    }
    row |= {**zero, "trade_count": 1, "missing_ids": 0, "status": "traded", "hash_sum": 0, "source_version": "v"}
    row |= {"quoted_ms": 0, "minutes": 60, "quotes_version": "v", "revision": 1}
    return pl.DataFrame([row], schema=empty(OHLC_1H).schema)


def test_replacing_an_hour_leaves_exactly_the_new_rows(lake):
    for close in (1, 2, 3):
        replace_partition(OHLC_1H, lake, HOUR, candle(close), {})
        replace_partition(OHLC_1H, lake, HOUR.next(), candle(close).with_columns(window_start=HOUR.end), {})
    assert [int(c) for c in read_partition(OHLC_1H, lake, HOUR)["close"]] == [3]
    assert read_partition(OHLC_1H, lake, HOUR.next()).height == 1


def test_the_same_rows_give_the_same_bytes(lake, tmp_path):
    def content(location):
        replace_partition(OHLC_1H, location, HOUR, candle(5), {})
        path = open_table(OHLC_1H, location).file_uris()[0].removeprefix("file://")
        with open(path, "rb") as file:  # noqa: PTH123 - a path of the table's own
            return file.read()

    assert content(lake) == content(Location(uri=str(tmp_path / "other")))


def test_a_table_that_nobody_wrote_is_named(lake):
    with pytest.raises(TableNotWritten, match="ohlc_1h"):
        open_table(OHLC_1H, lake)
    assert read_partition(OHLC_1H, lake, HOUR).height == 0


def test_the_version_of_rows_is_their_count_and_wrapped_hash_sum():
    rows = pl.DataFrame({"row_hash": [-1, 5]}, schema={"row_hash": pl.Int64})
    assert version_of(rows) == HourVersion(2, 4)
    assert version_of(rows.clear()) == HourVersion()


def test_the_index_keeps_the_time_of_an_unchanged_hour_and_moves_that_of_a_changed_one(lake):
    index, now = HourIndex(Objects(lake), "trades"), datetime(2026, 1, 2, 4, tzinfo=UTC)
    later = now.replace(minute=30)
    index.publish({HOUR: HourVersion(1, 1), HOUR.next(): HourVersion(2, 2)}, now=now)
    index.publish({HOUR: HourVersion(1, 1), HOUR.next(): HourVersion(3, 3)}, now=later)
    found = HourIndex(Objects(lake), "trades").read()
    assert (found[HOUR].changed, found[HOUR.next()].changed) == (now, later)
    assert index.version(HOUR.next()) == HourVersion(3, 3)
    assert index.read() == found


def test_the_index_can_be_read_from_a_day_on_and_sees_changes_there(lake):
    index, now = HourIndex(Objects(lake), "trades"), datetime(2026, 1, 2, 4, tzinfo=UTC)
    days = [HOUR.next(24 * n) for n in range(30)]
    index.publish({hour: HourVersion(1, 1) for hour in days}, now=now)
    assert set(index.read(since=days[27].start)) == set(days[27:])
    assert set(index.read()) == set(days)
    index.publish({days[28]: HourVersion(2, 2), days[29].next(): HourVersion(3, 3)}, now=now)
    found = index.read(since=days[28].start)
    assert {hour: entry.version.rows for hour, entry in found.items()} == {days[28]: 2, days[29]: 1, days[29].next(): 3}
    assert len(index.read()) == 31


def test_a_store_that_overwrites_is_refused_with_the_reason(lake, monkeypatch):
    probe_conditional_put(lake)
    monkeypatch.setattr(Objects, "create", lambda *_: True)
    with pytest.raises(UnsafeStore, match="If-None-Match"):
        probe_conditional_put(lake)
