"""Seconds from the lake commit of a closed hour to its materialised `ohlc_1h`, against a stack that runs.

First ``CRYPTOVIZ_START=2026-11-01 ./run demo --detach`` (any start a few days back), then
``./run bench hour_latency``. One trade is published for each of several past hours, one after the other.
"""

import statistics
import sys
import time
from datetime import UTC, datetime

from confluent_kafka import Producer

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import TRADES
from cryptoviz.lake.topics import Headers
from cryptoviz.settings import Settings, load_settings
from cryptoviz.storage.frames import open_table
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.publishing import SPAN

SAMPLES = 10
_DEADLINE_S = 60


def main() -> None:
    """Print each sample and the median."""
    settings = load_settings()
    index = HourIndex(Objects(settings.lake), TRADES.name)
    known = index.read()
    newest = Hour.containing(datetime.now(UTC))
    free = [h for back in range(8, 600) if (h := newest.next(-back)) not in known and h >= settings.first_hour]
    if len(free) < SAMPLES:
        sys.exit(f"the lake begins at {settings.first_hour.key}: too few free hours; see the start of this module")
    seconds = [_sample(settings, index, hour) for hour in free[:SAMPLES]]
    print("seconds from commit to ohlc_1h:", " ".join(f"{s:.1f}" for s in sorted(seconds)))
    print(f"median {statistics.median(seconds):.1f} s, max {max(seconds):.1f} s, {len(seconds)} hours")


def _sample(settings: Settings, index: HourIndex, hour: Hour) -> float:
    _publish(settings, hour)
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        entry = index.read().get(hour)
        folded = _folded_at(settings, hour)
        if entry and folded:
            return folded - entry.changed.timestamp()
        time.sleep(0.3)
    sys.exit(f"hour {hour.key} has no candle after {_DEADLINE_S} s")


def _publish(settings: Settings, hour: Hour) -> None:
    at = int(hour.start.timestamp() * 1000) + 1000
    number = hour.number
    value = f'{{"e":"trade","E":{at},"s":"LTCUSDT","t":{number},"p":"80.5","q":"1","T":{at},"m":true,"M":true}}'
    headers = Headers(schema="binance.ws.trade", source="replay", received_ns=time.time_ns(), connection="bench")
    producer = Producer({"bootstrap.servers": settings.bootstrap})
    producer.produce(settings.topic_trades, key="binance:LTC-USDT", value=value, headers=headers.encode())
    producer.flush()


def _folded_at(settings: Settings, hour: Hour) -> float | None:
    commits = open_table(OHLC_1H, settings.lake).history(30)
    times = [c["timestamp"] / 1000 for c in commits if c.get(SPAN) == hour.key]
    return min(times) if times else None


if __name__ == "__main__":
    main()
