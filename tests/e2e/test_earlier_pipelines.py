"""Producers and archives of earlier pipelines on real Kafka, Spark and MinIO: every record once, no field lost."""

import csv
import io
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer

from cryptoviz.lake.locations import Location
from cryptoviz.stack.bucket import create_bucket
from cryptoviz.storage.objects import Objects

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

TOPICS = {
    "crypto-raw-data": {
        "name": "Bitcoin", "symbol": "BTC", "price": 97000.5, "market_cap": 1.92e12, "volume_24h": None,
        "percent_change_24h": 1.5, "source": "CoinGecko", "timestamp": "2026-02-14T10:58:36",
    },
    "crypto_raw": {"symbol": "ETHUSDT", "price": "2700.15000000", "eventTime": 1771066716000},
    "cryptoTopic": {
        "timestamp": "2026-02-14T10:58:36.701397", "bid_price": "97000.10", "ask_price": "97000.20", "bid_qty": 1.5,
        "ask_qty": 0.25, "volume_24h": 31000000000, "market_cap": 1920000000000, "price_change_24h": -1400.5,
        "price_change_percentage_24h": 1.5, "high_24h": 98000, "low_24h": 95000, "trade_timestamp": 1771066716,
    },
    "crypto_topic": {"symbol": "SOL", "price": 140.25, "timestamp": 1771066716},
    "stock_topic": {
        "symbol": "AAPL", "price": 146.36, "high": 147.5, "low": 145.01, "open": 146.0, "previous_close": 145.5,
        "timestamp": 1771066716,
    },
}  # fmt: skip
SHOWN = """topic, venue, symbol, cast(price as double) as price, name, cast(price_change_24h as double) as moved,
           other_fields"""
CLEAN = [
    ("crypto-raw-data", "coingecko", "BTC-USD", 97000.5, "Bitcoin", None, None),
    ("cryptoTopic", "binance", "BTC-USDT", 97000.15, None, -1400.5, {"trade_timestamp": 1771066716}),
    ("crypto_raw", "binance", "ETH-USDT", 2700.15, None, None, None),
    ("crypto_topic", "cryptocompare", "SOL-USD", 140.25, None, None, None),
    ("stock_topic", "finnhub", "AAPL-USD", 146.36, None, None, {"open": 146.0, "previous_close": 145.5}),
]


@pytest.fixture(scope="module")
def stack(make_stack):
    stack = make_stack(CRYPTOVIZ_START="2025-01-01T00:00", CRYPTOVIZ_LEGACY_TOPICS=",".join(TOPICS))
    stack.up("kafka", "minio", "spark", kind="live")
    return stack


def sql(stack, query):
    """Rows, none while it cannot be answered; what is said of that is shown when the test fails."""
    said = stack.cli("sql", query, "-o", "json", check=False)
    sys.stderr.write(said.stderr)
    return [json.loads(line) for line in said.stdout.splitlines()] if said.returncode == 0 else []


def send(stack, records):
    """As the earlier producers did: no headers, whatever key."""
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{9092 + stack.offset}"})
    for topic, value in records:
        producer.produce(topic, value=value if isinstance(value, bytes) else json.dumps(value).encode())
    assert producer.flush(30) == 0


def judged(stack):
    found = sql(stack, "select (select count(*) from quotes) + (select count(*) from quarantine) as n")
    return found[0]["n"] if found else 0


def test_producers_of_all_earlier_pipelines_write_to_their_own_topics_at_once(stack, wait_for):
    send(stack, [(topic, value) for topic, record in TOPICS.items() for value in (record, b"no record")])
    wait_for(lambda: judged(stack) == 10, timeout_s=120, what="the judgement of ten records")
    found = sql(stack, f"select {SHOWN} from quotes order by topic")
    assert [
        (*(v for k, v in row.items() if k != "other_fields"), json.loads(row["other_fields"] or "null"))
        for row in found
    ] == CLEAN
    refused = sql(stack, 'select topic, reason, "partition", "offset" from quarantine order by topic')
    assert [(row["topic"], row["reason"]) for row in refused] == [(topic, "malformed_json") for topic in sorted(TOPICS)]
    assert all(row["partition"] >= 0 and row["offset"] >= 0 for row in refused)
    kept = "select count(*) as n from raw_quotes"
    wait_for(lambda: sql(stack, kept) == [{"n": 10}], timeout_s=60, what="the raw records of ten")


def test_after_a_kill_of_the_stream_it_goes_on_where_each_topic_stood(stack, wait_for):
    before = stack.pid_of("spark")
    send(stack, [("crypto_raw", TOPICS["crypto_raw"])])
    os.kill(before, signal.SIGKILL)
    send(stack, [("stock_topic", TOPICS["stock_topic"])])
    wait_for(lambda: stack.pid_of("spark") not in {0, before}, timeout_s=60, what="the restart of spark")
    wait_for(lambda: judged(stack) == 12, timeout_s=180, what="the judgement of two more records")
    counted = 'count(*) as n, count(distinct "offset" * 10 + "partition") as d'
    counts = sql(stack, f"select topic, {counted} from quotes group by 1")
    assert {row["topic"]: (row["n"], row["d"]) for row in counts} == {
        **dict.fromkeys(TOPICS, (1, 1)), "crypto_raw": (2, 2), "stock_topic": (2, 2),
    }  # fmt: skip


def listed(number):
    at = datetime(2025, 9, 8, tzinfo=UTC) + timedelta(hours=number)
    return {
        "name": "Éther", "symbol": "ETH", "price": float(number) if number != 5 else -1.0, "market_cap": None,
        "source": "CoinMarketCap", "timestamp": at.replace(tzinfo=None).isoformat(), "ingestion_timestamp": at,
    }  # fmt: skip


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, compression="snappy")
    return sink.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """120 rows in five unpadded days, one of which is bad, and a torn file."""
    root = tmp_path_factory.mktemp("crypto-data-partitioned")
    for day in range(5):
        folder = root / f"year=2025/month=9/day={8 + day}"
        folder.mkdir(parents=True)
        (folder / "part-00000.snappy.parquet").write_bytes(parquet([listed(day * 24 + i + 1) for i in range(24)]))
        (folder / "_SUCCESS").touch()
    (folder / "part-00001.snappy.parquet").write_bytes(b"PAR1")
    return root


def imported(stack, where, *options, check=True):
    done = stack.cli("import", "legacy", str(where), "--json", *options, check=check)
    return json.loads(done.stdout) if done.stdout else done


def of_import(stack):
    said = stack.cli("sql", "select * exclude (kafka_time) from quotes where source = 'import'", "-o", "csv").stdout
    return sorted(tuple(row) for row in csv.reader(io.StringIO(said)))


def test_an_import_killed_half_way_and_run_again_is_whole_and_once_more_adds_nothing(stack, archive, wait_for):
    stack.environment["CRYPTOVIZ_CRASH_AT"] = "outbox.after_produce:70"
    killed = stack.cli("import", "legacy", str(archive), check=False)
    del stack.environment["CRYPTOVIZ_CRASH_AT"]
    assert killed.returncode == -signal.SIGKILL
    done = imported(stack, archive)
    assert (done["rows"], done["already_there"] + done["published"]) == (120, 120)
    assert list(done["skipped"]) == ["year=2025/month=9/day=12/part-00001.snappy.parquet"]
    counts = "select count(*) as n, count(distinct price) as d, sum(cast(price as double)) as total from quotes"
    whole = [{"n": 119, "d": 119, "total": 120 * 121 / 2 - 5}]
    wait_for(lambda: sql(stack, f"{counts} where source = 'import'") == whole, timeout_s=30, what="every row, once")
    refused = sql(stack, "select reason, connection from quarantine where source = 'import'")
    assert [row["reason"] for row in refused] == ["not_positive"]
    assert refused[0]["connection"].endswith("/year=2025/month=9/day=8/part-00000.snappy.parquet#4")
    before = of_import(stack)
    again = imported(stack, archive, "--strict", check=False)
    assert (again["already_there"], again["published"], again["imported"]) == (120, 0, 0)
    assert stack.cli("import", "legacy", str(archive), "--strict", check=False).returncode == 1
    assert of_import(stack) == before
    day = "strftime(received_time at time zone 'UTC', '%Y-%m-%d')"
    days = sql(stack, f"select distinct {day} as d from quotes where source = 'import'")
    assert sorted(row["d"] for row in days) == [f"2025-09-{day:02}" for day in range(8, 14)]


def test_an_unpartitioned_bucket_is_imported_with_its_origin(stack, wait_for):
    values = stack.stack_values()
    bucket = Location(
        uri="s3://crypto-data",
        endpoint=f"http://127.0.0.1:{9000 + stack.offset}",
        access_key=values["CRYPTOVIZ_S3_ACCESS_KEY"],
        secret_key=values["CRYPTOVIZ_S3_SECRET_KEY"],
    )
    create_bucket(bucket)
    for number in range(3):
        Objects(bucket).put(f"crypto_{number}.parquet", parquet([listed(1000 + number)]))
    Objects(bucket).put("notes.json", json.dumps(TOPICS["cryptoTopic"]).encode())
    done = imported(stack, "s3://crypto-data")
    assert (done["files"], done["imported"], done["quarantined"]) == (4, 4, {})
    query = """select r.connection as origin, q.name from quotes q join raw_quotes r
               using (topic, "partition", "offset") where r.connection like '%s3://crypto-data/%' order by 1"""
    origins = wait_for(lambda: sql(stack, query), timeout_s=60, what="the raw records of the import")
    assert [row["origin"].split("s3://")[1] for row in origins] == [
        "crypto-data/crypto_0.parquet#0", "crypto-data/crypto_1.parquet#0", "crypto-data/crypto_2.parquet#0",
        "crypto-data/notes.json#0",
    ]  # fmt: skip
    assert [row["name"] for row in origins] == ["Éther", "Éther", "Éther", None]
    assert stack.cli("import", "legacy", "s3://no-such-bucket", check=False).returncode == 3


def test_a_broker_that_is_there_already_is_used_and_none_is_started(stack, make_stack, wait_for):
    other = make_stack(
        CRYPTOVIZ_START="2025-01-01T00:00", CRYPTOVIZ_LEGACY_TOPICS="crypto_raw,new_topic",
        REDPANDA_BROKERS=f"127.0.0.1:{9092 + stack.offset}", CRYPTOVIZ_STORE="local",
    )  # fmt: skip
    other.up("spark", kind="live")
    assert {s["name"] for s in json.loads(other.cli("status", "--json", check=False).stdout)["services"]} == {"spark"}
    send(stack, [("new_topic", TOPICS["crypto_topic"])])

    def arrived():
        return {row["topic"] for row in sql(other, "select distinct topic from quotes")}

    wait_for(lambda: arrived() == {"quotes", "crypto_raw", "new_topic"}, timeout_s=120, what="quotes of three topics")
