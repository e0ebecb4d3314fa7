"""A lake with hourly history of the venues and final candles of its own, made up from a seed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import numpy as np
import polars as pl
import pytest
from deltalake import write_deltalake

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table, Type
from cryptoviz.lake.tables import KLINES
from cryptoviz.settings import Settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz_dagster.definitions import build_definitions
from cryptoviz_dagster.defs.market.sensors import LongPoll

HISTORY_DAYS = 30
TRAINED_DAYS = 11
"""Days of history that get models of their own."""
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


@pytest.fixture
def with_history(location, first):
    """Thirty days of the venues' candles before the lake begins, and ten final hours of ours."""
    before = first.next(-24 * HISTORY_DAYS)
    rows = made_up_candles(before, 24 * HISTORY_DAYS + 10, seed=1)
    fill(KLINES, location, [row for row in rows if row["window_start"] < first.start])
    for table in (OHLC_1H, HOURLY_METRICS):
        fill(table, location, [row for row in rows if row["window_start"] >= first.start])
    return location


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
def forecasts(lake, tmp_path, instance, first):
    settings = Settings(home=tmp_path, store="local", start=first.start, backfill_klines=24 * TRAINED_DAYS)
    definitions = build_definitions(settings, resources={"lake": lake}, poll=LongPoll(total=timedelta(0)))
    return Forecasts(definitions, instance, lake)
