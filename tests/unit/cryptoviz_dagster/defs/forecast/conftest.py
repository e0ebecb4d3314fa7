"""A lake with hourly history of the venues and final candles of its own, made up from a seed."""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import numpy as np
import polars as pl
import pytest
from deltalake import write_deltalake

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table, Type
from cryptoviz.lake.tables import KLINES
from cryptoviz.settings import Settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.definitions import build_definitions
from cryptoviz_dagster.defs.market.sensors import LongPoll
from cryptoviz_dagster.resources import Lake

HISTORY_DAYS = 30
TRAINED_DAYS = 11
"""Days of history that get models of their own."""
FIRST = Hour(datetime(2026, 11, 10, tzinfo=UTC))
YESTERDAY = Day.from_key("2026-11-09")
MARKETS = (("binance", "BTC-USDT"), ("binance", "ETH-USDT"), ("kraken", "BTC-USD"))
_BLANK = {
    Type.STRING: "x",
    Type.INT32: 0,
    Type.INT64: 0,
    Type.DECIMAL: Decimal(0),
    Type.TIMESTAMP: datetime(2026, 1, 1, tzinfo=UTC),
    Type.BINARY: b"",
    Type.FLOAT64: 0.0,
    Type.BOOL: False,
}


def made_up_candles(first: Hour, hours: int, seed: int) -> list[dict]:
    """Rows of hourly candles whose volatility comes in waves of a day."""
    random = np.random.default_rng(seed)
    rows = []
    for venue, symbol in MARKETS:
        wave = 0.004 * (1.5 + np.sin(np.arange(hours) * 2 * np.pi / 24)) * np.exp(random.normal(0, 0.3, hours))
        path = 100 * np.exp(np.cumsum(random.normal(0, 1, (hours, 4)) * wave[:, None] / 2, axis=None)).reshape(hours, 4)
        for number, prices in enumerate(path):
            start = first.next(number).start
            opened = path[number - 1, -1] if number else prices[0]
            rows.append(
                {
                    "venue": venue, "symbol": symbol, "window_start": start, "window_end": start + timedelta(hours=1),
                    "open": opened, "high": max(opened, *prices), "low": min(opened, *prices), "close": prices[-1],
                    "volume": float(random.lognormal(3, 1)), "interval": "1h", "status": "traded",
                    "source_version": HourVersion(1, number).digest, "quotes_version": HourVersion().digest,
                }
            )  # fmt: skip
    return rows


def fill(table: Table, location, rows: list[dict], mode: str = "append") -> None:
    """Put rows into a table in one commit, blanks where they say nothing."""
    LakeTable(table, location)
    whole = [
        {c.name: row.get(c.name, None if c.nullable else _BLANK[c.type]) for c in table.columns}
        | Hour(row["window_start"]).values
        for row in rows
    ]
    numbers = {c.name for c in table.columns if c.type is Type.DECIMAL}
    exact = [
        {n: Decimal(f"{v:.6f}") if n in numbers and isinstance(v, float) else v for n, v in row.items()}
        for row in whole
    ]
    frame = pl.from_dicts(exact, schema=pl.from_arrow(arrow_schema(table, partitions=True).empty_table()).schema)
    write_deltalake(
        location.table(table.name), frame.to_arrow().cast(arrow_schema(table, partitions=True)), mode=mode,
        partition_by=list(table.partition_columns),
    )  # fmt: skip


def tell_history(location, rows: int = 3) -> None:
    """Note the hours of the venues' candles where Spark notes them."""
    hours = {FIRST.next(-n): HourVersion(rows, n) for n in range(1, 24 * HISTORY_DAYS + 1)}
    HourIndex(Objects(location), KLINES.name).publish(hours, now=FIRST.start)


@pytest.fixture(scope="session")
def history_folder(tmp_path_factory):
    """A lake with thirty days of the venues' candles before it begins, and ten final hours of its own."""
    folder = tmp_path_factory.mktemp("history") / "lake"
    rows = made_up_candles(FIRST.next(-24 * HISTORY_DAYS), 24 * HISTORY_DAYS + 10, seed=1)
    fill(KLINES, Location(uri=str(folder)), [row for row in rows if row["window_start"] < FIRST.start])
    tell_history(Location(uri=str(folder)))
    for table in (OHLC_1H, HOURLY_METRICS):
        fill(table, Location(uri=str(folder)), [row for row in rows if row["window_start"] >= FIRST.start])
    return folder


@pytest.fixture(scope="session")
def trained_folder(history_folder, tmp_path_factory):
    """The same lake with the models of the ten days before it begins."""
    folder = tmp_path_factory.mktemp("trained") / "lake"
    shutil.copytree(history_folder, folder)
    lake = Lake(Location(uri=str(folder)), clock=lambda: FIRST.next(10).start)
    with dg.DagsterInstance.ephemeral() as instance:
        forecasts = Forecasts(definitions_over(lake, folder.parent), instance, lake)
        forecasts.make("forecast_day", *(YESTERDAY.next(n).key for n in (-9, 0)))
    return folder


@pytest.fixture(scope="session")
def issue_hours(trained_folder):
    """Copies the lake with models and issues and scores its first hours there."""

    def issue(folder, count):
        shutil.copytree(trained_folder, folder)
        lake = Lake(Location(uri=str(folder)), clock=lambda: FIRST.next(10).start)
        with dg.DagsterInstance.ephemeral() as instance:
            forecasts = Forecasts(definitions_over(lake, folder.parent), instance, lake)
            forecasts.make("forecast_hour", FIRST.key, FIRST.next(count - 1).key)
        return folder

    return issue


@pytest.fixture
def with_history(history_folder, location):
    """The lake of a test: history, and no model yet."""
    shutil.copytree(history_folder, location.uri)
    return location


@pytest.fixture
def trained(trained_folder, location):
    """The lake of a test with models."""
    shutil.copytree(trained_folder, location.uri)
    return location


def definitions_over(lake, home) -> dg.Definitions:
    """The code location over a lake."""
    settings = Settings(home=home, store="local", start=FIRST.start, backfill_klines=24 * TRAINED_DAYS)
    return build_definitions(settings, resources={"lake": lake}, poll=LongPoll(total=timedelta(0)))


class Forecasts:
    """The forecast jobs over an instance, in this process."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance, lake) -> None:
        self.definitions, self.instance, self.lake = definitions, instance, lake
        self.sensor = definitions.get_repository_def().get_sensor_def("forecast_hour_sealed")

    def tick(self):
        resources = dict(self.definitions.resources or {})
        with dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, resources=resources
        ) as context:
            return self.sensor.evaluate_tick(context)

    def run(self, request: dg.RunRequest, *, raise_on_error: bool = True):
        job = self.definitions.resolve_job_def(request.job_name)
        return job.execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags={**request.tags, "dagster/run_key": request.run_key},
            asset_selection=request.asset_selection,
            raise_on_error=raise_on_error,
        )

    def make(self, job: str, *keys: str, raise_on_error: bool = True):
        """Run a job over a partition, or from the first to the last of several."""
        ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=keys[0] if len(keys) == 1 else None,
            tags=dict(zip(ends, (keys[0], keys[-1]), strict=True)) if len(keys) > 1 else {},
            raise_on_error=raise_on_error,
        )

    def settle(self, limit: int = 30) -> list[str]:
        keys = []
        while len(keys) < limit and (requests := self.tick().run_requests):
            for request in requests:
                self.run(request)
                keys.append(request.run_key)
        return keys


@pytest.fixture
def forecasts(lake, tmp_path, instance):
    return Forecasts(definitions_over(lake, tmp_path), instance, lake)
