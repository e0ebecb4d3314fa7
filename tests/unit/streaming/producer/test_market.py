"""A market between a venue that is scripted and a topic that is a list."""

import asyncio
import contextlib
import random

import msgspec
import pytest

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.feeds.gaps import decode_gap
from streaming.feeds.record import NO_ID, Record
from streaming.producer import market as module
from streaming.producer.market import Market
from streaming.producer.tail import Position

BTC = Instrument(Venue.BINANCE, "BTC-USDT")


def trade(number, source="ws"):
    return Record(
        instrument=BTC, first_id=number, last_id=number, time_us=number, value=b"", schema="", source=source,
        connection="", received_ns=0,
    )  # fmt: skip


class Rest:
    """Trades by id; ``answers`` are said first, an exception is raised."""

    def __init__(self, *ids, page=3, answers=()):
        self.ids, self.page, self.answers, self.asked = list(ids), page, list(answers), []

    async def first_id_at(self, _instrument, _time_ms):
        return self.ids[0] if self.ids else None

    async def fetch(self, _instrument, first_id, _after_us, *, source):
        self.asked.append(first_id)
        await asyncio.sleep(0)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return [trade(number, source) for number in self.ids if number >= first_id][: self.page]


class Topic(list):
    async def publish(self, _topic, records):
        self.extend(records)

    @property
    def ids(self):
        return [record.first_id for record in self]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "_GRACE_S", 0.05)
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(module, "_LAST_PAGE", 3)


def play(rest, scenario, *, position=None):
    """Run a market while a scenario plays; gives the topic and the gaps said."""

    async def run():
        topic = Topic()
        market = Market(BTC, rest, topic, "trades")
        task = asyncio.create_task(market.run(position, backfill_from_ms=0))
        try:
            async with asyncio.timeout(20):
                await scenario(market, topic)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return topic, [decode_gap(record.value) for record in market.gaps.take()]

    return asyncio.run(run())


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is awaited has no event
        await asyncio.sleep(0.002)


def told(gaps):
    return [(gap.first_id, gap.last_id, str(gap.state), str(gap.cause)) for gap in gaps]


def test_a_first_start_backfills_and_opens_no_gap():
    async def scenario(market, topic):
        await until(lambda: len(topic) == 7)
        market.connected()
        market.offer(trade(8))
        await until(lambda: len(topic) == 8)

    topic, gaps = play(Rest(*range(1, 8)), scenario)
    assert topic.ids == list(range(1, 9))
    assert {record.source for record in topic[:7]} == {"backfill"}
    assert gaps == []


def test_ids_that_are_only_out_of_order_are_neither_fetched_nor_a_gap():
    rest = Rest(1)

    async def scenario(market, topic):
        await until(lambda: market.state.phase == "live")
        asked = len(rest.asked)
        for number in (4, 3, 2):
            market.offer(trade(number))
        await until(lambda: len(topic) == 4)
        assert len(rest.asked) == asked

    topic, gaps = play(rest, scenario)
    assert topic.ids == [1, 2, 3, 4]
    assert gaps == []


def test_a_hole_is_opened_fetched_and_closed():
    rest = Rest(*range(1, 12), page=100)
    rest.ids = [1]

    async def scenario(market, topic):
        await until(lambda: market.state.phase == "live")
        rest.ids = list(range(1, 12))
        market.offer(trade(5))
        market.offer(trade(9))
        await until(lambda: len(topic) >= 11)
        await until(lambda: market.state.phase == "live")

    topic, gaps = play(rest, scenario)
    assert topic.ids == list(range(1, 12))
    assert told(gaps) == [
        (2, 4, "open", "hole"), (6, 8, "open", "hole"), (2, 4, "repaired", "hole"), (6, 8, "repaired", "hole"),
    ]  # fmt: skip


def test_ids_that_the_venue_does_not_have_are_given_up_with_evidence(monkeypatch):
    monkeypatch.setattr(module, "_TRIES_BEFORE_LOST", 2)

    async def scenario(market, topic):
        await until(lambda: market.state.phase == "live")
        market.offer(trade(6))
        await until(lambda: len(topic) == 3)

    topic, gaps = play(Rest(1, 2, 6), scenario)
    assert topic.ids == [1, 2, 6]
    assert told(gaps) == [(3, 5, "open", "hole"), (3, 5, "unrecoverable", "hole")]
    assert "asked for trades from id 3 2 times" in gaps[-1].evidence
    assert gaps[-1].evidence.endswith("the next is 6")


def test_what_was_traded_while_no_feed_ran_is_a_gap_of_the_restart():
    async def scenario(market, topic):
        await until(lambda: len(topic) == 4 and market.state.phase == "live")

    topic, gaps = play(Rest(*range(1, 10)), scenario, position=Position(5, 5))
    assert topic.ids == [6, 7, 8, 9]
    assert {record.source for record in topic} == {"repair"}
    assert told(gaps) == [(6, 8, "open", "restart"), (6, 9, "repaired", "restart")]


def test_what_was_traded_while_the_connection_was_lost_is_a_gap_of_the_reconnect():
    rest = Rest(1, 2, 3)

    async def scenario(market, topic):
        market.connected()
        await until(lambda: market.state.phase == "live" and len(topic) == 3)
        rest.ids += [4, 5]
        market.connected()
        await until(lambda: len(topic) == 5)

    topic, gaps = play(rest, scenario)
    assert topic.ids == [1, 2, 3, 4, 5]
    assert told(gaps) == [(4, 5, "open", "reconnect"), (4, 5, "repaired", "reconnect")]


def test_an_answer_that_is_no_page_of_trades_is_asked_for_again():
    rest = Rest(1, 2, answers=[msgspec.ValidationError("Expected `array`, got `object`"), ConnectionError("bug")])

    async def scenario(market, topic):
        await until(lambda: rest.answers == [])

    with pytest.raises(ConnectionError, match="bug"):
        play(rest, scenario)


def test_while_kafka_takes_nothing_little_is_held_and_the_rest_is_fetched_afterwards(monkeypatch):
    monkeypatch.setattr(module, "_MAX_READY", 5)
    rest, room = Rest(1, page=100), asyncio.Event()

    class Full(Topic):
        async def publish(self, _topic, records):
            await room.wait()
            assert sum(record.source == "ws" for record in records) <= 5
            self.extend(records)

    async def run():
        topic = Full()
        room.set()
        market = Market(BTC, rest, topic, "trades")
        task = asyncio.create_task(market.run(None, backfill_from_ms=0))
        try:
            async with asyncio.timeout(20):
                await until(lambda: market.state.phase == "live")
                room.clear()
                rest.ids = list(range(1, 60))
                for number in range(2, 60):
                    market.offer(trade(number))
                    await asyncio.sleep(0)
                room.set()
                await until(lambda: len(topic) == 59)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return topic

    topic = asyncio.run(run())
    assert topic.ids == list(range(1, 60))
    assert sum(record.source == "ws" for record in topic) < 20


def test_what_is_no_trade_is_published_as_it_came_and_moves_nothing():
    async def scenario(market, topic):
        await until(lambda: market.state.phase == "live")
        market.offer(trade(NO_ID))
        market.offer(trade(2))
        await until(lambda: len(topic) == 3)
        assert market.state.last_id == 2

    topic, gaps = play(Rest(1), scenario)
    assert topic.ids == [1, NO_ID, 2]
    assert gaps == []


def test_a_market_so_busy_that_no_page_is_short_is_live_once_it_has_met_its_socket():
    class Busy(Rest):
        async def fetch(self, instrument, first_id, after_us, *, source):
            traded = range(len(self.ids) + 1, len(self.ids) + 21)
            self.ids += traded
            for number in traded:
                self.offer(trade(number))
            return await super().fetch(instrument, first_id, after_us, source=source)

    rest = Busy(*range(1, 100), page=30)

    async def scenario(market, topic):
        rest.offer = market.offer
        market.connected()
        await until(lambda: market.state.phase == "live")
        assert len(topic) == len(rest.ids)

    topic, _ = play(rest, scenario)
    assert topic.ids == rest.ids


def test_any_order_of_live_repair_and_reconnects_publishes_each_id_once():
    dice = random.Random(11)
    rest = Rest(1, page=50)

    async def scenario(market, topic):
        await until(lambda: market.state.phase == "live")
        for start in range(2, 400, 8):
            batch = list(range(start, start + 8))
            rest.ids += batch
            heard = [number for number in batch if dice.random() > 0.2] + dice.choices(batch, k=2)
            dice.shuffle(heard)
            for number in heard:
                market.offer(trade(number))
            if dice.random() < 0.1:
                market.connected()
            await asyncio.sleep(0)
        market.connected()
        await until(lambda: market.state.last_id == rest.ids[-1])

    topic, gaps = play(rest, scenario)
    assert topic.ids == rest.ids
    last = {gap.first_id: gap.state for gap in gaps}
    assert set(map(str, last.values())) <= {"repaired"}
