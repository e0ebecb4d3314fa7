"""Coinbase in the shapes that it documents; its REST is a real server that pages as the venue does."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from aiohttp import web

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES
from streaming.feeds.coinbase import Coinbase
from streaming.feeds.messages import parse_all
from streaming.feeds.parsed import Refusal

BTC = Instrument(Venue.COINBASE, "BTC-USD")
FIRST, LAST, EPOCH = 1000, 9500, 1_795_000_000
MATCH = (
    b'{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66","taker_order_id":"132fb6ae",'
    b'"time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5.23512","price":"400.23","side":"sell"}'
)
TICKER = (
    b'{"type":"ticker","sequence":37475248783,"product_id":"BTC-USD","price":"1285.22","open_24h":"1310.79",'
    b'"best_bid":"1285.04","best_bid_size":"0.46688654","best_ask":"1285.27","best_ask_size":"1.56637040",'
    b'"side":"buy","time":"2022-10-19T23:28:22.061769Z","trade_id":370843401,"last_size":"11.4396987"}'
)


def time_of(number):
    """Seven seconds a trade, and a pause of an hour after id 5000."""
    return EPOCH + number * 7 + (3600 if number > 5000 else 0)


async def trades(request):
    below = int(request.query.get("after", LAST + 1))
    newest = min(below - 1, LAST)
    rows = [
        {
            "trade_id": n, "price": "1.5", "size": "2", "side": "buy",
            "time": datetime.fromtimestamp(time_of(n), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        for n in range(newest, max(FIRST, newest - int(request.query["limit"]) + 1) - 1, -1)
    ]  # fmt: skip
    return web.json_response(rows)


def ask(question):
    async def run():
        app = web.Application()
        app.router.add_get("/products/BTC-USD/trades", trades)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        feed = Coinbase(rest_url=f"http://127.0.0.1:{port}", socket_url="ws://127.0.0.1:1")
        feed.rest.budget._window.limit = 10_000
        try:
            return await question(feed)
        finally:
            await feed.close()
            await runner.cleanup()

    return asyncio.run(run())


def parse(frame):
    return Coinbase(rest_url="http://x", socket_url="ws://x").parse_frame(frame, connection="c", received_ns=1)


def test_a_match_against_a_sell_order_was_bought():
    (record,) = parse(MATCH)
    assert (record.instrument, record.topic, record.first_id, record.value) == (BTC, TRADES, 10, MATCH)
    assert record.time_us == 1_415_348_367_028_459
    (trade,) = parse_all(record.schema, [MATCH])
    assert (trade.price, trade.quantity, trade.is_buyer_aggressor) == ("400.23", "5.23512", True)


def test_a_ticker_is_the_best_bid_and_ask():
    (record,) = parse(TICKER)
    assert (record.topic, record.last_id) == (BOOK_TICKERS, 37475248783)
    (quote,) = parse_all(record.schema, [TICKER])
    assert (quote.bid_price, quote.bid_quantity, quote.ask_price, quote.ask_quantity) == (
        "1285.04", "0.46688654", "1285.27", "1.56637040",
    )  # fmt: skip


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"subscriptions","channels":[]}',
        b'{"type":"error","message":"Failed to subscribe"}',
        b'{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28Z"}',
        MATCH.replace(b'"match"', b'"last_match"'),
    ],
)
def test_other_frames_are_no_records(frame):
    assert parse(frame) == []


@pytest.mark.parametrize(("old", "new"), [(b'"sell"', b'"both"'), (b"2014-11-07T", b"2014-13-07T"), (b"10,", b'"10",')])
def test_a_match_that_cannot_be_is_refused(old, new):
    (said,) = parse_all("coinbase.ws.match", [MATCH.replace(old, new, 1)])
    assert isinstance(said, Refusal)


def test_products_and_the_heartbeat_are_subscribed_to():
    feed = Coinbase(rest_url="http://x", socket_url="ws://x")
    assert json.loads(feed.subscribe_frames(TRADES, [BTC])[0]) == {
        "type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["matches", "heartbeat"],
    }  # fmt: skip


@pytest.mark.parametrize("wanted", [FIRST, FIRST + 1, 4999, 5000, 5001, LAST - 1, LAST])
def test_the_first_trade_at_an_instant_is_found_by_its_id(wanted):
    assert ask(lambda feed: feed.first_id_at(BTC, time_of(wanted) * 1000)) == wanted
    assert ask(lambda feed: feed.first_id_at(BTC, time_of(wanted) * 1000 - 1)) == wanted


def test_before_the_first_trade_is_the_first_and_after_the_last_is_none():
    assert ask(lambda feed: feed.first_id_at(BTC, 0)) == FIRST
    assert ask(lambda feed: feed.first_id_at(BTC, time_of(LAST) * 1000 + 1)) is None


@pytest.mark.parametrize(
    ("first", "ids"),
    [(2000, range(2000, 3000)), (LAST - 3, range(LAST - 3, LAST + 1)), (LAST + 1, range(0))],
)
def test_a_page_begins_at_the_id_asked_for_and_goes_forward(first, ids):
    records = ask(lambda feed: feed.fetch(BTC, first, 0, source="repair"))
    assert [record.first_id for record in records] == list(ids)
    assert {record.schema for record in records} <= {"coinbase.rest.trade"}
