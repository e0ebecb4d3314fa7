"""Processes of a measurement and what they have put into Kafka."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from confluent_kafka import Consumer, TopicPartition

from cryptoviz.lake.topics import Headers
from cryptoviz.settings import Settings, load_settings
from cryptoviz.stack.probes import NotReady, kafka
from streaming.feeds.messages import PARSERS
from streaming.feeds.parsed import Trade

CHECKOUT = Path(__file__).parents[2]


def no_vendors(host: str) -> dict[str, str]:
    """Settings by which nothing outside is asked: the venues' own host stands for the vendors, and has none of them."""
    names = ("COINGECKO_URL", "COINMARKETCAP_URL", "CRYPTOCOMPARE_URL", "FINNHUB_URL")
    return {f"CRYPTOVIZ_{name}": f"http://{host}/nowhere" for name in names} | {"CRYPTOVIZ_QUOTE_ASSETS": ""}


@contextmanager
def running(*arguments: object, home: Path, **environment: str) -> Iterator[psutil.Process]:
    """A Python process of this checkout, ended at the end; what it says is in a file of the home."""
    name = str(arguments[2] if arguments[1] == "streaming" else arguments[1]).rpartition(".")[2]
    with (home / f"{name}.out").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, *map(str, arguments)], cwd=CHECKOUT, env={**os.environ, **environment}, stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            yield psutil.Process(started.pid)
        finally:
            started.terminate()
            started.wait(60)


def wait_for_kafka(home: Path) -> None:
    """Until the broker of a home answers; exits when it does not."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        time.sleep(1)
        try:
            if (home / "stack.env").exists():
                kafka(load_settings(home=home).bootstrap)()
                return
        except NotReady:
            continue
    sys.exit("Kafka did not come up in 300 s")


def wait_until_live(settings: Settings) -> None:
    """Until every market of the producer is live; exits when it is not."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{settings.ports.of('producer')}/healthz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    sys.exit("the producer was not live in 120 s")


def wrong_ids(settings: Settings) -> tuple[int, int]:
    """Of the topic of trades: ids that do not follow the one before of their market, and all records."""
    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": "bench", "enable.auto.commit": False})
    partitions = consumer.list_topics("trades", timeout=20).topics["trades"].partitions
    consumer.assign([TopicPartition("trades", number, 0) for number in partitions])
    last, wrong, count, end = dict[bytes, int](), 0, 0, topic_end(settings, "trades")
    while count < end:
        for message in consumer.consume(50_000, timeout=10):
            schema = Headers.decode(list(message.headers() or ())).schema  # type: ignore[arg-type]
            said, key = PARSERS[schema](message.value() or b""), bytes(message.key() or b"")  # type: ignore[arg-type]
            if isinstance(said, Trade):
                wrong += key in last and said.first_id != last[key] + 1
                last[key] = said.last_id
            count += 1
    consumer.close()
    return wrong, count


def topic_end(settings: Settings, topic: str) -> int:
    """Records in a topic."""
    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": "bench"})
    partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    ends = [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1] for number in partitions]
    consumer.close()
    return sum(ends)
