"""Recorded trades through Kafka, Spark, MinIO and Dagster, exported, equal the candles that others made of them."""

import csv
import io
import json
import time
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import psycopg
import pytest
from confluent_kafka import Producer

from cryptoviz.lake.topics import Headers
from cryptoviz.settings import load_settings
from cryptoviz.warehouse.server import Role

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stack(make_stack, recordings):
    stack = make_stack(CRYPTOVIZ_START="2019-10-01T00:00")
    services = ("kafka", "minio", "postgres", "spark", "dagster-code", "dagster-webserver", "dagster-daemon")
    stack.up(*services, kind="live")
    return stack


def exported(stack, symbol, venue, first, last, table="ohlc_1m"):
    options = ("--symbol", symbol, "--venue", venue, "--from", first, "--to", last)
    rows = csv.DictReader(io.StringIO(stack.cli("export", table, *options).stdout))
    return {datetime.fromisoformat(row["window_start"]): row for row in rows}


def ohlcv(row):
    return tuple(Decimal(row[name]) if row[name] else None for name in ("open", "high", "low", "close", "volume"))


def test_kraken_409_of_409_minutes(stack, recordings):
    folder = recordings / "kraken_xbtusdt"
    said = stack.cli("replay", "--venue", "kraken", "--file", str(folder / "http_trades.json"), "--json").stdout
    assert json.loads(said)["messages"] == 1000
    ours = exported(stack, "BTC-USDT", "kraken", "2025-11-10T17:24", "2025-11-11T00:13")
    theirs = json.loads((folder / "http_ohlc.json").read_text())["result"]["XBTUSDT"]
    rows = {datetime.fromtimestamp(row[0], UTC): row for row in theirs}
    assert len(ours) == 409
    for start, row in ours.items():
        _, o, h, low, c, _, volume, count = rows[start]
        assert (Decimal(row["volume"]), int(row["trade_count"])) == (Decimal(volume), count)
        assert ohlcv(row)[:4] == (tuple(map(Decimal, (o, h, low, c))) if count else (None,) * 4)
    assert sum(row["trade_count"] == "0" for row in ours.values()) == 137


def test_binance_10_of_10_minutes(stack, recordings):
    folder = recordings / "binance_btcusdt_ws"
    files = [f for day in ("20240808", "20240809") for f in ("--file", str(folder / f"btcusdt_{day}.gz"))]
    stack.cli("replay", "--venue", "binance", *files)
    ours = exported(stack, "BTC-USDT", "binance", "2024-08-08T23:55", "2024-08-09T00:05")
    klines = pl.read_ipc(folder / "klines_1m_2024-07-26_2024-08-25.feather")
    theirs = {row["date"]: row for row in klines.iter_rows(named=True) if row["date"] in ours}
    assert len(ours) == len(theirs) == 10
    for start, row in theirs.items():
        assert ohlcv(ours[start]) == tuple(Decimal(repr(row[n])) for n in ("open", "high", "low", "close", "volume"))


def test_an_independent_program_made_the_same_2469_minutes(stack, recordings):
    folder = recordings / "binance_xrpeth"
    stack.cli("replay", "--venue", "binance", "--file", str(folder / "aggtrades.json.gz"))
    ours = exported(stack, "XRP-ETH", "binance", "2019-10-11", "2019-10-14")
    theirs = pl.read_ipc(folder / "candles_1m.feather")
    for row in theirs.iter_rows(named=True):
        found = ohlcv(ours[row["date"]])
        assert tuple(map(float, found[:4])) == tuple(row[name] for name in ("open", "high", "low", "close"))
        assert abs(found[4] - Decimal(repr(row["volume"]))) < Decimal("1e-6")
    assert sum(row["trade_count"] != "0" for row in ours.values()) == theirs.height == 2469


def test_a_second_replay_changes_no_candle(stack, recordings):
    before = exported(stack, "BTC-USDT", "kraken", "2025-11-10T17:00", "2025-11-11T01:00")
    stack.cli("replay", "--venue", "kraken", "--file", str(recordings / "kraken_xbtusdt" / "http_trades.json"))
    assert exported(stack, "BTC-USDT", "kraken", "2025-11-10T17:00", "2025-11-11T01:00") == before
    repeats = stack.cli("sql", "select count(*) as n from duplicates where venue = 'kraken'", "-o", "json").stdout
    assert json.loads(repeats)["n"] == 1000


def test_a_recording_older_than_the_lake_is_refused_and_names_the_setting(stack, recordings):
    stack.environment["CRYPTOVIZ_START"] = "2024-01-01T00:00"
    try:
        done = stack.cli(
            "replay",
            "--venue",
            "binance",
            "--file",
            str(recordings / "binance_xrpeth" / "aggtrades.json.gz"),
            check=False,
        )
    finally:
        stack.environment["CRYPTOVIZ_START"] = "2019-10-01T00:00"
    assert done.returncode == 2
    assert "CRYPTOVIZ_START" in done.stderr


def trade(**changes):
    now = int(time.time() * 1000)
    message = {"e": "trade", "E": now, "s": "LTCUSDT", "t": 1, "p": "1.5", "q": "2", "T": now, "m": True, "M": True}
    return json.dumps({**message, **changes}).encode()


POISON = {
    "empty_value": b"",
    "malformed_json": trade()[:40],
    "wrong_type": trade(t="x"),
    "bad_decimal": trade(p="NaN"),
    "too_large": b"[" * 10_000_000,
    "bad_time": trade(T=1700000),
    "far_future": trade(T=4_102_444_800_000),
    "before_lake_start": trade(T=1_400_000_000_000),
    "decimal_overflow": trade(q="1e30"),
    "not_positive": trade(p="0"),
    "symbol_mismatch": trade(s="BTCUSDT"),
}


def test_poison_never_stops_the_stream_and_is_quarantined_with_its_reason(stack, wait_for):
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{9092 + stack.offset}", "message.max.bytes": 16_000_000})
    headers = Headers(schema="binance.ws.trade", source="ws", received_ns=1, connection="test").encode()
    for value in (*POISON.values(), trade(t=77)):
        producer.produce("trades", key="binance:LTC-USDT", value=value, headers=headers)
    assert producer.flush(30) == 0

    def good_one_arrived():
        query = "select count(*) as n from trades where symbol = 'LTC-USDT'"
        return json.loads(stack.cli("sql", query, "-o", "json").stdout)["n"] == 1

    wait_for(good_one_arrived, timeout_s=60, what="the good trade after the poison")
    query = "select reason from quarantine where key = 'binance:LTC-USDT' order by reason"
    found = [json.loads(line)["reason"] for line in stack.cli("sql", query, "-o", "json").stdout.splitlines()]
    assert found == sorted(POISON)


@pytest.mark.parametrize(
    "query",
    [
        "select venue, symbol, count(*), sum(trade_count), sum(volume) from {}ohlc_1m group by 1, 2 order by 1, 2",
        "select reason, count(*), sum(value_size) from {}quarantine group by 1 order by 1",
    ],
)
def test_postgres_has_the_candles_and_the_refused_records_of_the_lake(stack, wait_for, query):
    def lake():
        lines = csv.reader(io.StringIO(stack.cli("sql", query.format(""), "-o", "csv").stdout))
        return [tuple(map(comparable, row)) for row in lines][1:]

    def published():
        with psycopg.connect(load_settings(home=stack.home).sql.conninfo(Role.READER)) as connection:
            rows = connection.execute(query.format("crypto.").encode()).fetchall()
        return [tuple(map(comparable, row)) for row in rows]

    wait_for(lambda: lake() == published() != [], timeout_s=600, what="publication")


def comparable(value):
    """Numbers by value, however they are written."""
    try:
        return Decimal(value)
    except ArithmeticError:
        return value
