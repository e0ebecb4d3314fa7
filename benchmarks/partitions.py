"""Five years of hours: a tick of the sensors, Dagster's lineage and partition pages and the queries behind them.

``./run bench partitions [--years 5]``: a lake whose hours are all folded (its index and its log, no rows) and a Dagster
instance on SQLite in which every hour of every hourly asset has been materialized. The events are written into the
tables of the instance directly, as copies of one that Dagster wrote, since reporting each takes milliseconds. Pages are
opened in a real Chromium with an empty cache, if there is one.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import dagster as dg
from deltalake.transaction import AddAction

from benchmarks.inputs.opened_pages import open_pages
from cryptoviz.lake.days import Day
from cryptoviz.lake.forecast_tables import (
    CALIBRATION,
    CHAMPIONS,
    LSTM_MODEL,
    PREDICTION_METRICS,
    PREDICTION_PERFORMANCE,
)
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.metric_tables import HOURLY_METRICS
from cryptoviz.lake.schema import Table
from cryptoviz.settings import Settings, load_settings
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.forecasts.done import done_days, done_weeks
from cryptoviz_dagster.forecasts.scored_hours import stamp
from cryptoviz_dagster.lake_reports import DATA_VERSION_TAG, REPORTED
from cryptoviz_dagster.resources import Lake

_PORT = 28_731
_DEADLINE_S = 90
_TICKS = 60
_STATISTICS_QUERY = "{ assetNodes { assetKey { path } partitionStats { numMaterialized numPartitions numFailed } } }"
_GRID_QUERY = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } } } } }"""
_ADDRESS = f"http://127.0.0.1:{_PORT}"
_PAGES = {
    "/asset-groups": r"/market\s+\d+\s/.test(text) && !text.includes('fetching')",
    "/locations/cryptoviz_dagster.definitions/asset-groups/market": r"/(99|100)% filled/.test(text)",
    "/assets/{}?view=partitions": r"/Materialized \([1-9]/.test(text)",
}
"""Lineage of everything, of a group with the share of its partitions, and an asset's partitions."""
_KEYS_QUERY = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  partitionKeysByDimension { partitionKeys } } } }"""


def version_of(hour: Hour) -> HourVersion:
    """A made-up version of an hour of trades."""
    return HourVersion(rows=1_000, hash_sum=hour.number)


def lay_down(settings: Settings, hours: Sequence[Hour]) -> None:
    """The index of the trades' hours, and the log of the table that says what each hour stands on."""
    now = datetime.now(UTC) - timedelta(days=1)
    versions = {hour: version_of(hour) for hour in hours}
    for reported in REPORTED:
        HourIndex(Objects(settings.lake), reported.name).publish(versions, now=now)
    table = LakeTable(HOURLY_METRICS, settings.lake)
    now_ms = int(now.timestamp() * 1000)
    actions = [
        AddAction(
            f"{hour.path}/part.parquet",
            size=1,
            partition_values=dict(hour.values),
            modification_time=now_ms,
            data_change=True,
            stats=_statistics(HOURLY_METRICS, hour),
        )
        for hour in hours
    ]
    table.delta.create_write_transaction(
        actions, "append", table.delta.schema(), partition_by=list(HOURLY_METRICS.partition_columns)
    )


def _statistics(table: Table, hour: Hour) -> str:
    version = version_of(hour).digest
    said = {"source_version": version, "quotes_version": version, "status": "traded"}
    bounds = {name: value for name, value in said.items() if name in table.statistics}
    return json.dumps(
        {"numRecords": 1, "minValues": bounds, "maxValues": bounds, "nullCount": dict.fromkeys(bounds, 0)}
    )


def forecast_everything(lake: Lake, hours: Sequence[Hour]) -> None:
    """Note that every model was trained and every hour forecast and scored, as the forecasts do themselves."""
    days = [Day.containing(hours[0].start).next(n) for n in range(-14, len(hours) // 24 + 2)]
    for table in (CALIBRATION, PREDICTION_PERFORMANCE):
        done_days(lake).remember(table, days, HourVersion())
    for table in (LSTM_MODEL, CHAMPIONS):
        done_weeks(lake).remember(table, [day for day in days if day.start.weekday() == 0], HourVersion())
    index = HourIndex(Objects(lake.location), PREDICTION_METRICS.name)
    both = {hour: version_of(hour).plus(version_of(hour)).digest for hour in hours}
    index.publish({hour: stamp(version) for hour, version in both.items()}, now=lake.now())


def materialize(folder: Path, assets: Sequence[str], hours: Sequence[Hour]) -> None:
    """Give every asset an event for every hour."""
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        for asset in assets:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset, partition=hours[0].key, tags={DATA_VERSION_TAG: version_of(hours[0]).digest}
                )
            )
    with sqlite3.connect(folder / "storage" / "history" / "runs" / "index.db") as database:
        for asset in assets:
            _copy_event(database, json.dumps([asset]), hours)


def _copy_event(database: sqlite3.Connection, key: str, hours: Sequence[Hour]) -> None:
    columns = "run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition"
    select = f"SELECT id, {columns} FROM event_logs WHERE asset_key = ?"  # noqa: S608 - names of our own
    first_id, run_id, event, kind, at, step, _, partition = database.execute(select, [key]).fetchone()
    (newest,) = database.execute("SELECT max(id) FROM event_logs").fetchone()
    rows = [
        (newest + n, run_id, event.replace(partition, hour.key), kind, at, step, key, hour.key)
        for n, hour in enumerate(hours[1:], start=1)
    ]
    database.executemany(f"INSERT INTO event_logs (id, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    tags = database.execute("SELECT key, event_timestamp FROM asset_event_tags WHERE event_id = ?", [first_id])
    for name, tagged in tags.fetchall():
        database.executemany(
            "INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp) VALUES (?, ?, ?, ?, ?)",
            [
                (newest + n, key, name, version_of(hour).digest if name == DATA_VERSION_TAG else hour.key, tagged)
                for n, hour in enumerate(hours[1:], start=1)
            ],
        )


def ticks(settings: Settings, folder: Path) -> Iterator[tuple[str, float]]:
    """Seconds of the first tick of a process and of later ones: every look of the long poll, without its pauses."""
    from cryptoviz_dagster.definitions import build_definitions  # noqa: PLC0415 - reads the environment
    from cryptoviz_dagster.defs.market.sensors import LongPoll  # noqa: PLC0415

    definitions = build_definitions(settings, poll=LongPoll(wait=lambda _: None))
    have = {"lake": Lake(settings.lake)}
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        for name in ("trades_hour_changed", "checks_changed", "forecast_hour_sealed"):
            sensor = definitions.get_repository_def().get_sensor_def(name)
            took = []
            for _ in range(_TICKS):
                with dg.build_sensor_context(instance=instance, definitions=definitions, resources=have) as context:
                    began = time.perf_counter()
                    result = sensor.evaluate_tick(context)
                took.append(time.perf_counter() - began)
                if result.run_requests:
                    sys.exit(f"{name} asks for runs although all is done")
            yield f"{name}: first tick of a process", took[0]
            yield f"{name}: median of the next {len(took) - 1}", statistics.median(took[1:])
            yield f"{name}: longest of them", max(took[1:])


def pages(folder: Path, environment: dict[str, str], asset: str) -> Iterator[tuple[str, float]]:
    """Seconds of the queries behind the pages and of the pages themselves, the first time and again."""
    command = [sys.executable, "-m", "dagster_webserver", "-m", "cryptoviz_dagster.definitions", "-p", str(_PORT)]
    with (folder / "webserver.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    key = {"path": [asset]}
    try:
        _await_server()
        for when in ("first", "again"):
            yield f"lineage page: counts of every asset, {when}", _ask(_STATISTICS_QUERY)
            yield f"partition page: status of every hour, {when}", _ask(_GRID_QUERY, key=key)
            yield f"launch dialog: every key, {when}", _ask(_KEYS_QUERY, key=key)
        shown = {_ADDRESS + path.format(asset): is_there for path, is_there in _PAGES.items()}
        for opened in open_pages(shown, times=2):
            yield f"{opened.url.removeprefix(_ADDRESS)} in a browser, {opened.bytes / 1e6:.1f} MB", opened.seconds
    finally:
        server.terminate()
        server.wait(30)


def _await_server() -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        try:
            _ask("{ version }")
        except OSError:
            time.sleep(0.5)
        else:
            return
    sys.exit("the webserver did not come up")


def _ask(query: str, **variables: object) -> float:
    payload = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{_ADDRESS}/graphql", payload, headers)  # noqa: S310 - an address of our own
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=_DEADLINE_S) as answer:  # noqa: S310
        said = json.load(answer)
    if "errors" in said:
        sys.exit(str(said["errors"])[:1000])
    return time.perf_counter() - began


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=5)
    count = round(parser.parse_args().years * 8_766)
    newest = Hour.containing(datetime.now(UTC)).next(-1)
    hours = [newest.next(-n) for n in reversed(range(count))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storage = json.dumps({"sqlite": {"base_dir": str(folder / "storage")}})
        (folder / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\nstorage: {storage}\n")
        os.environ |= {"CRYPTOVIZ_HOME": name, "CRYPTOVIZ_STORE": "local", "DAGSTER_HOME": name}
        os.environ["CRYPTOVIZ_BACKFILL_KLINES"] = "0"
        os.environ["CRYPTOVIZ_START"] = hours[0].start.isoformat()
        settings = load_settings()
        lay_down(settings, hours)
        forecast_everything(Lake(settings.lake), hours)
        assets = [*(table.name for table in REPORTED), "ohlc_1m", "ohlc_5m", "ohlc_15m", "ohlc_1h", HOURLY_METRICS.name]
        materialize(folder, assets, hours)
        print(f"{count:,} hours, {len(assets)} assets with an event for each")
        for what, seconds in chain(ticks(settings, folder), pages(folder, dict(os.environ), "ohlc_1h")):
            print(f"{seconds:8.3f} s  {what}", flush=True)


if __name__ == "__main__":
    main()
