"""Orders of history between a venue that is scripted, a topic that is a list, and the HTTP of the producer."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime

import httpx
import pytest

from cryptoviz.inspect.history import BeforeLakeStart, OrderRefused, follow, order
from cryptoviz.inspect.reach import Unreachable
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.settings import Ports, Settings
from streaming.feeds.record import Record
from streaming.feeds.rest import RequestRefused, VenueUnreachable
from streaming.health import HealthServer
from streaming.producer import history as module
from streaming.producer.history import BadOrder, History, Order
from streaming.producer.orders import history_routes

BTC = Instrument(Venue.BINANCE, "BTC-USDT")
HOUR = 3_600_000
START = 1_795_160_000_000 // HOUR * HOUR
TRADES = Order(kind="trades", market="binance:BTC-USDT", from_ms=START, to_ms=START + 3 * HOUR)


def record(number, at_ms, source):
    return Record(
        instrument=BTC, first_id=number, last_id=number, time_us=at_ms * 1000, value=b"", schema="", source=source,
        connection="rest", received_ns=0,
    )  # fmt: skip


class Feed:
    """A trade every ten minutes from the second hour on, its id the minute; klines of every hour."""

    def __init__(self, *errors):
        self.errors, self.asked = list(errors), []
        self.times = {n: START + n * 60_000 for n in range(60, 400, 10)}

    async def first_id_at(self, _, time_ms):
        self.asked.append(time_ms)
        return next((n for n, at in self.times.items() if time_ms <= at < time_ms + HOUR), None)

    async def fetch(self, _, first_id, _after, *, source):
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        return [record(n, at, source) for n, at in self.times.items() if n >= first_id][:4]

    async def klines_between(self, _, from_ms, to_ms):
        return [record(at // HOUR, at, "history") for at in range(from_ms, to_ms, HOUR)][:2]


class Topic(list):
    async def publish(self, topic, records):
        self.extend((topic, record.first_id, record.source) for record in records)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.01)


def fill(folder, feed, *orders, until=("done", "failed")):
    async def run():
        topic = Topic()
        history = History(folder, {Venue.BINANCE: feed}, topic, {"trades": "trades", "klines": "klines"})
        for wanted in orders:
            history.give(wanted)
        task = asyncio.create_task(history.run())
        async with asyncio.timeout(10):
            while not all(p.state in until for p in history.orders()):  # noqa: ASYNC110 - progress has no event
                await asyncio.sleep(0.005)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return topic, history.orders()

    return asyncio.run(run())


def test_trades_of_the_range_and_no_others_are_published_as_history(tmp_path):
    topic, (progress,) = fill(tmp_path, Feed(), TRADES)
    assert topic == [("trades", n, "history") for n in range(60, 180, 10)]
    assert (progress.state, progress.published, progress.at_ms) == ("done", 12, START + 170 * 60_000)
    assert list(tmp_path.iterdir()) == []


def test_klines_come_page_by_page(tmp_path):
    wanted = Order(kind="klines", market="binance:BTC-USDT", from_ms=START, to_ms=START + 5 * HOUR)
    topic, _ = fill(tmp_path, Feed(), wanted)
    assert topic == [("klines", START // HOUR + n, "history") for n in range(5)]


def test_a_venue_that_does_not_answer_is_asked_again(tmp_path):
    topic, (progress,) = fill(tmp_path, Feed(VenueUnreachable("down"), VenueUnreachable("down")), TRADES)
    assert (len(topic), progress.state, progress.error) == (12, "done", "")


def test_an_order_that_is_cut_short_goes_on_where_it_was(tmp_path):
    fill(tmp_path, Feed(RequestRefused("no such symbol")), TRADES)
    (file,) = tmp_path.iterdir()
    saved = json.loads(file.read_bytes())
    assert (saved["state"], saved["error"]) == ("failed", "no such symbol")
    file.write_text(json.dumps({**saved, "state": "running", "next_id": 100, "published": 4}))
    topic, (progress,) = fill(tmp_path, Feed())
    assert [number for _, number, _ in topic] == list(range(100, 180, 10))
    assert progress.published == 12


def test_orders_that_cannot_be_filled_are_refused(tmp_path):
    async def run():
        history = History(tmp_path, {Venue.BINANCE: Feed()}, Topic(), {})
        for market, begin, end in [("nowhere:X-Y", 0, 1), ("kraken:BTC-USD", 0, 1), ("binance:BTC-USDT", 1, 1)]:
            with pytest.raises(BadOrder):
                history.give(Order(kind="trades", market=market, from_ms=begin, to_ms=end))

    asyncio.run(run())


@pytest.fixture
def producer(tmp_path):
    """Gives a coroutine function that runs a blocking client against the HTTP of a producer."""

    async def ask(client):
        history = History(tmp_path / "h", {Venue.BINANCE: Feed()}, Topic(), {"trades": "t", "klines": "k"})
        server = HealthServer(port=0, health=lambda: (True, {}), routes=history_routes(history))
        task = asyncio.create_task(history.run())
        settings = Settings(home=tmp_path, start=datetime(2026, 1, 1, tzinfo=UTC), ports=Ports(producer=server.port))
        try:
            return await asyncio.to_thread(client, settings)
        finally:
            task.cancel()
            server.close()

    return ask


def instant(ms):
    return datetime.fromtimestamp(ms / 1000, UTC)


def test_an_order_given_over_http_is_followed_to_its_end(producer):
    reported = []

    def client(settings):
        given = order(settings, kind="trades", market="binance:BTC-USDT", first=instant(START),
                      last=instant(START + 3 * HOUR))  # fmt: skip
        return follow(settings, given, report=lambda *said: reported.append(said))

    assert asyncio.run(producer(client))["published"] == 12
    assert reported[-1] == ("minutes of trades", 180, 180)


def test_a_bad_order_is_explained(producer):
    def client(settings):
        with pytest.raises(OrderRefused, match="kraken has no history to ask for; there are binance"):
            order(settings, kind="klines", market="kraken:BTC-USD", first=instant(0), last=instant(HOUR))
        with pytest.raises(BeforeLakeStart, match="CRYPTOVIZ_START"):
            order(settings, kind="trades", market="binance:BTC-USDT", first=instant(0), last=instant(HOUR))
        base = f"http://127.0.0.1:{settings.ports.producer}"
        assert httpx.post(f"{base}/history", content=b"{").status_code == 400
        assert httpx.post(f"{base}/healthz").status_code == 404

    asyncio.run(producer(client))


def test_without_a_producer_nothing_is_promised(tmp_path):
    settings = Settings(home=tmp_path, ports=Ports(producer=1), start=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(Unreachable, match="no producer answers on port 1"):
        order(settings, kind="klines", market="binance:BTC-USDT", first=instant(0), last=instant(HOUR))
