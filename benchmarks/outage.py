"""The producer away for ten minutes: ``./run bench outage`` (``--minutes``, ``--rate``), then how soon all is whole.

The simulator's ten markets of three venues, a Kafka and the product's producer, each a process. The producer is killed
with ``kill -9`` and started again when the time is over; repair is complete when every market is live, which is when
everything traded meanwhile is in the topic. Prints the seconds this took since the start, the requests it cost beside
what the venues allow, and whether every id is in the topic, once and in order.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.inputs.processes import no_vendors, running, topic_end, wait_for_kafka, wait_until_live, wrong_ids
from cryptoviz.settings import Settings, load_settings

_OFFSET = 21_700
MARKETS = (
    *(f"binance:{base}-USDT" for base in ("BTC", "ETH", "SOL", "XRP", "BNB")),
    *("kraken:BTC-USD", "kraken:ETH-USD", "coinbase:BTC-USD", "coinbase:ETH-USD", "coinbase:SOL-USD"),
)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="./run bench outage")
    parser.add_argument("--minutes", type=float, default=10, help="how long the producer is away")
    parser.add_argument("--rate", type=float, default=20, help="multiplier of the simulated trade rate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cryptoviz-bench-") as folder:
        os.environ |= {"CRYPTOVIZ_HOME": folder, "CRYPTOVIZ_PORT_OFFSET": str(_OFFSET)}
        home = Path(folder)
        with running("-m", "cryptoviz.stack", folder, "live", "kafka", home=home):
            wait_for_kafka(home)
            settings = load_settings(home=home)
            with running("-m", "streaming", "exchange", home=home, CRYPTOVIZ_EXCHANGE_RATE=str(options.rate)):
                _measure(home, settings, options)


def _measure(home: Path, settings: Settings, options: argparse.Namespace) -> None:
    with _producer(home, settings):
        time.sleep(10)
    before = topic_end(settings, "trades")
    print(f"the producer is away for {options.minutes:g} minutes, {len(MARKETS)} markets")
    time.sleep(options.minutes * 60)
    began = time.monotonic()
    with _producer(home, settings):
        seconds, told = time.monotonic() - began, _told(settings)
        fetched = topic_end(settings, "trades") - before
        time.sleep(5)
    wrong, count = wrong_ids(settings)
    print(f"whole {seconds:.1f} s after its start: {fetched} trades fetched")
    for venue, state in told["venues"].items():
        budget = state["budget"]
        print(f"  {venue}: {budget['requests']} requests, {budget['used']:g} of {budget['limit']:g} used")
    print(f"  gaps: {sum(state['gaps_repaired'] for state in told['markets'].values())} repaired, "
          f"{sum(state['gaps_open'] for state in told['markets'].values())} open")  # fmt: skip
    print(f"in the topic: {count} trades, {wrong} ids missing, doubled or out of order")


@contextmanager
def _producer(home: Path, settings: Settings) -> Iterator[None]:
    """The producer from its start, live, to its kill."""
    host = f"127.0.0.1:{settings.ports.of('exchange')}"
    ours = {
        "CRYPTOVIZ_INSTRUMENTS": ",".join(MARKETS), "CRYPTOVIZ_BACKFILL_TRADES": "0s", "CRYPTOVIZ_STOCKS": "",
        "CRYPTOVIZ_BACKFILL_KLINES": "0", **no_vendors(host),
        "CRYPTOVIZ_BINANCE_REST_URL": f"http://{host}", "CRYPTOVIZ_BINANCE_WS_URL": f"ws://{host}",
        "CRYPTOVIZ_KRAKEN_REST_URL": f"http://{host}", "CRYPTOVIZ_KRAKEN_WS_URL": f"ws://{host}/v2",
        "CRYPTOVIZ_COINBASE_REST_URL": f"http://{host}/coinbase",
        "CRYPTOVIZ_COINBASE_WS_URL": f"ws://{host}/coinbase/ws",
    }  # fmt: skip
    with running("-m", "streaming", "producer", home=home, **ours) as process:
        wait_until_live(settings)
        yield
        process.kill()


def _told(settings: Settings) -> dict[str, Any]:
    answer = httpx.get(f"http://127.0.0.1:{settings.ports.of('producer')}/sources", timeout=10)
    return dict(answer.json())


if __name__ == "__main__":
    main()
