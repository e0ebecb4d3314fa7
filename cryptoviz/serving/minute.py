"""A candle made from trades one by one, exact and in any order of arrival, and the sum of several of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal

from cryptoviz.lake.symbols import Instrument

_EXACT = Context(prec=80)


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveTrade:
    """One trade (or aggregate) as it passed through Kafka. Times in microseconds since 1970, of the venue."""

    instrument: Instrument
    first_id: int
    last_id: int
    time_us: int
    price: Decimal
    quantity: Decimal
    is_buyer_aggressor: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveQuote:
    """Best bid and ask of a market. Prices and quantities are the venue's own decimals."""

    instrument: Instrument
    time_us: int
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A candle over a stretch of time; ``first`` and ``last`` are (time, id) of the trades that open and close it."""

    first: tuple[int, int]
    last: tuple[int, int]
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    taker_buy_volume: Decimal
    taker_buy_quote_volume: Decimal
    trade_count: int
    first_trade_id: int
    last_trade_id: int

    def plus(self, other: "Part") -> "Part":
        """Both together."""
        opens = self if self.first <= other.first else other
        closes = self if self.last >= other.last else other
        return Part(
            first=opens.first,
            last=closes.last,
            open=opens.open,
            high=max(self.high, other.high),
            low=min(self.low, other.low),
            close=closes.close,
            volume=_EXACT.add(self.volume, other.volume),
            quote_volume=_EXACT.add(self.quote_volume, other.quote_volume),
            taker_buy_volume=_EXACT.add(self.taker_buy_volume, other.taker_buy_volume),
            taker_buy_quote_volume=_EXACT.add(self.taker_buy_quote_volume, other.taker_buy_quote_volume),
            trade_count=self.trade_count + other.trade_count,
            first_trade_id=min(self.first_trade_id, other.first_trade_id),
            last_trade_id=max(self.last_trade_id, other.last_trade_id),
        )


def part_of(trade: LiveTrade) -> Part:
    """The candle of one trade."""
    at, amount = (trade.time_us, trade.first_id), _EXACT.multiply(trade.price, trade.quantity)
    return Part(
        first=at,
        last=at,
        open=trade.price,
        high=trade.price,
        low=trade.price,
        close=trade.price,
        volume=trade.quantity,
        quote_volume=amount,
        taker_buy_volume=trade.quantity if trade.is_buyer_aggressor else Decimal(0),
        taker_buy_quote_volume=amount if trade.is_buyer_aggressor else Decimal(0),
        trade_count=trade.last_id - trade.first_id + 1,
        first_trade_id=trade.first_id,
        last_trade_id=trade.last_id,
    )


def sum_of(parts: Iterable[Part]) -> Part | None:
    """All parts together; None when there are none."""
    total: Part | None = None
    for part in parts:
        total = part if total is None else total.plus(part)
    return total


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970."""
    return int(instant.timestamp()) * 1_000_000 + instant.microsecond
