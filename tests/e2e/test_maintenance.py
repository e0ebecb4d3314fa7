"""Upkeep by the real daemon over a lake on a real MinIO: what it does there, and where the logs of its run lie."""

import json
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import CommitEntry, DataFile, OffsetRange
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.tables import RAW_TRADES
from cryptoviz.settings import load_settings
from cryptoviz.storage.data_files import encode, statistics
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import open_table, read_partition
from cryptoviz.storage.live_files import files_by_span
from cryptoviz.storage.objects import Objects

pytestmark = pytest.mark.stack

HOUR = Hour.containing(datetime.now(UTC) - timedelta(hours=5))
LAUNCH = """mutation($job: String!) { launchRun(executionParams: {mode: "default", selector: {
  repositoryLocationName: "cryptoviz", repositoryName: "__repository__", jobName: $job}}) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}


@pytest.fixture(scope="module")
def stack(make_stack):
    made = make_stack()
    made.up("minio", "dagster-code", "dagster-webserver", "dagster-daemon")
    return made


@pytest.fixture(scope="module")
def settings(stack):
    return load_settings(home=stack.home)


@pytest.fixture(scope="module")
def run_job(stack, wait_for):
    """Launches a job as a click does and waits for its end."""

    def ask(query, **variables):
        payload = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{3000 + stack.offset}/graphql", payload, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a URL of our own
            return json.load(answer)["data"]

    def run(job):
        launched = ask(LAUNCH, job=job)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id = launched["run"]["runId"]

        def end():
            status = ask(STATUS, id=run_id)["runOrError"]["status"]
            return status if status in FINISHED else None

        return run_id, wait_for(end, timeout_s=120, what=f"the end of {job}")

    return run


def write_in_small_files(location, count):
    """Records of one hour, a commit each, as the stream writes them."""
    table, objects = LakeTable(RAW_TRADES, location), Objects(location)
    epoch = table.claim()
    for number in range(count):
        rows = pa.Table.from_pylist([record(number)], arrow_schema(RAW_TRADES))
        payload, path = encode(RAW_TRADES, rows), f"{HOUR.path}/part-{uuid.uuid4().hex}.parquet"
        objects.put(f"raw_trades/{path}", payload)
        file = DataFile("raw_trades", path, len(payload), 1, number, statistics(RAW_TRADES, rows))
        ranges = [OffsetRange("trades", 0, number, number + 1, 1, number)]
        table.append([file], CommitEntry("raw_trades", uuid.uuid4().hex, epoch, "c", "t", ranges, 1))


def record(number):
    return {
        "topic": "trades", "partition": 0, "offset": number, "kafka_time": HOUR.start, "key": "binance:BTC-USDT",
        "schema": "binance.ws.trade", "source": "ws", "received_time": None, "connection": "1", "value": b"{}",
        "row_hash": number,
    }  # fmt: skip


def logs_of(location, run_id):
    return [info.path for info in Objects(location).list("_dagster/logs") if run_id in info.path]


def test_the_nightly_upkeep_compacts_and_its_logs_lie_in_the_bucket(settings, run_job, wait_for):
    write_in_small_files(settings.lake, 12)
    run_id, status = run_job("upkeep")
    assert status == "SUCCESS"
    files = files_by_span(RAW_TRADES, open_table(RAW_TRADES, settings.lake))
    assert len(files[HOUR]) == 1
    assert read_partition(RAW_TRADES, settings.lake, HOUR)["offset"].to_list() == list(range(12))
    logs = wait_for(lambda: logs_of(settings.lake, run_id), timeout_s=30, what="the arrival of the logs")
    assert any(path.endswith(".err") for path in logs), logs


def test_the_budgets_are_measured_by_a_run_of_their_own(run_job):
    assert run_job("storage_budgets_job")[1] == "SUCCESS"
