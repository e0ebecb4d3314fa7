"""What a venue's parser yields: trades, klines and quotes as texts and numbers, exact, and refusals with a reason."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

MAX_VALUE_BYTES = 64 * 1024


class Trade(NamedTuple):
    """One trade or aggregate. Price and quantity are the venue's own decimal text; ``symbol`` its spelling, if said."""

    first_id: int
    last_id: int
    time: int
    price: str
    quantity: str
    is_buyer_aggressor: bool
    symbol: str = ""


class Kline(NamedTuple):
    """One closed candle of the venue. Times in milliseconds, amounts as its decimal text, None if it says none."""

    open_time: int
    close_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str | None
    trade_count: int
    taker_buy_volume: str | None
    taker_buy_quote_volume: str | None


class BookTicker(NamedTuple):
    """The best bid and ask. ``time_us`` in microseconds, None when the venue does not say; so for ``update_id``."""

    update_id: int | None
    time_us: int | None
    bid_price: str
    bid_quantity: str
    ask_price: str
    ask_quantity: str
    symbol: str


class Quote(NamedTuple):
    """What a vendor says of an asset at an instant, numbers as text, None where it says nothing. Changes in percent.

    ``key`` names the asset where the record's own key does not; ``other_fields`` is JSON of what has no place here.
    """

    symbol: str
    time_us: int | None
    price: str | None
    market_cap: str | None = None
    volume_24h: str | None = None
    change_1h: str | None = None
    change_24h: str | None = None
    change_7d: str | None = None
    bid_price: str | None = None
    bid_quantity: str | None = None
    ask_price: str | None = None
    ask_quantity: str | None = None
    high_24h: str | None = None
    low_24h: str | None = None
    key: str = ""
    name: str | None = None
    price_change_24h: str | None = None
    other_fields: str | None = None


class ListingNotice(NamedTuple):
    """A market as a venue lists it; sizes as decimal text. ``key`` is the market's, ``binance:BTC-USDT``."""

    key: str
    venue_symbol: str
    base: str
    quote: str
    tick_size: str | None
    lot_size: str | None
    status: str


class GapNotice(NamedTuple):
    """A state of a gap in a market's ids. Times in microseconds; ``since_us`` is of the trade before it."""

    first_id: int
    last_id: int
    state: str
    cause: str
    opened_us: int
    changed_us: int
    since_us: int | None
    evidence: str
    key: str


class Refusal(NamedTuple):
    """Why a record is not taken: a reason of one or two words and what was found."""

    reason: str
    detail: str


class Refused(ValueError):
    """Raised by a parser for a message that is well-formed but not to be taken."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.refusal = Refusal(reason, detail)


Message = Trade | Kline | BookTicker | Quote | ListingNotice | GapNotice
Parser = Callable[[bytes], Message]


def parse(parser: Parser, value: bytes | None) -> Message | Refusal:
    """Parse one record; whatever is wrong with it comes back as a refusal, never as an exception."""
    if not value:
        return Refusal("empty_value", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        return Refusal("too_large", f"{len(value)} bytes, at most {MAX_VALUE_BYTES} are a trade")
    try:
        return parser(value)
    except Refused as refused:
        return refused.refusal
    except (ValueError, OverflowError, ArithmeticError, RecursionError) as error:
        return Refusal(_reason(error), str(error))


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, UnicodeDecodeError) or "UTF-8" in text:
        return "invalid_utf8"
    if isinstance(error, msgspec.ValidationError):
        return "missing_field" if "missing required" in text or "length" in text else "wrong_type"
    return "malformed_json" if isinstance(error, msgspec.DecodeError | RecursionError) else "wrong_type"
