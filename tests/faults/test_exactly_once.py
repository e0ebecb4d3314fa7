"""Every part killed, again and again, while trades flow: nothing lost, nothing doubled, by the venue's own truth.

The long form, ``./run test tests/faults --full``, kills at least 20 times over at least 500,000 trades.
"""

import itertools
import json
import os
import signal
import time
from decimal import Decimal

import polars as pl
import pytest
import xxhash
from confluent_kafka import Consumer, TopicPartition

from cryptoviz.lake.ledger import WRAP
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE, RAW_TRADES, TRADES
from cryptoviz.lake.topics import Headers
from cryptoviz.storage.frames import scan
from streaming.feeds.messages import PARSERS

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1500)]

SPARK_POINTS = (
    "raw.before_commit", "raw.after_commit", "clean.before_state", "clean.before_commit", "clean.after_commit",
    "clean.after_sides", "clean.before_commit:2", "clean.after_commit:2", "raw.before_commit:2", "",
)  # fmt: skip
PRODUCER_POINTS = ("producer.mid_backfill:20", "producer.after_produce:30000", "producer.mid_backfill:3", "")
FULL = {"rate": "20", "trades": 500_000, "starts": len(SPARK_POINTS), "kills": 20}
SHORT = {"rate": "2", "trades": 50_000, "starts": 4, "kills": 8}


class Pipeline:
    """The parts of a stack and how each is killed and comes back."""

    def __init__(self, stack, kill, wait_for) -> None:
        self.stack, self._kill, self._wait_for = stack, kill, wait_for
        self.kills = 0

    def restart(self, running, name, **environment):
        if running is not None:
            self._kill(running)
        return self.stack.run_service(name, **environment)

    def until_killed(self, process, *, timeout_s):
        """Wait for a service to die at its crash point; kill it at a random moment when it has none or is late."""
        deadline = time.monotonic() + timeout_s
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        self._kill(process)
        self.kills += 1

    def kill_part(self, name):
        pid = self.stack.pid_of(name)
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        self._wait_for(lambda: self.stack.pid_of(name) not in {0, pid}, timeout_s=60, what=f"the restart of {name}")


def lake_of(stack) -> Location:
    values = stack.stack_values()
    return Location(
        uri="s3://lake",
        endpoint=f"http://127.0.0.1:{9000 + stack.offset}",
        access_key=values["CRYPTOVIZ_S3_ACCESS_KEY"],
        secret_key=values["CRYPTOVIZ_S3_SECRET_KEY"],
    )


def kafka_records(stack):
    """Everything in the topic: (partition, offset) to hash, and the ids of each market."""
    consumer = Consumer({"bootstrap.servers": f"127.0.0.1:{9092 + stack.offset}", "group.id": "truth"})
    hashes, ids = {}, {}
    for partition in consumer.list_topics("trades", timeout=20).topics["trades"].partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition("trades", partition), timeout=20)
        consumer.assign([TopicPartition("trades", partition, low)])
        at = low
        while at < high:
            for message in consumer.consume(min(20_000, high - at), timeout=20):
                at = message.offset() + 1
                hashes[(partition, message.offset())] = xxhash.xxh64_intdigest(message.value(), seed=42)
                parser = PARSERS[Headers.decode(message.headers()).schema]
                ids.setdefault(message.key().decode(), []).append(parser(message.value()).first_id)
    consumer.close()
    return hashes, ids


def committed(stack):
    status = json.loads(stack.cli("status", "--json", check=False).stdout)
    rows = {table["name"]: table["rows"] for table in status["tables"]}
    return rows.get("raw_trades", 0), rows.get("trades", 0) + rows.get("duplicates", 0) + rows.get("quarantine", 0)


def frame(table, stack, *columns):
    return scan(table, lake_of(stack)).select(columns).collect()


def total(hashes):
    return sum(hashes) % WRAP


def verify(stack) -> dict[str, int]:
    """Count, distinct offsets, distinct ids and sum of hashes of every table, against Kafka and the venue's truth."""
    hashes, published = kafka_records(stack)
    raw = frame(RAW_TRADES, stack, "partition", "offset", "row_hash")
    assert raw.height == len(hashes) == raw.select("partition", "offset").n_unique()
    assert int(raw["row_hash"].cast(pl.Int128).sum()) % WRAP == total(hashes.values())

    clean = frame(
        TRADES, stack, "venue", "symbol", "trade_id", "quantity", "event_time", "partition", "offset", "row_hash"
    )
    sides = [frame(t, stack, "partition", "offset", "row_hash") for t in (DUPLICATES, QUARANTINE)]
    ends = pl.concat([clean.select("partition", "offset", "row_hash"), *sides]).sort("partition", "offset")
    assert ends.equals(raw.sort("partition", "offset"))

    for (venue, symbol), mine in clean.group_by("venue", "symbol"):
        ids = mine["trade_id"]
        assert ids.n_unique() == mine.height == ids.max() - ids.min() + 1
        assert set(ids) == set(published[f"{venue}:{symbol}"])
        first, last = (int(t.timestamp() * 1000) for t in (mine["event_time"].min(), mine["event_time"].max()))
        path = f"/sim/truth?market={venue}:{symbol}&from_ms={first + 1}&to_ms={last}"
        truth = stack.get_json(8600, path)
        inside = mine.filter(pl.col("event_time").dt.timestamp("ms").is_between(first + 1, last - 1))
        assert (inside.height, inside["quantity"].sum()) == (truth["count"], Decimal(truth["quantity"]))
    return {"raw": raw.height, "clean": clean.height, "duplicates": sides[0].height, "quarantine": sides[1].height}


def wait_until_all_is_in(stack, wait_for):
    def caught_up():
        topics = json.loads(stack.cli("status", "--json", check=False).stdout)["topics"]
        end = sum(topic["end_offset"] for topic in topics if topic["name"] == "trades")
        return end > 0 and committed(stack) == (end, end)

    wait_for(caught_up, timeout_s=240, what="everything in the topic to be in the lake")


def test_kills_lose_nothing_and_double_nothing(make_stack, kill, wait_for, is_full):
    form = FULL if is_full else SHORT
    stack = make_stack(
        CRYPTOVIZ_EXCHANGE_RATE=form["rate"], CRYPTOVIZ_BACKFILL_KLINES="0", CRYPTOVIZ_TRIGGER_INTERVAL="2s"
    )
    stack.up("kafka", "minio", "exchange")
    pipeline = Pipeline(stack, kill, wait_for)
    parts = itertools.cycle(("kafka", "minio"))
    producer_points = itertools.cycle(PRODUCER_POINTS)
    jars = stack.spark_environment()

    producer = pipeline.restart(None, "producer", CRYPTOVIZ_CRASH_AT=next(producer_points))
    for number, point in enumerate(SPARK_POINTS[: form["starts"]]):
        spark = pipeline.restart(None, "lake", CRYPTOVIZ_CRASH_AT=point, **jars)
        if number % 2:
            time.sleep(8)
            pipeline.kill_part(next(parts))
        pipeline.until_killed(spark, timeout_s=25)
        if number % 2 == 0 or producer.poll() is not None:
            pipeline.kills += 1
            producer = pipeline.restart(producer, "producer", CRYPTOVIZ_CRASH_AT=next(producer_points))

    producer = pipeline.restart(producer, "producer")
    pipeline.restart(None, "lake", **jars)
    assert pipeline.kills >= form["kills"]

    def enough():
        return committed(stack)[0] >= form["trades"]

    def is_continuous():
        try:
            return bool(stack.get_json(9101, "/healthz"))
        except OSError:
            return False

    wait_for(enough, timeout_s=400, what=f"{form['trades']} trades in the lake")
    wait_for(is_continuous, timeout_s=120, what="the producer to have every symbol without a hole")
    producer.send_signal(signal.SIGTERM)
    assert producer.wait(60) == 0
    wait_until_all_is_in(stack, wait_for)
    print(pipeline.kills, "kills:", verify(stack))


def test_without_the_ledger_guard_the_same_proof_fails(make_stack, kill, wait_for):
    stack = make_stack(CRYPTOVIZ_BACKFILL_KLINES="0", CRYPTOVIZ_BACKFILL_TRADES="20m", CRYPTOVIZ_TRIGGER_INTERVAL="2s")
    stack.up("kafka", "minio", "exchange")
    pipeline = Pipeline(stack, kill, wait_for)
    unguarded = {"CRYPTOVIZ_FAULT_NO_GUARD": "1", **stack.spark_environment()}
    producer = stack.run_service("producer")
    for _ in range(2):
        before = committed(stack)[0]
        spark = pipeline.restart(None, "lake", **unguarded)
        wait_for(lambda before=before: committed(stack)[0] > before + 1000, timeout_s=90, what="a commit")
        kill(spark)
    kill(producer)
    with pytest.raises(AssertionError):
        verify(stack)
