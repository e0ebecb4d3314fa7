"""``./run bench continuity``: faults of the simulator against the feeds, judged by the simulator's own truth.

After each fault the ids published must be all ids of the truth, each once and in order. Prints the table of
``docs/explanation/continuity.md``.
"""

import argparse
import asyncio
import time
from typing import Any

import structlog

from benchmarks.inputs.stage import Stage
from cryptoviz.lake.gaps import GapState

MARKETS = ("binance:BTC-USDT", "binance:ETH-USDT", "kraken:BTC-USD", "coinbase:BTC-USD")
LATEST_S = 60
SCENARIOS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no fault", {}),
    ("drop 0.1 %", {"kind": "drop", "probability": 0.001}),
    ("drop 1 %", {"kind": "drop", "probability": 0.01}),
    ("drop 20 %", {"kind": "drop", "probability": 0.2}),
    ("repeat 1 %", {"kind": "repeat", "probability": 0.01}),
    ("repeat 20 %", {"kind": "repeat", "probability": 0.2}),
    ("reorder 20 %, 0.2 s", {"kind": "reorder", "probability": 0.2, "amount": 0.2}),
    ("garbage 5 %", {"kind": "garbage", "probability": 0.05}),
    ("close", {"kind": "close"}),
    ("24 h cut, announced", {"kind": "cut", "amount": 5, "venue": "binance"}),
    ("half open", {"kind": "half_open"}),
    ("ban, with drops", {"kind": "ban", "venue": "binance", "also": "drop"}),
    ("429, with drops", {"kind": "rate_limit", "also": "drop"}),
    ("HTML, with drops", {"kind": "html", "probability": 0.5, "also": "drop"}),
    ("outage", {"kind": "outage"}),
)


async def play(stage: Stage, name: str, fault: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """One fault for some seconds, and what came of it."""
    counts, struck, told = stage.exchange.counts.copy(), stage.exchange.faults.struck.copy(), len(stage.gaps)
    published = sum(map(len, stage.topic.ids.values()))
    fault, also = dict(fault), fault.get("also")
    fault.pop("also", None)
    if fault:
        stage.exchange.faults.add(**fault, seconds=seconds)
    if also:
        stage.exchange.faults.add(kind=also, probability=0.2, seconds=seconds)
    await asyncio.sleep(seconds)
    reachable = time.time() if fault.get("kind") == "outage" else 0.0
    whole = await stage.until_whole(time.monotonic() + LATEST_S)
    await asyncio.sleep(2.5)
    gaps = stage.gaps[told:]
    return {
        "fault": name,
        "struck": sum((stage.exchange.faults.struck - struck).values()),
        "trades": sum(map(len, stage.topic.ids.values())) - published,
        "wrong ids": stage.wrong(),
        "gaps": sum(gap.state is GapState.OPEN for gap in gaps),
        "found within s": f"{max((stage.found_after(gap, reachable=reachable) for gap in gaps), default=0):.1f}",
        "repaired": sum(gap.state is GapState.REPAIRED for gap in gaps),
        "lost": sum(gap.state is GapState.UNRECOVERABLE for gap in gaps),
        "while banned": stage.exchange.counts["requests_while_banned"] - counts["requests_while_banned"],
        "REST": sum(value - counts[key] for key, value in stage.exchange.counts.items() if key.endswith("_requests")),
        "whole after s": "-" if whole is None else f"{whole:.1f}",
    }


async def measure(*, seconds: float, rate: float, aggregates: bool) -> list[dict[str, Any]]:
    """All scenarios on one stage, one after another."""
    stage = Stage(MARKETS, rate=rate, aggregates=aggregates)
    await stage.open()
    try:
        return [await play(stage, name, fault, seconds=seconds) for name, fault in SCENARIOS]
    finally:
        await stage.close()


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(prog="./run bench continuity")
    parser.add_argument("--seconds", type=float, default=10, help="length of each fault")
    parser.add_argument("--rate", type=float, default=20, help="multiplier of the simulated trade rate")
    parser.add_argument("--aggregates", action="store_true", help="Binance's aggregates in the place of its trades")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    rows = asyncio.run(measure(seconds=options.seconds, rate=options.rate, aggregates=options.aggregates))
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    if any(row["wrong ids"] or row["whole after s"] == "-" for row in rows):
        raise SystemExit("some ids are missing, doubled or out of order")


if __name__ == "__main__":
    main()
