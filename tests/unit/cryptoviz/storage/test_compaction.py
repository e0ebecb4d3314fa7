import threading
from datetime import timedelta

import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage import compaction
from cryptoviz.storage.compaction import RowsChanged, compact
from cryptoviz.storage.frames import open_table, read_partition, version_of
from cryptoviz.storage.live_files import files_by_span
from cryptoviz.storage.objects import Objects


def the_file(lake, hour):
    files = files_by_span(TRADES, open_table(TRADES, lake))[hour]
    assert len(files) == 1
    return Objects(lake).get(f"trades/{files[0].path}")


def test_an_ended_hour_becomes_one_file_of_the_same_rows_and_the_same_version(lake, hour, stream, shuffled):
    stream.append(hour, *shuffled(100, 7, seed=1))
    before = read_partition(TRADES, lake, hour)
    done = compact(TRADES, lake, now=hour.next(4).start)
    after = read_partition(TRADES, lake, hour)
    assert (done.spans, done.files_before) == (1, 7)
    assert after.equals(before.sort("trade_id"))
    assert version_of(after) == version_of(before)


def test_the_same_rows_give_the_same_bytes_whatever_files_they_came_in(tmp_path, hour, make_stream, shuffled):
    payloads = set()
    for seed, pieces in ((1, 2), (2, 9), (3, 31)):
        lake = Location(uri=str(tmp_path / str(seed)))
        make_stream(lake).append(hour, *shuffled(200, pieces, seed))
        compact(TRADES, lake, now=hour.next(4).start)
        payloads.add(the_file(lake, hour))
    assert len(payloads) == 1


def test_an_hour_in_progress_or_just_ended_and_one_of_a_single_file_are_left_alone(lake, hour, stream):
    stream.append(hour, [1], [2])
    stream.append(hour.next(-5), [3])
    assert compact(TRADES, lake, now=hour.end + timedelta(hours=1)).spans == 0
    version = open_table(TRADES, lake).version()
    assert compact(TRADES, lake, now=hour.end + timedelta(hours=2)).spans == 1
    assert open_table(TRADES, lake).version() == version + 1


def test_the_writer_goes_on_as_if_nothing_had_happened(lake, hour, stream):
    stream.append(hour, [1], [2])
    compact(TRADES, lake, now=hour.next(4).start)
    stream.append(hour, [3])
    assert sorted(read_partition(TRADES, lake, hour)["trade_id"]) == [1, 2, 3]
    assert stream.table.last_entry().epoch == stream.epoch
    assert stream.table.next_offsets("trades", [0]) == {0: 3}


def test_compaction_beside_a_busy_writer_loses_and_doubles_nothing(lake, hour, stream):
    batches = [[n] for n in range(60)]
    writer = threading.Thread(target=stream.append, args=(hour, *batches))
    writer.start()
    while writer.is_alive():
        compact(TRADES, lake, now=hour.next(4).start)
    writer.join()
    assert sorted(read_partition(TRADES, lake, hour)["trade_id"]) == list(range(60))


def test_an_hour_that_somebody_else_compacted_meanwhile_is_contested_not_doubled(lake, hour, stream, monkeypatch):
    stream.append(hour, [1], [2])
    really, rivals = compaction.replace_files, []

    def with_a_rival(*arguments, **keywords):
        if not rivals:
            rivals.append(True)
            rivals.append(compact(TRADES, lake, now=hour.next(4).start))
        really(*arguments, **keywords)

    monkeypatch.setattr(compaction, "replace_files", with_a_rival)
    done = compact(TRADES, lake, now=hour.next(4).start)
    assert done.contested == [hour.key]
    assert rivals[1].spans == 1
    assert sorted(read_partition(TRADES, lake, hour)["trade_id"]) == [1, 2]


def test_a_file_that_does_not_hold_the_rows_is_never_committed(lake, hour, stream, monkeypatch):
    stream.append(hour, [1], [2])
    monkeypatch.setattr(compaction, "_sorted", lambda _, rows: rows.slice(1))
    with pytest.raises(RowsChanged, match="2 rows became 1"):
        compact(TRADES, lake, now=hour.next(4).start)
    assert read_partition(TRADES, lake, hour).height == 2


def test_tables_that_are_replaced_hour_by_hour_are_refused(lake, hour):
    with pytest.raises(ValueError, match="ohlc_1m"):
        compact(OHLC_1M, lake, now=hour.start)


def test_a_table_nobody_has_written_is_no_error(lake, hour):
    assert compact(TRADES, lake, now=hour.start).spans == 0


def test_rows_of_the_same_key_are_kept_all_and_in_one_order(tmp_path, hour, make_stream):
    payloads = set()
    for name, numbers in (("a", [[7], [7, 8]]), ("b", [[8, 7], [7]])):
        lake = Location(uri=str(tmp_path / name))
        make_stream(lake).append(hour, *numbers)
        compact(TRADES, lake, now=hour.next(4).start)
        assert read_partition(TRADES, lake, hour)["trade_id"].to_list() == [7, 7, 8]
        payloads.add(the_file(lake, hour))
    assert len(payloads) == 1
