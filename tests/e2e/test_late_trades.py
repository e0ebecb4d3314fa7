"""A sealed day on a real stack: an hour that is missing, a trade that comes late, and what is told of both."""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from confluent_kafka import Producer

from cryptoviz.lake.candle_tables import CANDLE_REVISIONS, OHLC_1D, OHLC_1H, OHLC_1M
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.topics import Headers
from cryptoviz.settings import load_settings
from cryptoviz.storage.frames import read_partition

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

DAY = Day.containing(datetime.now(UTC) - timedelta(days=1))
FIRST = Hour(DAY.start)
LATE = FIRST.next(12).start + timedelta(minutes=30, seconds=20)
STEP_S = 20
SIZE = Decimal("0.25")
BOUND_S = 60
METADATA = """query($key: AssetKeyInput!, $keys: [String!]) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1, partitions: $keys) { runId metadataEntries { label
    ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString }
  } } } } }"""


@pytest.fixture(scope="module")
def stack(make_stack):
    stack = make_stack(CRYPTOVIZ_START=f"{DAY.date}T00:00", CRYPTOVIZ_STORE="local")
    stack.up("kafka", "spark", "dagster-code", "dagster-webserver", "dagster-daemon", "serving", kind="live")
    return stack


def number_of(at):
    """Ids count the steps since the day began, so that one left out is known to be missing."""
    return 1 + int((at - DAY.start).total_seconds()) // STEP_S


def publish(stack, times):
    """Trades at these instants, in the venue's words; returns when Kafka has them."""
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{9092 + stack.offset}"})
    headers = Headers(schema="binance.ws.trade", source="ws", received_ns=time.time_ns(), connection="test").encode()
    for at in times:
        stamp, number = int(at.timestamp() * 1000), number_of(at)
        price = "999" if at == LATE else f"{100 + number % 7}.5"
        value = json.dumps(
            {"e": "trade", "E": stamp, "s": "LTCUSDT", "t": number, "p": price, "q": str(SIZE), "T": stamp, "m": True}
        )
        producer.produce("trades", key="binance:LTC-USDT", value=value, headers=headers)
    assert producer.flush(30) == 0


def times_of(hours):
    return [h.start + timedelta(seconds=s) for h in hours for s in range(0, 3_600, STEP_S)]


def told(stack, asset, partition):
    """Metadata of the newest materialization, by name; empty when there is none."""
    variables = {"key": {"path": [asset]}, "keys": [partition]}
    payload = json.dumps({"query": METADATA, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{3000 + stack.offset}/graphql", payload, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a URL of our own
        found = json.load(answer)["data"]["assetOrError"].get("assetMaterializations") or [{"metadataEntries": []}]
    entries = found[0]["metadataEntries"]
    return {e["label"]: e.get("intValue") or e.get("text") or e.get("jsonString") for e in entries}


def day_of(stack):
    """Hours and trades that the day's candle says it has."""
    note = told(stack, "ohlc_1d", DAY.key)
    return note.get("hours"), note.get("trades")


def served(stack, at, **more):
    """The candle of an hour, as the REST interface gives it."""
    window = {"start": at.start.isoformat(), "end": at.end.isoformat(), **more}
    asked = "&".join(f"{name}={value}" for name, value in window.items()).replace("+00:00", "Z")
    path = f"/api/v1/candles?symbol=LTC-USDT&venue=binance&interval=1h&{asked}"
    (candle,) = stack.get_json(8700, path)["data"]
    return candle


@pytest.fixture(scope="module")
def sealed(stack, wait_for):
    """The day without its first hour and without one trade, folded; the instant after which nothing was new."""
    hour = Hour.containing(LATE)
    # First by itself, so that no batch of the stream cuts it in two.
    publish(stack, [at for at in times_of([hour]) if at != LATE])
    publish(stack, times_of(other for n in range(1, 24) if (other := FIRST.next(n)) != hour))
    trades = 23 * 180 - 1
    wait_for(lambda: day_of(stack) == (23, trades), timeout_s=240, what="the candle of a day that lacks an hour")
    return datetime.now(UTC)


def test_a_day_that_lacks_an_hour_has_a_candle_that_says_so(stack, sealed):
    (candle,) = candles_of_the_day(stack)
    assert (candle["minutes"], candle["status"], candle["missing_ids"]) == (23 * 60, "blind", 1)


def candles_of_the_day(stack):
    return read_partition(OHLC_1D, load_settings(home=stack.home).lake, DAY).rows(named=True)


def test_a_late_trade_is_a_second_revision_within_a_minute_and_the_first_stays_readable(stack, sealed, wait_for):
    lake, hour = load_settings(home=stack.home).lake, Hour.containing(LATE)
    before = read_partition(OHLC_1H, lake, hour).row(0, named=True)
    assert (before["revision"], before["trade_count"], before["missing_ids"]) == (1, 179, 1)
    began = time.monotonic()
    publish(stack, [LATE])
    wait_for(lambda: read_partition(OHLC_1H, lake, hour)["revision"].item() == 2, timeout_s=120, what="revision 2")
    seconds = time.monotonic() - began
    print(f"revision 2 of the hourly candle {seconds:.1f} s after the late trade was published")
    assert seconds <= BOUND_S

    minutes = read_partition(OHLC_1M, lake, hour).filter(pl.col("revision") > 1)
    assert minutes["window_start"].to_list() == [LATE.replace(second=0)]
    wait_for(lambda: served(stack, hour)["revision"] == 2, timeout_s=30, what="revision 2 on the page")
    now, then = served(stack, hour), served(stack, hour, as_of=sealed.isoformat())
    assert (now["trade_count"], Decimal(now["high"])) == (180, 999)
    assert (then["revision"], then["trade_count"], Decimal(then["high"])) == (1, 179, Decimal("106.5"))


def test_the_run_and_the_lake_name_exactly_the_rows_that_changed(stack, sealed, wait_for):
    lake, hour = load_settings(home=stack.home).lake, Hour.containing(LATE)

    def revised():
        return read_partition(CANDLE_REVISIONS, lake, hour).filter(pl.col("superseded_time") > sealed)

    wait_for(lambda: revised().height == 5, timeout_s=120, what="the candles above the late trade's minute")
    note = told(stack, OHLC_1M.name, hour.key)
    (change,) = json.loads(note["blast_radius"])
    assert (note["cause"], note["candles_changed"]) == ("trades", 1)
    assert (change["market"], change["window"]) == ("binance LTC-USDT", str(LATE.replace(second=0)))
    assert (change["trade_count"], change["high"]) == ("2 -> 3", "106.5 -> 999")
    half = LATE.replace(second=0)
    starts = {"1m": half, "5m": half, "15m": half, "1h": hour.start, "4h": hour.start}
    assert dict(revised().select("interval", "window_start").iter_rows()) == starts
    assert set(revised().filter(pl.col("interval") != "4h")["revision"]) == {1}
    wait_for(lambda: day_of(stack) == (23, 23 * 180), timeout_s=120, what="the day's candle with the late trade")


def test_the_missing_hour_completes_the_day_when_it_comes(stack, sealed, wait_for):
    publish(stack, times_of([FIRST]))
    wait_for(lambda: day_of(stack) == (24, 24 * 180), timeout_s=180, what="the candle of the whole day")
    (candle,) = candles_of_the_day(stack)
    assert (candle["minutes"], candle["status"], candle["missing_ids"]) == (24 * 60, "traded", 0)
