"""Spark SQL over a lake, in a session as the product builds it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1D, OHLC_1M
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Type
from cryptoviz.settings import Settings
from cryptoviz.stack.java import find_java, shim_home
from cryptoviz.storage.frames import empty, replace_partition
from streaming.spark.lake_source import register_lake
from streaming.spark.session import build_session

pytestmark = pytest.mark.stack

FIRST = Hour(datetime(2026, 1, 1, tzinfo=UTC))
_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal("0.000000000000000001")}


def candles(table, *starts: datetime, close: str) -> pl.DataFrame:
    values = {c.name: None if c.nullable else _FILLED.get(c.type) for c in table.columns}
    rows = [
        {
            **values,
            "symbol": "BTC-USDT",
            "window_start": s,
            "window_end": s + timedelta(minutes=1),
            "close": Decimal(close),
        }
        for s in starts
    ]
    return pl.DataFrame(rows, schema=empty(table).schema)


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Location:
    """Three hours of two minutes, the second one written twice, and a day."""
    location = Location(uri=str(tmp_path_factory.mktemp("lake")))
    for n, close in ((0, "1"), (1, "90"), (2, "3"), (1, "2")):
        hour = FIRST.next(n)
        starts = (hour.start, hour.start + timedelta(minutes=1))
        replace_partition(OHLC_1M, location, hour, candles(OHLC_1M, *starts, close=close), {})
    replace_partition(OHLC_1D, location, Day.containing(FIRST.start), candles(OHLC_1D, FIRST.start, close="5"), {})
    return location


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    cache = Settings().cache.expanduser()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", str(shim_home(find_java(cache), cache)))
        session = build_session(
            master="local[2]",
            jars="",
            driver_memory="512m",
            executor_memory="512m",
            ui_port=0,
            local_dir=tmp_path_factory.mktemp("spark"),
        )
        yield session
        session.stop()


def test_the_tables_are_views_with_exact_numbers_and_replaced_files_do_not_count(spark, lake):
    assert set(register_lake(spark, lake)) == {"ohlc_1m", "ohlc_1d"}
    hourly = spark.sql(
        "SELECT date_trunc('hour', window_start) AS hour, count(*) AS n, sum(close) AS total, min(volume) AS least "
        "FROM ohlc_1m GROUP BY 1 ORDER BY 1"
    ).collect()
    assert [(row.n, row.total) for row in hourly] == [(2, 2), (2, 4), (2, 6)]
    assert hourly[0].least == Decimal("0.000000000000000001")
    assert spark.sql("SELECT date_format(max(window_start), 'yyyy-MM-dd HH:mm') FROM ohlc_1m").first()[0] == (
        "2026-01-01 02:01"
    )
    assert spark.sql("SELECT m.close, d.close FROM ohlc_1m m JOIN ohlc_1d d USING (window_start)").collect() == [(1, 5)]


def test_hours_outside_the_bounds_are_not_read(spark, lake):
    register_lake(spark, lake, first=FIRST.next(1), last=FIRST.next(1))
    assert spark.sql("SELECT sum(close), count(*) FROM ohlc_1m").first() == (4, 2)


def test_a_view_has_the_columns_and_comments_of_the_contract(spark, lake):
    register_lake(spark, lake)
    fields = spark.table("ohlc_1m").schema.fields
    assert [field.name for field in fields] == list(OHLC_1M.column_names)
    assert {field.name: field.dataType.simpleString() for field in fields}["close"] == "decimal(38,18)"
