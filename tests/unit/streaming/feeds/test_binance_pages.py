"""Against a real HTTP server that answers as Binance: trades by id, aggregates by time or their own id."""

import asyncio
import json

import pytest
from aiohttp import web

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import TRADES
from cryptoviz.settings import Settings
from streaming.feeds import binance_pages
from streaming.feeds.binance import Binance
from streaming.feeds.messages import parse_all
from streaming.feeds.record import NO_ID
from streaming.feeds.venues import build_feeds

BTC = Instrument(Venue.BINANCE, "BTC-USDT")
SIZES = (1, 3, 1, 1, 5, 1, 2, 1, 4)
"""Trades of each aggregate; aggregate ``a`` happens at millisecond 1000 + a // 3, so that three share one."""


def aggregates():
    found, first = [], 1
    for number, size in enumerate(SIZES):
        found.append({"a": number, "p": "1", "q": str(size), "f": first, "l": first + size - 1, "T": 1000 + number // 3,
                      "m": True, "M": True})  # fmt: skip
        first += size
    return found


class Provider:
    def __init__(self):
        self.aggregates, self.asked = aggregates(), []

    def by_aggregate(self, request):
        query = dict(request.query)
        self.asked.append(("aggTrades", query))
        found = [
            a for a in self.aggregates
            if a["a"] >= int(query.get("fromId", 0)) and a["T"] >= int(query.get("startTime", 0))
        ]  # fmt: skip
        return web.json_response(found[: int(query["limit"])])

    def by_trade(self, request):
        query = dict(request.query)
        self.asked.append(("historicalTrades", query))
        first, count = int(query["fromId"]), int(query["limit"])
        return web.json_response([
            {"id": n, "price": "1", "qty": "1", "time": a["T"], "isBuyerMaker": True, "isBestMatch": True}
            for a in self.aggregates for n in range(a["f"], a["l"] + 1) if first <= n < first + count
        ])  # fmt: skip


def fetch(first_id, after_us, *, change=None, is_aggregated=True):
    async def run():
        venue, app = Provider(), web.Application()
        if change:
            change(venue)

        async def by_aggregate(request):
            return venue.by_aggregate(request)

        async def by_trade(request):
            return venue.by_trade(request)

        app.add_routes([web.get("/api/v3/aggTrades", by_aggregate), web.get("/api/v3/historicalTrades", by_trade)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        feed = Binance(
            rest_url=f"http://127.0.0.1:{runner.addresses[0][1]}", socket_url="", instruments=[BTC],
            aggregates=is_aggregated,
        )  # fmt: skip
        try:
            return await feed.fetch(BTC, first_id, after_us, source="repair"), venue.asked
        finally:
            await feed.close()
            await runner.cleanup()

    return asyncio.run(run())


def spans(records):
    return [(record.first_id, record.last_id) for record in records]


def test_aggregates_follow_on_the_trade_that_is_known():
    records, asked = fetch(5, 1_000_000)
    assert spans(records) == [(5, 5), (6, 6), (7, 11), (12, 12), (13, 14), (15, 15), (16, 19)]
    assert {record.schema for record in records} == {"binance.rest.aggTrade"}
    assert asked == [("aggTrades", {"symbol": "BTCUSDT", "limit": "1000", "startTime": "1000"})]


def test_from_within_an_aggregate_its_rest_comes_trade_by_trade():
    records, _ = fetch(9, 1_001_000)
    assert spans(records) == [(9, 9), (10, 10), (11, 11), (12, 12), (13, 14), (15, 15), (16, 19)]
    assert [record.schema for record in records[:4]] == ["binance.rest.trade"] * 3 + ["binance.rest.aggTrade"]


def test_a_page_that_ends_before_the_id_is_followed_by_the_next(monkeypatch):
    monkeypatch.setattr(binance_pages, "_PAGE", 2)
    records, asked = fetch(7, 1_000_000)
    assert spans(records) == [(7, 11), (12, 12)]
    assert [query.get("fromId") for _, query in asked] == [None, "2", "4"]


def test_an_aggregate_that_the_venue_has_withdrawn_is_no_trade():
    def withdraw(venue):
        venue.aggregates.insert(3, {**venue.aggregates[2], "a": 99, "p": "0", "q": "0", "f": -1, "l": -1})

    records, _ = fetch(5, 1_000_000, change=withdraw)
    assert spans(records)[:2] == [(5, 5), (6, 6)]
    assert json.loads(records[0].value)["p"] == "1"


def test_a_withdrawn_aggregate_of_the_socket_has_no_ids_and_ends_in_quarantine():
    feed = Binance(rest_url="http://nowhere", socket_url="", instruments=[BTC], aggregates=True)
    value = b'{"e":"aggTrade","s":"BTCUSDT","a":9,"p":"0","q":"0","f":-1,"l":-1,"T":1000,"m":true}'
    frame = b'{"stream":"btcusdt@aggTrade","data":%s}' % value
    (record,) = feed.parse_frame(frame, connection="c", received_ns=1)
    assert (record.first_id, record.last_id, record.value) == (NO_ID, NO_ID, value)
    (said,) = parse_all(record.schema, [record.value])
    assert said.reason == "tombstone"


@pytest.mark.parametrize(("after_us", "is_aggregated"), [(1_000_000, False), (0, True)])
def test_trades_come_one_by_one_unless_aggregates_are_wanted_and_a_time_is_known(after_us, is_aggregated):
    records, asked = fetch(7, after_us, is_aggregated=is_aggregated)
    assert spans(records)[:2] == [(7, 7), (8, 8)]
    assert [name for name, _ in asked] == ["historicalTrades"]


@pytest.mark.parametrize(("setting", "stream"), [("trades", "btcusdt@trade"), ("aggregates", "btcusdt@aggTrade")])
def test_the_setting_chooses_the_stream(setting, stream):
    feed = build_feeds(Settings(instruments=(BTC,), binance_trades=setting))[Venue.BINANCE]
    (frame,) = feed.subscribe_frames(TRADES, [BTC])
    assert json.loads(frame)["params"] == [stream]
