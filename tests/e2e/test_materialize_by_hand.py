"""A click on "Materialize" for a past hour, day or week of every asset, by the mutation that Dagster's page sends."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.topics import Headers

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1_200)]

DAY = Day.containing(datetime.now(UTC) - timedelta(days=1))
FIRST = Hour(DAY.start)
HOUR = FIRST.next(12)
STEP_S = 20
ASSETS = """{ assetNodes { assetKey { path } isExecutable partitionKeys jobNames
  assetMaterializations(limit: 1) { runId } } }"""
LAUNCH = """mutation LaunchPipelineExecution($executionParams: ExecutionParams!) {
  launchPipelineExecution(executionParams: $executionParams) { __typename
    ... on LaunchRunSuccess { run { id } } ... on PythonError { message } ... on InvalidSubsetError { message } } }"""
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
ERRORS = """query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on ExecutionStepFailureEvent { error { message } failureMetadata { description } }
  ... on RunFailureEvent { message error { message } } } } } }"""
MADE = """query($key: AssetKeyInput!, $keys: [String!]) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1, partitions: $keys) { runId } } } }"""
FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}


@pytest.fixture(scope="module")
def stack(make_stack):
    stack = make_stack(CRYPTOVIZ_START=f"{DAY.date}T00:00", CRYPTOVIZ_STORE="local")
    stack.up("kafka", "spark", "postgres", "dagster-code", "dagster-webserver", "dagster-daemon", kind="live")
    return stack


@pytest.fixture(scope="module")
def ask(stack):
    def send(query, **variables):
        payload = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{3000 + stack.offset}/graphql", payload, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a URL of our own
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    return send


@pytest.fixture(scope="module")
def a_day_of_trades(stack, ask, wait_for):
    """Every hour of a day in the lake, each with metrics of its own accord."""
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{9092 + stack.offset}"})
    headers = Headers(schema="binance.ws.trade", source="ws", received_ns=time.time_ns(), connection="test").encode()
    for number in range(24 * 3_600 // STEP_S):
        stamp = int((DAY.start + timedelta(seconds=number * STEP_S)).timestamp() * 1000)
        trade = {"e": "trade", "E": stamp, "s": "LTCUSDT", "t": number + 1, "p": f"{100 + number % 7}.5", "q": "0.25"}
        value = json.dumps({**trade, "T": stamp, "m": True})
        producer.produce("trades", key="binance:LTC-USDT", value=value, headers=headers)
    assert producer.flush(30) == 0

    def folded():
        query = '{ assetNodeOrError(assetKey: {path: ["hourly_metrics"]}) { ... on AssetNode { partitionStats { numMaterialized } } } }'  # noqa: E501
        return ask(query)["assetNodeOrError"]["partitionStats"]["numMaterialized"] >= 24

    wait_for(folded, timeout_s=300, what="metrics of a whole day")


@pytest.fixture(scope="module")
def click(ask):
    """Launches a run of one asset as the page does; its id, or why it was refused."""

    def launch(node, partition):
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        selector = {
            "repositoryLocationName": "cryptoviz",
            "repositoryName": "__repository__",
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": node["assetKey"]["path"]}],
        }
        params = {"mode": "default", "runConfigData": "{}", "executionMetadata": {"tags": tags}, "selector": selector}
        found = ask(LAUNCH, executionParams=params)["launchPipelineExecution"]
        return found["run"]["id"] if found["__typename"] == "LaunchRunSuccess" else found

    return launch


def partition_of(node):
    """A past partition: the hour or day of the trades, or the newest week that is over."""
    keys = node["partitionKeys"]
    return next((key for key in (HOUR.key, DAY.key) if key in keys), keys[-1] if keys else None)


def name_of(node):
    return "/".join(node["assetKey"]["path"])


def test_a_click_on_any_asset_of_a_past_hour_day_or_week_succeeds(a_day_of_trades, ask, click, wait_for):
    nodes = [node for node in ask(ASSETS)["assetNodes"] if node["isExecutable"] and len(node["assetKey"]["path"]) == 1]
    partitioned = [node for node in nodes if node["partitionKeys"]]
    hourly = [node for node in partitioned if HOUR.key in node["partitionKeys"]]
    assert (len(hourly), len(partitioned) - len(hourly)) == (12, 8)
    failed = {}
    for node in nodes:
        run = click(node, partition_of(node))
        assert isinstance(run, str), (name_of(node), run)

        def end(run=run):
            status = ask(RUN, id=run)["runOrError"]["status"]
            return status if status in FINISHED else None

        status = wait_for(end, timeout_s=180, what=f"the run of {name_of(node)}")
        if status != "SUCCESS":
            failed[name_of(node)] = json.dumps(ask(ERRORS, id=run))[:1_000]
    assert failed == {}


def test_a_click_on_an_hour_in_the_future_or_on_a_key_that_is_none_makes_nothing(a_day_of_trades, ask, click, wait_for):
    node = next(node for node in ask(ASSETS)["assetNodes"] if name_of(node) == "ohlc_1m")
    for key in ("2031-01-01-00:00", "not a key"):
        # Dagster's own server answers some of these keys with an error of its own, and has launched nothing then.
        with contextlib.suppress(urllib.error.HTTPError):
            found = click(node, key)
            if isinstance(found, str):
                wait_for(
                    lambda run=found: ask(RUN, id=run)["runOrError"]["status"] == "FAILURE", timeout_s=60, what=key
                )
        made = ask(MADE, key={"path": ["ohlc_1m"]}, keys=[key])["assetOrError"]["assetMaterializations"]
        assert made == []
