"""Kafka to the live markets: reads the topics from twenty minutes ago on, parses, hands over, commits nothing."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, parse_instrument
from cryptoviz.lake.topics import TOPICS, Headers, Source
from cryptoviz.serving.minute import LiveQuote, LiveTrade
from cryptoviz.settings import Settings
from streaming.feeds.messages import PARSERS
from streaming.feeds.parsed import BookTicker, Trade, parse

_log = structlog.get_logger()
_LOOK_BACK = timedelta(minutes=20)
_TIMEOUT_S = 10.0
_BATCH = 2000
_HEARD = {"trades", "book_tickers"}
_PLAUSIBLE = 40
_FIRST_IN_MICROSECONDS = 10**14
"""Venues say milliseconds or microseconds; the magnitude tells which, as for the lake."""

Hand = Callable[[list[LiveTrade], list[LiveQuote]], Any]


@dataclass(slots=True)
class ConsumerState:
    """How the consumer is doing; read from other threads."""

    connected: bool = False
    reason: str = "not started"
    records: int = 0
    refused: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC) - _LOOK_BACK)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "connected": self.connected, "reason": self.reason, "records": self.records, "refused": self.refused,
            "since": self.since.isoformat(timespec="seconds"),
        }  # fmt: skip


class LiveConsumer:
    """Reads on a thread of its own and hands over on the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.bootstrap
        self._names = [settings.topic_name(topic) for topic in TOPICS if topic.name in _HEARD]
        self.state = ConsumerState()
        self._stop = threading.Event()

    async def run(self, hand: Hand) -> None:
        """Hand over trades and quotes until cancelled; a broker that goes away is waited for."""
        loop = asyncio.get_running_loop()
        taken = threading.Semaphore(2)

        def pass_on(trades: list[LiveTrade], quotes: list[LiveQuote]) -> None:
            taken.acquire()
            loop.call_soon_threadsafe(_take, trades, quotes)

        def _take(trades: list[LiveTrade], quotes: list[LiveQuote]) -> None:
            taken.release()
            hand(trades, quotes)

        thread = threading.Thread(target=self._read_forever, args=(pass_on,), name="live", daemon=True)
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._stop.set()

    def _read_forever(self, pass_on: Hand) -> None:
        while not self._stop.is_set():
            try:
                self._read(pass_on)
            except (KafkaException, RuntimeError) as error:
                self.state.connected, self.state.reason = False, str(error)[:200]
                _log.warning("the live topics cannot be read", reason=self.state.reason)
                self._stop.wait(2.0)

    def _read(self, pass_on: Hand) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "cryptoviz-live",
                "enable.auto.commit": False,
                "log_level": 2,
                "error_cb": self._troubled,
            }
        )
        try:
            consumer.assign(self._positions(consumer))
            self.state.connected, self.state.reason = True, ""
            while not self._stop.is_set():
                messages = _next(consumer)
                if messages:
                    self.state.connected, self.state.reason = True, ""
                    trades, quotes = self._parsed(messages)
                    pass_on(trades, quotes)
        finally:
            consumer.close()

    def _troubled(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the client's name for it
            self.state.connected, self.state.reason = False, f"no broker answers at {self._bootstrap}"

    def _positions(self, consumer: Consumer) -> list[TopicPartition]:
        since_ms = int(self.state.since.timestamp() * 1000)
        known = consumer.list_topics(timeout=_TIMEOUT_S).topics
        asked = [TopicPartition(name, number, since_ms) for name in self._names if name in known
                 for number in known[name].partitions]  # fmt: skip
        if not asked:
            raise RuntimeError(f"the broker has no topic {' or '.join(self._names)}")
        found = consumer.offsets_for_times(asked, timeout=_TIMEOUT_S)
        return [TopicPartition(one.topic, one.partition, one.offset if one.offset >= 0 else OFFSET_END)
                for one in found]  # fmt: skip

    def _parsed(self, messages: Sequence[Message]) -> tuple[list[LiveTrade], list[LiveQuote]]:
        trades: list[LiveTrade] = []
        quotes: list[LiveQuote] = []
        for message in messages:
            said = live_message(message)
            if isinstance(said, LiveTrade):
                trades.append(said)
            elif isinstance(said, LiveQuote):
                quotes.append(said)
            else:
                self.state.refused += 1
        self.state.records += len(messages)
        return trades, quotes


def live_message(message: Message) -> LiveTrade | LiveQuote | None:
    """A record as trade or quote; None for one that is neither, cannot be read, or is a replay of the past."""
    headers = Headers.decode(list(message.headers() or ()))  # type: ignore[arg-type]
    parser, instrument = PARSERS.get(headers.schema), _instrument(message.key())
    if parser is None or instrument is None or headers.source == Source.REPLAY:
        return None
    said = parse(parser, message.value())
    try:
        if isinstance(said, Trade):
            return _trade(said, instrument)
        if isinstance(said, BookTicker):
            return _quote(said, instrument, headers.received_ns // 1000)
    except (InvalidOperation, ValueError):
        return None
    return None


def _trade(said: Trade, instrument: Instrument) -> LiveTrade:
    return LiveTrade(
        instrument=instrument,
        first_id=said.first_id,
        last_id=said.last_id,
        time_us=said.time * (1000 if said.time < _FIRST_IN_MICROSECONDS else 1),
        price=_amount(said.price),
        quantity=_amount(said.quantity),
        is_buyer_aggressor=said.is_buyer_aggressor,
    )


def _quote(said: BookTicker, instrument: Instrument, received_us: int) -> LiveQuote:
    return LiveQuote(
        instrument=instrument,
        time_us=said.time_us or received_us,
        bid=_amount(said.bid_price),
        bid_quantity=_amount(said.bid_quantity),
        ask=_amount(said.ask_price),
        ask_quantity=_amount(said.ask_quantity),
    )


def _amount(text: str) -> Decimal:
    """A price or quantity of the venue. Raises ValueError for what no market pays."""
    number = Decimal(text)
    if not number.is_finite() or number < 0 or abs(number.adjusted()) > _PLAUSIBLE:
        raise ValueError(f"{text[:40]!r} is no price or quantity")
    return number


def _instrument(key: str | bytes | None) -> Instrument | None:
    text = key.decode("utf-8", "replace") if isinstance(key, bytes) else key or ""
    try:
        return parse_instrument(text)
    except UnknownSymbol:
        return None


def _next(consumer: Consumer) -> list[Message]:
    """The next record and all that came with it. Waiting for one alone keeps the way to the page short."""
    first = consumer.poll(0.25)
    if first is None:
        return []
    return list(_without_errors([first, *consumer.consume(_BATCH, timeout=0)]))


def _without_errors(messages: Sequence[Message]) -> Iterator[Message]:
    for message in messages:
        error = message.error()
        if error is None:
            yield message
        elif not error.retriable():
            raise KafkaException(error)
