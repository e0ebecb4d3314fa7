"""A real PostgreSQL, a lake in a directory, the sensor's ticks and the runs they ask for in this process."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1D, OHLC_1M
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Type
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import empty, replace_partition
from cryptoviz.warehouse.publications import BY_NAME, Publication
from cryptoviz.warehouse.server import Role, Server
from cryptoviz_dagster.defs.serving.assets import LOADED_CHECK, newest_first, publication_assets
from cryptoviz_dagster.defs.serving.definitions import serving_definitions
from cryptoviz_dagster.defs.serving.sensors import request_key
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.warehouse import Warehouse

FIRST = Hour(datetime(2025, 3, 1, tzinfo=UTC))
_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal(1)}


def candles(table, start: datetime, length: timedelta, close: str) -> pl.DataFrame:
    values = {c.name: None if c.nullable else _FILLED.get(c.type) for c in table.columns}
    market = {"symbol": "BTC-USDT", "window_start": start, "window_end": start + length, "close": Decimal(close)}
    return pl.DataFrame([{**values, **market}], schema=empty(table).schema)


class Publisher:
    """Ticks and runs."""

    def __init__(self, server: Server, location, clock, instance) -> None:
        settings = Settings(store="local", start=FIRST.start, backfill_klines=0)
        serving = serving_definitions(settings)
        self.location, self.instance = location, instance
        self.resources = {"lake": Lake(location, clock=clock), "warehouse": Warehouse(server, location)}
        self.definitions = dg.Definitions(
            assets=serving.assets,
            asset_checks=serving.asset_checks,
            jobs=serving.jobs,
            sensors=serving.sensors,
            schedules=serving.schedules,
            resources=self.resources,
        )
        self.job = self.definitions.resolve_job_def("publish_to_postgres")
        self.sensor = self.definitions.get_repository_def().get_sensor_def("lake_differs_from_postgres")

    def put_hour(self, hour: Hour, close: str, *, minutes: tuple[int, ...] = (0,)) -> None:
        starts = [hour.start + timedelta(minutes=minute) for minute in minutes]
        rows = pl.concat([candles(OHLC_1M, start, timedelta(minutes=1), close) for start in starts])
        replace_partition(OHLC_1M, self.location, hour, rows, {})

    def put_day(self, day: Day, close: str) -> None:
        replace_partition(OHLC_1D, self.location, day, candles(OHLC_1D, day.start, timedelta(days=1), close), {})

    def tick(self):
        with dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, resources=self.resources
        ) as context:
            return self.sensor.evaluate_tick(context)

    def settle(self) -> int:
        """Tick and run until nothing is asked; how many runs."""
        runs = 0
        while requests := self.tick().run_requests:
            for request in requests:
                tags = {**request.tags, "dagster/run_key": request.run_key}
                self.job.execute_in_process(instance=self.instance, tags=tags, asset_selection=request.asset_selection)
                runs += 1
        return runs


@pytest.fixture
def publisher(postgres, location, clock, instance):
    clock.now = FIRST.next(200).start + timedelta(minutes=10)
    with postgres.connect(Role.LOADER) as connection:
        for relation in ("crypto.ohlc_1m", "crypto.ohlc_1d", "crypto_bi.fact_ohlc_1m", "crypto_bi.fact_ohlc_1d"):
            connection.execute(f"DELETE FROM {relation}")
        connection.execute("DELETE FROM crypto_load.partitions")
    return Publisher(postgres.server, location, clock, instance)


@pytest.fixture
def closes(postgres):
    def rows(table: str = "ohlc_1m") -> list[tuple[datetime, Decimal]]:
        query = f'SELECT window_start, "close" FROM crypto.{table} WHERE window_start < %s ORDER BY 1'
        with postgres.connect() as connection:
            return connection.execute(query, [datetime(2025, 12, 1, tzinfo=UTC)]).fetchall()

    return rows


def test_what_the_lake_has_is_published_by_one_run_and_then_there_is_peace(publisher, closes):
    hours = [FIRST.next(n) for n in (3, 4, 5, 9)]
    for n, hour in enumerate(hours):
        publisher.put_hour(hour, str(n))
    publisher.put_day(Day.containing(FIRST.start), "5")
    assert publisher.settle() == 1
    assert closes() == [(hour.start, n) for n, hour in enumerate(hours)]
    assert closes("ohlc_1d") == [(FIRST.start, 5)]


def test_only_a_changed_table_is_materialized_again(publisher, closes, instance):
    for n in range(3):
        publisher.put_hour(FIRST.next(n), "1")
    publisher.put_day(Day.containing(FIRST.start), "5")
    publisher.settle()
    publisher.put_hour(FIRST.next(1), "2")
    assert publisher.settle() == 1
    assert [close for _, close in closes()] == [1, 2, 1]
    found = [
        instance.fetch_materializations(dg.AssetKey(["postgres", name]), limit=9).records
        for name in ("ohlc_1m", "ohlc_1d")
    ]
    assert list(map(len, found)) == [2, 1]
    assert found[0][0].asset_materialization.metadata["partitions"].value == 1
    assert found[0][0].asset_materialization.metadata["newest_partition"].value == FIRST.next(1).key


def test_a_run_that_is_out_of_time_leaves_the_rest_to_the_next(publisher, closes, instance):
    for n in range(3):
        publisher.put_hour(FIRST.next(n), "1")
    tables = publication_assets(budget_s=-1)
    assert dg.materialize([tables], instance=instance, resources=publisher.resources).success
    assert closes() == []
    assert publisher.settle() == 1
    assert len(closes()) == 3


def test_a_partition_that_is_refused_holds_up_no_other_and_is_tried_again_later(publisher, closes, instance, clock):
    twice = candles(OHLC_1M, FIRST.next(5).start, timedelta(minutes=1), "1")
    replace_partition(OHLC_1M, publisher.location, FIRST.next(5), pl.concat([twice, twice]), {})
    publisher.put_hour(FIRST, "1")
    (request,) = publisher.tick().run_requests
    result = publisher.job.execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
    assert not result.success
    assert closes() == [(FIRST.start, 1)]
    (request,) = publisher.tick().run_requests
    publisher.job.execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)
    clock.now = datetime.now(UTC)
    assert not publisher.tick().run_requests
    clock.move(minutes=1)
    assert len(publisher.tick().run_requests) == 1


def test_a_wiped_database_is_filled_again(publisher, closes, postgres):
    publisher.put_hour(FIRST, "1")
    publisher.settle()
    with postgres.connect(Role.LOADER) as connection:
        connection.execute("DELETE FROM crypto.ohlc_1m WHERE window_start < '2025-12-01'")
        connection.execute("DELETE FROM crypto_load.partitions WHERE partition < '2025-12-01'")
    # The same request is asked once more after a pause: the run that answered it is history.
    publisher.resources["lake"].now.move(hours=1)
    with dg.DagsterInstance.ephemeral() as publisher.instance:
        assert publisher.settle() == 1
    assert closes() == [(FIRST.start, 1)]


def test_what_is_loaded_is_counted_and_a_row_too_few_or_too_many_is_found(publisher, instance, postgres):
    for n in range(3):
        publisher.put_hour(FIRST.next(n), str(n), minutes=(0, 30, 59))
    publisher.put_day(Day.containing(FIRST.start), "5")
    (request,) = publisher.tick().run_requests
    result = publisher.job.execute_in_process(
        instance=instance, tags=request.tags, asset_selection=request.asset_selection
    )
    judged = {(e.asset_key.path[-1], e.check_name): e.passed for e in result.get_asset_check_evaluations()}
    assert judged["ohlc_1m", LOADED_CHECK]
    assert judged["ohlc_1d", LOADED_CHECK]
    warehouse, minutes = publisher.resources["warehouse"], BY_NAME["ohlc_1m"]
    assert warehouse.off_counts(minutes) == warehouse.off_counts(BY_NAME["ohlc_1d"]) == []
    with postgres.connect(Role.LOADER) as connection:
        connection.execute("DELETE FROM crypto.ohlc_1m WHERE window_start = %s", [FIRST.next(1).start])
        connection.execute("DELETE FROM crypto_load.partitions WHERE partition = %s", [FIRST.next(2).key])
    assert warehouse.off_counts(minutes) == [
        f"{FIRST.next(1).key}: 2 rows, the lake has 3",
        f"{FIRST.next(2).key}: 3 rows that no load accounts for",
    ]
    assert warehouse.off_counts(minutes, only=[FIRST]) == []


def test_the_nightly_count_names_the_table_that_is_off_and_passes_what_is_about_to_be_loaded(
    publisher, instance, postgres
):
    publisher.put_hour(FIRST, "1")
    publisher.settle()
    publisher.put_hour(FIRST, "2")
    job = publisher.definitions.resolve_job_def("postgres_counts_job")
    assert all(e.passed for e in job.execute_in_process(instance=instance).get_asset_check_evaluations())
    publisher.settle()
    with postgres.connect(Role.LOADER) as connection:
        connection.execute("DELETE FROM crypto.ohlc_1m")
    off = [e for e in job.execute_in_process(instance=instance).get_asset_check_evaluations() if not e.passed]
    assert [e.asset_key.path[-1] for e in off] == ["ohlc_1m"]
    assert "0 rows, the lake has 1" in off[0].description


def test_what_is_too_old_to_keep_is_neither_loaded_nor_left(publisher, closes, postgres, location, clock, instance):
    kept = Publication(table=OHLC_1M, keep=timedelta(hours=6))
    publisher.resources["warehouse"] = Warehouse(postgres.server, location, publications=[kept])
    clock.now = FIRST.next(10).start
    for n in (2, 8):
        publisher.put_hour(FIRST.next(n), str(n))
    for _ in range(2):
        assert dg.materialize([publication_assets([kept])], instance=instance, resources=publisher.resources).success
    assert [close for _, close in closes()] == [8]
    clock.move(hours=6)
    assert dg.materialize([publication_assets([kept])], instance=instance, resources=publisher.resources).success
    assert closes() == []


def test_the_hour_in_progress_is_published_once_in_a_while(publisher, closes, clock):
    clock.now = datetime.now(UTC)
    hour = Hour.containing(clock.now)
    publisher.put_hour(hour, "1")
    assert publisher.settle() == 1
    publisher.put_hour(hour, "2")
    assert not publisher.tick().run_requests
    clock.move(minutes=3)
    assert len(publisher.tick().run_requests) == 1


def test_nothing_is_asked_while_postgres_is_down(location, clock, instance):
    publisher = Publisher(Server(host="127.0.0.1", port=1), location, clock, instance)
    result = publisher.tick()
    assert not result.run_requests
    assert "PostgreSQL at 127.0.0.1:1" in result.skip_message


def test_partitions_that_ended_last_are_loaded_first():
    minutes, days = BY_NAME["ohlc_1m"], BY_NAME["ohlc_1d"]
    day, early, late = Day.containing(FIRST.start), FIRST.next(2), FIRST.next(30)
    lacking = {"ohlc_1m": {early: "d", late: "d"}, "ohlc_1d": {day: "d"}}
    assert newest_first([minutes, days], lacking) == [(late, minutes), (day, days), (early, minutes)]


def test_the_key_of_a_request_names_what_is_loaded():
    keys = [request_key({"a": {FIRST: digest}}) for digest in ("d1", "d2")]
    assert keys[0].startswith("publish:1@")
    assert keys[0] != keys[1]
