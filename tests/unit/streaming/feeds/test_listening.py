"""Against a real server on a socket: what it says, and when it closes, is scripted by each test."""

import asyncio
import contextlib
import json
from collections import Counter

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES
from streaming.feeds import connection
from streaming.feeds.binance import Binance
from streaming.feeds.coinbase import Coinbase
from streaming.feeds.kraken import Kraken
from streaming.feeds.listening import Listening, connect_window, longest_pause_s, split
from streaming.feeds.record import Record
from streaming.feeds.venue import SocketLimits
from streaming.feeds.windows import Window

MARKETS = [Instrument(Venue.BINANCE, f"A{n}-USDT") for n in range(5)]


class Feed:
    """A venue whose frames are bare ids."""

    name = "scripted"
    channels = (TRADES, BOOK_TICKERS)

    def __init__(self, port, *, silence_s=60.0):
        self.socket_url = f"ws://127.0.0.1:{port}"
        self.limits = SocketLimits(
            streams=2, names_a_frame=1, frames_a_second=100, connects=100, connects_seconds=60, silence_s=silence_s
        )

    def subscribe_frames(self, channel, instruments):
        return [json.dumps([channel.name, *(i.symbol for i in instruments)])]

    def parse_frame(self, frame, *, connection, received_ns):
        if not frame.isdigit():
            return []
        return [
            Record(
                instrument=MARKETS[0], first_id=int(frame), last_id=int(frame), time_us=0, value=frame, schema="",
                source="ws", connection=connection, received_ns=received_ns,
            )
        ]  # fmt: skip

    def is_farewell(self, frame):
        return frame == b"bye"


class Server:
    """Counts up the ids of one market and tells every open connection; ``script`` is what else it does."""

    def __init__(self, script=None):
        self.script, self.sockets, self.subscribed = script, [], []
        self.opened = self.next_id = self.most_open = 0

    async def __aenter__(self):
        self._server = await serve(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._clock = asyncio.create_task(self._tell())
        return self

    async def __aexit__(self, *_):
        self._clock.cancel()
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, socket):
        self.opened += 1
        number = self.opened
        self.sockets.append(socket)
        self.most_open = max(self.most_open, len(self.sockets))
        try:
            if self.script:
                await self.script(number, socket)
            async for message in socket:
                self.subscribed.append(json.loads(message))
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)

    async def _tell(self):
        while True:
            self.next_id += 1
            for socket in list(self.sockets):
                with contextlib.suppress(ConnectionClosed):
                    await socket.send(str(self.next_id).encode())
            await asyncio.sleep(0.01)


class Heard:
    def __init__(self):
        self.ids, self.breaks, self.more = [], 0, asyncio.Event()

    def sink(self, records):
        self.ids += [r.first_id for r in records]
        self.more.set()

    def broken(self):
        self.breaks += 1
        self.more.set()

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                self.more.clear()
                await self.more.wait()


async def listening(server, condition, *, channel=TRADES, silence_s=60.0, max_age_s=3600.0):
    """Listen until a condition over (server, heard) holds; gives what was heard."""
    heard, feed = Heard(), Feed(server.port, silence_s=silence_s)
    listener = Listening(
        feed, channel, MARKETS[:2], sink=heard.sink, on_break=heard.broken, connects=connect_window(feed),
        max_age_s=max_age_s, overlap_s=0.1,
    )  # fmt: skip
    task = asyncio.create_task(listener.run())
    try:
        await heard.until(lambda: task.done() or condition(heard))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return heard


def assert_no_hole(ids):
    unique = sorted(set(ids))
    assert unique == list(range(unique[0], unique[-1] + 1))


def test_a_connection_that_ages_is_replaced_before_it_is_closed_and_no_id_is_missed():
    async def run():
        async with Server() as server:
            heard = await listening(server, lambda _: server.opened >= 4, max_age_s=0.3)
            assert server.most_open == 2
            assert heard.breaks == 1
            assert_no_hole(heard.ids)
            assert max(Counter(heard.ids).values()) == 2

    asyncio.run(run())


def test_a_server_that_says_goodbye_is_left_before_it_closes():
    async def goodbye(number, socket):
        if number == 1:
            await asyncio.sleep(0.2)
            await socket.send(b"bye")

    async def run():
        async with Server(goodbye) as server:
            heard = await listening(server, lambda h: server.opened >= 2 and len(h.ids) > 80)
            assert (heard.breaks, server.opened) == (1, 2)
            assert_no_hole(heard.ids)

    asyncio.run(run())


def test_a_connection_that_the_venue_closes_is_opened_again_and_said_to_be_broken():
    async def cut(number, socket):
        if number == 1:
            await asyncio.sleep(0.2)
            await socket.close()

    async def run():
        async with Server(cut) as server:
            heard = await listening(server, lambda h: server.opened >= 2 and h.breaks >= 2)
            assert heard.breaks == 2

    asyncio.run(run())


def test_a_silent_connection_is_replaced_and_said_to_be_broken():
    async def hush(number, socket):
        if number == 1:
            server_of[0].sockets.remove(socket)

    server_of = []

    async def run():
        async with Server(hush) as server:
            server_of.append(server)
            heard = await listening(server, lambda h: h.breaks >= 2 and h.ids, silence_s=0.3)
            assert heard.breaks == 2

    asyncio.run(run())


def test_a_half_open_connection_is_found_by_a_ping_long_before_it_is_silent_for_too_long(monkeypatch):
    monkeypatch.setattr(connection, "_QUIET_S", 0.1)
    monkeypatch.setattr(connection, "_ANSWER_S", 0.1)

    async def fall_dumb(number, socket):
        if number == 1:
            server_of[0].sockets.remove(socket)
            socket.transport.pause_reading()

    server_of = []

    async def run():
        async with Server(fall_dumb) as server:
            server_of.append(server)
            heard = await listening(server, lambda h: h.breaks >= 2 and h.ids, silence_s=60.0)
            assert heard.breaks == 2

    asyncio.run(run())


def test_a_connection_that_did_not_hear_what_is_wanted_is_replaced(monkeypatch):
    monkeypatch.setattr(connection, "_QUIET_S", 0.1)
    monkeypatch.setattr(connection, "_ANSWER_S", 0.1)

    async def never_tell(number, socket):
        if number == 1:
            server_of[0].sockets.remove(socket)

    server_of = []

    async def run():
        async with Server(never_tell) as server:
            server_of.append(server)
            heard = await listening(server, lambda h: h.breaks >= 2 and h.ids, silence_s=60.0)
            assert heard.breaks == 2

    asyncio.run(run())


def test_a_quiet_connection_that_answers_is_kept(monkeypatch):
    monkeypatch.setattr(connection, "_QUIET_S", 0.02)
    monkeypatch.setattr(connection, "_ANSWER_S", 0.2)

    async def hush(_number, socket):
        server_of[0].sockets.remove(socket)
        await socket.send(b"subscribed")
        await asyncio.sleep(0.6)
        server_of[0].sockets.append(socket)

    server_of = []

    async def run():
        async with Server(hush) as server:
            server_of.append(server)
            heard = await listening(server, lambda h: h.ids, silence_s=60.0)
            assert (heard.breaks, server.opened) == (1, 1)

    asyncio.run(run())


def test_each_name_is_asked_for_in_frames_of_the_size_allowed():
    async def run():
        async with Server() as server:
            await listening(server, lambda _: len(server.subscribed) >= 2, channel=BOOK_TICKERS)
            assert server.subscribed == [["book_tickers", "A0-USDT"], ["book_tickers", "A1-USDT"]]

    asyncio.run(run())


def test_new_connections_wait_for_the_venues_limit():
    async def run():
        async with Server() as server:
            feed, heard = Feed(server.port), Heard()
            window = Window(limit=2, seconds=30)
            listener = Listening(
                feed, TRADES, MARKETS[:2], sink=heard.sink, on_break=heard.broken, connects=window, max_age_s=0.1,
                overlap_s=0.0,
            )  # fmt: skip
            task = asyncio.create_task(listener.run())
            await heard.until(lambda: len(heard.ids) > 100)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert server.opened == 2

    asyncio.run(run())


def test_tries_to_connect_in_a_long_outage_leave_half_of_the_venues_limit():
    feeds = {
        Binance: Binance(rest_url="http://nowhere", socket_url="", instruments=[]),
        Kraken: Kraken(rest_url="http://nowhere", socket_url=""),
        Coinbase: Coinbase(rest_url="http://nowhere", socket_url=""),
    }
    pauses = {kind: longest_pause_s(feed) for kind, feed in feeds.items()}
    assert pauses == {Binance: pytest.approx(9.6), Kraken: 40, Coinbase: 8}
    for kind, feed in feeds.items():
        tries = len(feed.channels) * feed.limits.connects_seconds / (pauses[kind] / 2)
        assert tries <= feed.limits.connects / 2


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_no_connection_carries_more_streams_than_allowed_and_none_is_left_out(count):
    parts = split(MARKETS[:count], 2)
    assert all(0 < len(part) <= 2 for part in parts)
    assert sorted(i for part in parts for i in part) == sorted(MARKETS[:count])
