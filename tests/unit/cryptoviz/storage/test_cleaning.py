import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from cryptoviz.lake.ledger import DataFile, State
from cryptoviz.lake.tables import DUPLICATES, TRADES
from cryptoviz.storage.cleaning import LOG_KEPT, StateMissing, clean_log, expire, owed_files, vacuum
from cryptoviz.storage.compaction import compact
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import read_partition
from cryptoviz.storage.objects import Objects

STATE = "_ledger/trades/states/1.json"
HOURS_2 = timedelta(hours=2)


def parquet_files(lake, table="trades"):
    return {path.name for path in (Path(lake.uri) / table).rglob("*.parquet") if "_delta_log" not in path.parts}


def make_old(lake, hours):
    """Files as if they had been written so long ago."""
    then = time.time() - hours * 3600
    for path in Path(lake.uri).rglob("*.parquet"):
        os.utime(path, (then, then))


def test_replaced_files_stay_for_their_readers_and_go_when_their_time_is_over(lake, hour, stream, monkeypatch):
    stream.append(hour, [1], [2])
    then = time.time() - 3 * 3600
    monkeypatch.setattr("cryptoviz.storage.live_files.time.time", lambda: then)
    compact(TRADES, lake, now=hour.next(4).start)
    make_old(lake, 3)
    assert vacuum(TRADES, lake, kept=timedelta(hours=4), owed=()) == 0
    assert len(parquet_files(lake)) == 3
    assert vacuum(TRADES, lake, kept=HOURS_2, owed=()) == 2
    assert len(parquet_files(lake)) == 1
    assert read_partition(TRADES, lake, hour).height == 2


def test_a_file_that_a_killed_task_left_goes_and_one_being_written_stays(lake, hour, stream):
    stream.append(hour, [1])
    orphan = stream.write(hour, [8])
    make_old(lake, 3)
    fresh = stream.write(hour, [9])
    assert vacuum(TRADES, lake, kept=HOURS_2, owed=()) == 1
    assert Path(orphan.path).name not in parquet_files(lake)
    assert Path(fresh.path).name in parquet_files(lake)


def test_files_owed_to_another_table_stay_however_old(lake, hour, stream):
    LakeTable(DUPLICATES, lake)
    owed = DataFile("duplicates", f"{hour.path}/part-owed.parquet", 4, 1, 0, "{}")
    Objects(lake).put(f"duplicates/{owed.path}", b"PAR1")
    Objects(lake).put(STATE, State({}, [owed]).encode())
    stream.append(hour, [1], state=STATE)
    make_old(lake, 100)
    assert vacuum(DUPLICATES, lake, kept=HOURS_2, owed=owed_files(lake)) == 0
    assert vacuum(DUPLICATES, lake, kept=HOURS_2, owed=()) == 1


def test_nothing_is_vacuumed_while_what_is_owed_cannot_be_known(lake, hour, stream):
    stream.append(hour, [1], state=STATE)
    with pytest.raises(StateMissing, match="trades"):
        owed_files(lake)


def test_the_log_keeps_its_newest_entry_of_data(lake, hour, stream):
    stream.append(hour, [1], valid_through=hour.end.isoformat())
    assert not clean_log(TRADES, lake, now=hour.end + LOG_KEPT + timedelta(days=1))
    assert clean_log(TRADES, lake, now=hour.end + timedelta(days=1))
    assert LakeTable(TRADES, lake).last_entry() is not None


def test_a_cleaned_log_still_tells_epoch_offsets_and_rows(lake, hour, stream):
    log = Path(lake.uri) / "trades" / "_delta_log"
    stream.append(hour, *([n] for n in range(20)))
    then = time.time() - (LOG_KEPT + timedelta(days=1)).total_seconds()
    stream.table.delta.create_checkpoint()
    for path in log.iterdir():
        os.utime(path, (then, then))
    stream.append(hour, [20])
    assert clean_log(TRADES, lake, now=hour.end)
    assert len(list(log.glob("*.json"))) < 10
    again = LakeTable(TRADES, lake)
    assert (again.epoch(), again.next_offsets("trades", [0])) == (stream.epoch, {0: 21})
    assert again.last_entry().ranges[0].end == 21
    assert read_partition(TRADES, lake, hour).height == 21


def test_hours_past_keeping_leave_the_table_and_the_writer_goes_on(lake, hour, stream):
    stream.append(hour, [1], [2])
    stream.append(hour.next(30), [3])
    gone = expire(TRADES, lake, kept=timedelta(days=1), now=hour.next(31).start)
    assert (gone.spans, gone.size > 0) == (1, True)
    assert read_partition(TRADES, lake, hour).height == 0
    stream.append(hour.next(30), [4])
    assert read_partition(TRADES, lake, hour.next(30)).height == 2
    assert expire(TRADES, lake, kept=timedelta(days=1), now=hour.next(31).start).spans == 0


def test_tables_nobody_has_written_are_no_error(lake, hour):
    assert vacuum(TRADES, lake, kept=HOURS_2, owed=owed_files(lake)) == 0
    assert not clean_log(TRADES, lake, now=hour.start)
    assert expire(TRADES, lake, kept=HOURS_2, now=hour.start).spans == 0
