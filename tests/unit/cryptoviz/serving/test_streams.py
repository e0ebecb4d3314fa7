"""Streams with a real server and real clients: server-sent events and sockets."""

import asyncio
import json
import time
from contextlib import contextmanager

import httpx
import pytest
from websockets.asyncio.client import connect

from cryptoviz.serving.app import create_app
from cryptoviz.serving.events import Channel
from cryptoviz.serving.parts import Parts


@pytest.fixture
def address(parts, served):
    with served(parts) as address:
        yield address


@contextmanager
def events(address, headers=None, **query):
    """Yields an iterator of (id, name, data)."""
    params = {"symbol": "BTC-USDT", "interval": "1m", **query}
    with httpx.stream("GET", f"{address}/api/v1/stream", params=params, headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        yield parsed(answer.iter_lines())


def parsed(lines):
    """Events of a stream, which never ends by itself: an event that does not come fails the test."""
    fields, deadline = {}, time.monotonic() + 30
    for line in lines:
        assert time.monotonic() < deadline, "what the test waits for has not come"
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif fields.get("event"):
            yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
            fields = {}


def until(found, *names):
    return next(one for one in found if one[1] in names)


def first_of_each(found, *names):
    """The first event of each name, in whatever order they come."""
    seen = {}
    for _, name, data in found:
        seen.setdefault(name, data)
        if seen.keys() >= set(names):
            return [seen[name] for name in names]
    raise AssertionError(f"the stream ended after {sorted(seen)}")


def feed(parts, *trades):
    """Trades as the consumer hands them over: on the loop of the server, which is the hub's."""
    parts.live.accept(trades)


def test_a_trade_comes_as_trade_and_as_candle(address, parts, trade):
    with events(address) as found:
        until(found, "status")
        feed(parts, trade(1, "100"), trade(2, "101.5"))
        candle, first = first_of_each(found, "candle", "trade")
    assert (candle["close"], candle["status"], candle["source"]) == ("101.5", "open", "live")
    assert (first["price"], first["side"]) == ("100", "buy")


def test_who_comes_back_gets_the_trades_that_were_missed(address, parts, trade):
    with events(address) as found:
        until(found, "status")
        feed(parts, trade(1, "100"))
        last, _, _ = until(found, "trade")
        feed(parts, trade(2, "200"))
        until(found, "trade")
    with events(address, headers={"Last-Event-ID": last}) as found:
        assert until(found, "trade", "reset")[2]["price"] == "200"


def test_who_comes_back_to_another_process_is_told_to_begin_anew(address):
    with events(address, headers={"Last-Event-ID": "ffffffff-7"}) as found:
        assert until(found, "reset", "status")[1] == "reset"


def test_the_stream_of_an_unknown_market_is_refused(address):
    answer = httpx.get(f"{address}/api/v1/stream", params={"symbol": "NOPE"})
    assert (answer.status_code, answer.json()["code"]) == (400, -1121)


def asked(address, path, talk):
    async def run():
        async with connect(address.replace("http", "ws") + path) as socket:
            return await asyncio.wait_for(talk(socket), 20)

    return asyncio.run(run())


def test_a_socket_speaks_binances_klines(address, parts, trade, now):
    async def talk(socket):
        await asyncio.sleep(0.1)
        feed(parts, trade(7, "100"), trade(8, "99.5"))
        return json.loads(await socket.recv())

    said = asked(address, "/ws/btcusdt@kline_1m", talk)
    kline = said["k"]
    assert (said["e"], said["s"], kline["i"], kline["x"]) == ("kline", "BTCUSDT", "1m", False)
    assert (kline["o"], kline["c"], kline["f"], kline["L"], kline["n"]) == ("100.00000000", "99.50000000", 7, 8, 2)
    assert kline["t"] == int(now.replace(second=0).timestamp() * 1000)


def test_a_combined_socket_names_the_stream(address, parts, trade, quote):
    async def talk(socket):
        await asyncio.sleep(0.1)
        parts.live.accept([trade(7, "100")], [quote("99", "101")])
        return [json.loads(await socket.recv()) for _ in range(2)]

    found = {
        one["stream"]: one["data"] for one in asked(address, "/stream?streams=btcusdt@trade/btcusdt@bookTicker", talk)
    }
    assert found["btcusdt@trade"]["t"] == 7
    assert found["btcusdt@bookTicker"]["b"] == "99.00000000"


def test_streams_are_chosen_by_command(address):
    async def talk(socket):
        answers = []
        for command in (
            {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1},
            {"method": "LIST_SUBSCRIPTIONS", "id": 2},
            {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3},
            {"method": "SUBSCRIBE", "params": ["nope@trade"], "id": 4},
            {"method": "DANCE", "id": 5},
            [],
        ):
            await socket.send(json.dumps(command))
            answers.append(json.loads(await socket.recv()))
        return answers

    first, listed, removed, unknown, strange, wrong = asked(address, "/ws", talk)
    assert (first, removed) == ({"result": None, "id": 1}, {"result": None, "id": 3})
    assert listed["result"] == ["btcusdt@trade"]
    assert [one["error"]["code"] for one in (unknown, strange, wrong)] == [2, 2, 3]


def test_nobody_is_left_after_clients_have_gone(address, parts):
    with events(address) as found:
        until(found, "status")
        assert Channel("status") in parts.hub.channels()
    for _ in range(200):
        if not parts.hub.subscribers:
            return
        httpx.get(f"{address}/healthz")
    pytest.fail("a subscriber stayed")


def test_an_application_is_described_without_being_started(settings, live):
    assert create_app(Parts(settings=settings, live=live)).openapi()["info"]["title"] == "cryptoviz"
