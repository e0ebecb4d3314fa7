import threading
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import PARTITION_COLUMNS, Type
from cryptoviz.lake.tables import TABLES
from cryptoviz.storage.frames import open_table, read_partition, replace_partition, scan, scan_between
from cryptoviz.storage.objects import Objects

LAST_OF_YEAR = Hour.from_path("year=2025/month=12/day=31/hour=23")


def test_a_reader_sees_the_old_hour_or_the_new_one_and_never_a_mix(lake, hour, make_candles):
    versions = {str(n): make_candles(hour, *["1"] * (n + 1), version=str(n)) for n in range(12)}
    replace_partition(OHLC_1M, lake, hour, versions["0"], {})
    done = threading.Event()

    def replace_all():
        for frame in versions.values():
            replace_partition(OHLC_1M, lake, hour, frame, {})
        done.set()

    writer = threading.Thread(target=replace_all)
    writer.start()
    seen = set()
    while not done.is_set():
        found = read_partition(OHLC_1M, lake, hour)["source_version"].to_list()
        assert len(set(found)) == 1
        assert len(found) == versions[found[0]].height
        seen.add(found[0])
    writer.join()
    assert len(seen) > 1


def test_writers_of_neighbouring_hours_do_not_lose_each_others_rows(lake, make_candles):
    hours = [LAST_OF_YEAR.next(n) for n in range(6)]

    def write(hour):
        for close in ("1", "2"):
            replace_partition(OHLC_1M, lake, hour, make_candles(hour, close), {})

    writers = [threading.Thread(target=write, args=(hour,)) for hour in hours]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = scan(OHLC_1M, lake).sort("window_start").select("window_start", "close").collect().rows()
    assert found == [(hour.start, Decimal(2)) for hour in hours]


def test_an_hour_replaced_by_nothing_is_empty(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1"), {})
    replace_partition(OHLC_1M, lake, hour, make_candles(hour), {})
    assert read_partition(OHLC_1M, lake, hour).height == 0


def test_hours_are_scanned_across_the_turn_of_the_year_with_both_ends(lake, make_candles):
    for n in range(4):
        hour = LAST_OF_YEAR.next(n)
        replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1"), {})
    found = scan_between(OHLC_1M, lake, LAST_OF_YEAR, LAST_OF_YEAR.next(2)).collect()
    assert sorted(found["window_start"]) == [LAST_OF_YEAR.next(n).start for n in range(3)]
    assert not set(PARTITION_COLUMNS) & set(found.columns)


@given(st.decimals(min_value=0, max_value=10**19, places=18, allow_nan=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_decimal_at_the_bounds_of_a_file_is_found_by_its_value(lake, hour, make_candles, price):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, price), {})
    wanted = pl.lit(price, dtype=pl.Decimal(38, 18))
    for found in (pl.col("close") == wanted, pl.col("close") >= wanted, pl.col("close") <= wanted):
        assert scan(OHLC_1M, lake).filter(found).collect().height == 1


def test_files_keep_bounds_of_the_columns_the_contract_names_and_of_no_decimal(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "1"), {})
    actions = pl.DataFrame(open_table(OHLC_1M, lake).get_add_actions(flatten=True))
    assert {name for name in actions.columns if name.startswith("min.")} == {f"min.{n}" for n in OHLC_1M.statistics}
    assert actions["num_records"].to_list() == [1]
    for table in TABLES:
        assert not [c.name for c in table.columns if c.type is Type.DECIMAL and c.name in table.statistics]


@pytest.fixture
def objects(lake):
    return Objects(lake)


def test_an_object_is_created_once_and_replaced_by_a_put(objects):
    assert objects.create("a/b", b"1")
    assert not objects.create("a/b", b"2")
    assert objects.get("a/b") == b"1"
    objects.put("a/b", b"3")
    assert objects.get("a/b") == b"3"


def test_objects_are_listed_by_path_and_a_change_changes_their_tag(objects):
    for path in ("x/2", "x/1", "y/1"):
        objects.put(path, b"1")
    before = objects.list("x")
    objects.put("x/2", b"more")
    after = objects.list("x")
    assert [info.path for info in after] == ["x/1", "x/2"]
    assert before[0] == after[0]
    assert before[1].tag != after[1].tag


def test_what_is_not_there_is_none_and_can_be_deleted(objects):
    assert objects.get("nothing") is None
    assert objects.list("nothing") == []
    objects.put("a", b"")
    objects.delete(["nothing", "a"])
    assert objects.get("a") is None


def test_an_hour_is_read_whole_up_to_its_last_microsecond(lake, hour, make_candles):
    last = make_candles(hour, "1").with_columns(window_start=pl.lit(hour.end - timedelta(microseconds=1)))
    replace_partition(OHLC_1M, lake, hour, last, {})
    bounds = pl.col("window_start") == hour.end - timedelta(microseconds=1)
    assert scan(OHLC_1M, lake).filter(bounds).collect().height == 1
