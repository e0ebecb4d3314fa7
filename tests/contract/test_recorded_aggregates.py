"""Recorded aggregate trades as the feed hears them: holes repaired, ids chained, the candles those of the same trades.

The venue's socket and REST are played from the recording: aggregates by time and by their own id.
"""

import asyncio
import contextlib
import gzip
import os
import random
from bisect import bisect_left
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pytest
from aiohttp import web

from cryptoviz.arithmetic.trades import fold_trades
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.symbols import Instrument, Venue
from streaming.feeds.binance import Binance
from streaming.feeds.gaps import decode_gap
from streaming.producer import market as market_module
from streaming.producer.market import Market
from streaming.producer.tail import Position
from streaming.spark.judge_trades import judge_trades

RECORDINGS = Path(os.environ.get("CRYPTOVIZ_RECORDINGS", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="no recordings; name their folder in CRYPTOVIZ_RECORDINGS"
)
XRP = Instrument(Venue.BINANCE, "XRP-ETH")
NOW = datetime(2026, 11, 20, tzinfo=UTC)
KNOWN, TOLD = 500, 6000


class Aggregate(msgspec.Struct):
    a: int
    f: int
    l: int  # noqa: E741 - the venue's name
    T: int


class Entry(msgspec.Struct):
    info: msgspec.Raw


class Recorded:
    """The recording, and the venue's REST over what of it has been traded by now."""

    def __init__(self):
        body = gzip.decompress((RECORDINGS / "binance_xrpeth" / "aggtrades.json.gz").read_bytes())
        self.values = [bytes(entry.info) for entry in msgspec.json.decode(body, type=list[Entry])]
        self.said = [msgspec.json.decode(value, type=Aggregate) for value in self.values]
        self.traded = KNOWN

    async def answer(self, request):
        query, by_id, by_time = request.query, [s.a for s in self.said], [s.T for s in self.said]
        start = bisect_left(by_id, int(query["fromId"])) if "fromId" in query else bisect_left(
            by_time, int(query["startTime"]))  # fmt: skip
        page = self.values[start : min(start + int(query["limit"]), self.traded)]
        return web.Response(body=b"[" + b",".join(page) + b"]", content_type="application/json")


class Topic(list):
    async def publish(self, _topic, records):
        self.extend(records)


@contextlib.asynccontextmanager
async def listening(recorded):
    """A market that goes on after the known aggregates; gives it, its feed and its topic."""
    app = web.Application()
    app.router.add_get("/api/v3/aggTrades", recorded.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    feed = Binance(rest_url=url, socket_url="", instruments=[XRP], aggregates=True)
    topic = Topic()
    market = Market(XRP, feed, topic, "trades")
    last = recorded.said[KNOWN - 1]
    task = asyncio.create_task(market.run(Position(last.l, last.T * 1000), backfill_from_ms=0))
    try:
        yield market, feed, topic
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await feed.close()
        await runner.cleanup()


async def tell(recorded, market, feed, dice):
    """What is traded comes by the socket, but for what is lost, doubled and out of order."""
    for start in range(KNOWN, TOLD, 50):
        recorded.traded = min(start + 50, TOLD)
        heard = [value for value in recorded.values[start : recorded.traded] if dice.random() > 0.1]
        heard += dice.choices(heard, k=5)
        for value in sorted(heard, key=lambda value: recorded.values.index(value, start) + dice.uniform(0, 8)):
            (record,) = feed.parse_frame(
                b'{"stream":"xrpeth@aggTrade","data":%s}' % value, connection="c", received_ns=1
            )
            market.offer(record)
        if dice.random() < 0.1:
            market.connected()
        await asyncio.sleep(0.02)
    market.connected()


def judged(values, schemas):
    n = len(values)
    table = pa.table({
        "topic": ["trades"] * n, "partition": pa.array([0] * n, pa.int32()), "offset": pa.array(range(n), pa.int64()),
        "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")), "key": [XRP.key] * n, "schema": schemas,
        "source": ["ws"] * n, "received_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
        "connection": ["1"] * n, "value": pa.array(values, pa.binary()), "row_hash": pa.array(range(n), pa.int64()),
    })  # fmt: skip
    rows = judge_trades(table, first_hour=Hour(datetime(2019, 1, 1, tzinfo=UTC)))
    assert not rows.refusals
    return rows.rows.with_columns(minute=pl.col("event_time").dt.truncate("1m"))


def test_aggregates_are_chained_without_a_hole_and_fold_to_the_same_candles(monkeypatch):
    monkeypatch.setattr(market_module, "_GRACE_S", 0.01)
    recorded = Recorded()

    async def run():
        async with asyncio.timeout(60), listening(recorded) as (market, feed, topic):
            await tell(recorded, market, feed, random.Random(5))
            while market.state.last_id < recorded.said[TOLD - 1].l:  # noqa: ASYNC110 - a state has no event
                await asyncio.sleep(0.02)
            return topic, [decode_gap(record.value) for record in market.gaps.take()]

    topic, gaps = asyncio.run(run())
    assert [record.value for record in topic] == recorded.values[KNOWN:TOLD]
    assert any(gap.state == "repaired" and gap.cause == "hole" for gap in gaps)
    assert {record.source for record in topic} == {"ws", "repair"}
    ours = judged([record.value for record in topic], [record.schema for record in topic])
    plain = judged(recorded.values[KNOWN:TOLD], ["binance.rest.aggTrade"] * (TOLD - KNOWN))
    assert (ours["trade_id"] != ours["last_trade_id"]).any()
    assert fold_trades(ours, "minute").equals(fold_trades(plain, "minute"))
