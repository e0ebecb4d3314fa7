"""A lake in a directory, filled as Spark fills it, and a clock that stands where a test puts it."""

import io
import itertools
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import polars as pl
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData
from dagster._core.events import DagsterEvent, DagsterEventType

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import CommitEntry, DataFile, HourVersion, State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.tables import TRADES
from cryptoviz.settings import Settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import version_of
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.definitions import build_definitions
from cryptoviz_dagster.defs.market.sensors import LongPoll
from cryptoviz_dagster.resources import Lake

FIRST = Hour(datetime(2026, 11, 10, 0, tzinfo=UTC))
SETTLED = timedelta(seconds=20)
"""An hour that ended long ago and has not changed for so long is taken as complete."""


class Clock:
    """Stands still until moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Writer:
    """Commits trades with ledger entry, ids and hour versions, like the Spark service."""

    def __init__(self, location: Location, clock: Clock) -> None:
        self.table, self.objects, self.clock = LakeTable(TRADES, location), Objects(location), clock
        self.index = HourIndex(self.objects, TRADES.name)
        self.epoch, self.ids, self.versions = self.table.claim(), {}, {}
        self.numbers = itertools.count()

    def commit(self, *rows: dict) -> dict[Hour, HourVersion]:
        """One commit; returns the versions of the hours it touched. An hour that is new has come in a while ago."""
        known = set(self.versions)
        frame = pl.DataFrame(list(rows), schema=pl.from_arrow(arrow_schema(TRADES).empty_table()).schema)
        number, files = next(self.numbers), []
        for (start,), part in frame.group_by(pl.col("event_time").dt.truncate("1h")):
            hour, version = Hour(start), version_of(part)
            path = f"{hour.path}/part-{number}.parquet"
            size = self._write(path, part)
            self.versions[hour] = self.versions.get(hour, HourVersion()).plus(version)
            statistics = f'{{"numRecords":{part.height}}}'
            files.append(DataFile(TRADES.name, path, size, part.height, version.hash_sum, statistics))
        touched = {file.hour: self.versions[file.hour] for file in files}
        self._remember(frame)
        state = f"_ledger/trades/state/{number}.json"
        self.objects.put(state, State({key: list(ids) for key, ids in self.ids.items()}).encode())
        hours = {hour.key: version for hour, version in touched.items()}
        entry = CommitEntry(TRADES.name, f"c{number}", self.epoch, "c", "t", [], frame.height, hours, state=state)
        self.table.append(files, entry)
        for hour, version in touched.items():
            self.index.publish({hour: version}, now=self.clock() - (timedelta(0) if hour in known else SETTLED))
        return touched

    def _write(self, path: str, part: pl.DataFrame) -> int:
        sink = io.BytesIO()
        pq.write_table(part.to_arrow().cast(arrow_schema(TRADES)), sink)
        self.objects.put(f"{TRADES.name}/{path}", sink.getvalue())
        return len(sink.getvalue())

    def _remember(self, frame: pl.DataFrame) -> None:
        for venue, symbol, first, last in frame.select("venue", "symbol", "trade_id", "last_trade_id").iter_rows():
            key = f"{venue}:{symbol}"
            self.ids[key] = self.ids.get(key, IdSet()).union([(first, last)])


def a_trade(trade_id: int, time: datetime, price: str = "100", symbol: str = "BTC-USDT") -> dict:
    """A row of the table; quantity 0.5, hash equal to the id."""
    return {
        "venue": "binance", "symbol": symbol, "trade_id": trade_id, "last_trade_id": trade_id, "event_time": time,
        "price": Decimal(price), "quantity": Decimal("0.5"), "quote_quantity": Decimal(price) / 2, "side": "buy",
        "source": "ws", "received_time": None, "lateness_ms": 5, "topic": "trades", "partition": 0, "offset": trade_id,
        "kafka_time": time, "row_hash": trade_id,
    }  # fmt: skip


def an_hour_of_trades(hour: Hour, first_id: int, count: int = 60) -> list[dict]:
    """A trade a minute, ids in a row."""
    return [a_trade(first_id + n, hour.start + timedelta(minutes=n), str(100 + n % 7)) for n in range(count)]


@pytest.fixture
def first() -> Hour:
    return FIRST


@pytest.fixture
def clock() -> Clock:
    """Ten hours and ten minutes into the lake."""
    return Clock(FIRST.next(10).start + timedelta(minutes=10))


@pytest.fixture
def location(tmp_path) -> Location:
    return Location(uri=str(tmp_path / "lake"))


@pytest.fixture
def writer(location, clock) -> Writer:
    return Writer(location, clock)


@pytest.fixture
def lake(location, clock) -> Lake:
    return Lake(location, clock=clock)


@pytest.fixture
def trade():
    return a_trade


@pytest.fixture
def hour_of_trades():
    return an_hour_of_trades


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def definitions(lake, tmp_path):
    settings = Settings(home=tmp_path, store="local", start=FIRST.start, open_hour_refresh=timedelta(minutes=2))
    return build_definitions(settings, resources={"lake": lake}, poll=LongPoll(total=timedelta(0)))


class Orchestra:
    """The code location over an instance: ticks of the sensor, and the runs they ask for, in this process."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.definitions, self.instance = definitions, instance
        self.job = definitions.resolve_job_def("hour")
        self.sensor = definitions.get_repository_def().get_sensor_def("trades_hour_changed")

    def tick(self) -> SensorExecutionData:
        """One evaluation, as the daemon makes it: no cursor, resources from the definitions."""
        resources = dict(self.definitions.resources or {})
        with dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, resources=resources
        ) as context:
            result = self.sensor.evaluate_tick(context)
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        return result

    def run(self, request: dg.RunRequest, *, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
        """Execute one request."""
        return self.job.execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags={**request.tags, "dagster/run_key": request.run_key},
            raise_on_error=raise_on_error,
        )

    def settle(self) -> list[str]:
        """Tick and run until nothing is asked; the run keys in the order they were asked."""
        keys = []
        while requests := self.tick().run_requests:
            for request in requests:
                self.run(request)
                keys.append(request.run_key)
        return keys


@pytest.fixture
def orchestra(definitions, instance) -> Orchestra:
    return Orchestra(definitions, instance)


@pytest.fixture
def check_says(instance):
    """Reports the outcome of a check for one partition, as a run of its own does."""

    def report(key: dg.AssetCheckKey, partition: str, *, passed: bool, description: str = "") -> None:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=key.asset_key, check_name=key.name, passed=passed, partition=partition, description=description
        )
        event = DagsterEvent(DagsterEventType.ASSET_CHECK_EVALUATION.value, "job", event_specific_data=evaluation)
        instance.report_dagster_event(event, run_id=str(uuid.uuid4()))

    return report
