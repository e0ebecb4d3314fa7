"""The producer under load: ``./run bench producer`` (``--rate``, ``--markets``, ``--seconds``).

A lean venue in a process of its own trades in 50 markets at 20,000 trades a second in total; the product's producer
publishes to a Kafka of its own. Prints the rate held, CPU a thousand messages, memory over time and how far behind the
venue Kafka is; then whether every id is in the topic, once and in order. Beside it, at the same rate, a bare loop.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.inputs.flood_server import symbols
from benchmarks.inputs.processes import no_vendors, running, topic_end, wait_for_kafka, wait_until_live, wrong_ids
from cryptoviz.settings import Settings, load_settings

_OFFSET = 21_500
_SETTLE_S = 10.0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="./run bench producer")
    parser.add_argument("--rate", type=int, default=20_000, help="trades a second of all markets together")
    parser.add_argument("--markets", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cryptoviz-bench-") as folder:
        home = Path(folder)
        os.environ |= {"CRYPTOVIZ_HOME": folder, "CRYPTOVIZ_PORT_OFFSET": str(_OFFSET)}
        with running("-m", "cryptoviz.stack", folder, "live", "kafka", home=home):
            wait_for_kafka(home)
            settings = load_settings(home=home)
            port = settings.ports.of("exchange")
            with running("-m", "benchmarks.inputs.flood_server", port, options.markets, options.rate, home=home):
                _measure(home, settings, options)


def _measure(home: Path, settings: Settings, options: argparse.Namespace) -> None:
    host = f"127.0.0.1:{settings.ports.of('exchange')}"
    spellings = symbols(options.markets)
    markets = ",".join(f"binance:{s.removesuffix('USDT')}-USDT" for s in spellings)
    ours = {
        "CRYPTOVIZ_INSTRUMENTS": markets, "CRYPTOVIZ_BINANCE_REST_URL": f"http://{host}", "CRYPTOVIZ_STOCKS": "",
        "CRYPTOVIZ_BINANCE_WS_URL": f"ws://{host}", **no_vendors(host), "CRYPTOVIZ_BACKFILL_TRADES": "0s",
    }  # fmt: skip
    print(f"{options.markets} markets, {options.rate} trades/s together, {options.seconds} s, {os.cpu_count()} cores")
    with running("-m", "streaming", "producer", home=home, **ours) as producer:
        rows = _watch(producer, settings, options)
    _print_watched(rows)
    wrong, count = wrong_ids(settings)
    print(f"in the topic: {count} trades, {wrong} ids missing, doubled or out of order")
    bare = ("-m", "benchmarks.inputs.bare_producer", f"ws://{host}/stream", settings.bootstrap, "klines",
            ",".join(spellings))  # fmt: skip
    with running(*bare, home=home) as process:
        time.sleep(_SETTLE_S)
        cpu, messages, began = _cpu(process), topic_end(settings, "klines"), time.monotonic()
        time.sleep(min(30, options.seconds))
        sent, seconds = topic_end(settings, "klines") - messages, time.monotonic() - began
        spent, memory = _cpu(process) - cpu, process.memory_info().rss / 1e6
    print(f"bare loop: {sent / seconds:.0f} messages/s, {spent / sent * 1e3:.4f} CPU s per 1,000, {memory:.0f} MB")


def _watch(producer: psutil.Process, settings: Settings, options: argparse.Namespace) -> list[dict[str, float]]:
    """Look every second, once the producer is live everywhere; a row a look."""
    wait_until_live(settings)
    time.sleep(_SETTLE_S)
    rows, began = [], time.monotonic()
    while (passed := time.monotonic() - began) < options.seconds:
        told = httpx.get(f"http://127.0.0.1:{settings.ports.of('producer')}/sources", timeout=10).json()
        markets = told["markets"].values()
        oldest = min(state["last_event_us"] for state in markets) / 1e6
        rows.append({
            "seconds": passed, "cpu": _cpu(producer), "published": sum(state["published"] for state in markets),
            "rss_mb": producer.memory_info().rss / 1e6, "behind_s": time.time() - oldest,
            "gaps": sum(state["gaps_open"] + state["gaps_repaired"] for state in markets),
            "requests": told["venues"]["binance"]["budget"]["requests"],
        })  # fmt: skip
        time.sleep(1)
    return rows


def _print_watched(rows: list[dict[str, float]]) -> None:
    first, last = rows[0], rows[-1]
    messages, seconds = last["published"] - first["published"], last["seconds"] - first["seconds"]
    spent = last["cpu"] - first["cpu"]
    behind = sorted(row["behind_s"] for row in rows)
    print(f"producer: {messages / seconds:.0f} messages/s, {spent / messages * 1e3:.4f} CPU s per 1,000")
    print(f"  {spent / seconds:.2f} cores, {last['requests'] - first['requests']:.0f} requests by REST")
    print(f"  behind the venue: median {behind[len(behind) // 2]:.2f} s, at most {behind[-1]:.2f} s")
    eighths = [rows[min(len(rows) - 1, len(rows) * n // 8)] for n in range(9)]
    print("  memory, MB: " + ", ".join(f"{row['rss_mb']:.0f} at {row['seconds']:.0f} s" for row in eighths))
    print(f"  gaps found meanwhile {last['gaps'] - first['gaps']:.0f}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
