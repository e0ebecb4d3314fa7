from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cryptoviz.lake.candle_tables import OHLC_1D, OHLC_1M
from cryptoviz.lake.days import Day
from cryptoviz.storage.frames import TableNotWritten, empty, open_table, replace_partition
from cryptoviz.storage.partition_files import LakeFileGone, PartitionFiles, TableSnapshot, live_files

COLUMNS = ("window_start", "close")


def test_every_partition_has_a_digest_that_changes_with_its_files_alone(lake, hour, make_candles):
    files = PartitionFiles(OHLC_1M, lake)
    assert files.read() is None
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1"), {})
    replace_partition(OHLC_1M, lake, hour.next(), make_candles(hour.next(), "2"), {})
    before = dict(files.read())
    assert set(before) == {hour, hour.next()}
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "3"), {})
    after = dict(files.read())
    assert after[hour.next()] == before[hour.next()]
    assert after[hour] != before[hour]


def test_a_snapshot_keeps_to_what_it_saw(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1", "2"), {})
    snapshot = TableSnapshot(OHLC_1M, lake)
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "3"), {})
    assert snapshot.rows(hour, COLUMNS)["close"].sort().to_list() == [Decimal(1), Decimal(2)]
    now = TableSnapshot(OHLC_1M, lake)
    assert now.rows(hour, COLUMNS)["close"].to_list() == [Decimal(3)]
    assert now.state(hour).digest == PartitionFiles(OHLC_1M, lake).read()[hour] != snapshot.state(hour).digest
    assert now.state(hour).lake_version > snapshot.state(hour).lake_version
    assert now.state(hour).table_id == snapshot.state(hour).table_id


def test_a_partition_without_files_has_no_digest_and_no_rows(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1"), {})
    snapshot = TableSnapshot(OHLC_1M, lake)
    assert snapshot.state(hour.next()).digest == ""
    assert snapshot.rows(hour.next(), COLUMNS).schema == empty(OHLC_1M).select(COLUMNS).schema


def test_a_daily_table_has_days(lake):
    day = Day.containing(datetime(2026, 1, 2, tzinfo=UTC))
    replace_partition(OHLC_1D, lake, day, empty(OHLC_1D), {})
    assert [span for span, _ in live_files(OHLC_1D, lake)] in ([], [day])
    assert set(PartitionFiles(OHLC_1D, lake).read()) <= {day}


def test_a_file_that_was_removed_is_said_to_be_gone(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1"), {})
    snapshot = TableSnapshot(OHLC_1M, lake)
    for uri in open_table(OHLC_1M, lake).file_uris():
        Path(uri.removeprefix("file://")).unlink()
    with pytest.raises(LakeFileGone, match="read table ohlc_1m anew"):
        snapshot.rows(hour, COLUMNS)


def test_a_table_that_nobody_wrote_cannot_be_looked_at(lake):
    with pytest.raises(TableNotWritten):
        TableSnapshot(OHLC_1M, lake)
