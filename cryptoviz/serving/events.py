"""What streams say: each event once as server-sent event of our own and once as a message of Binance's socket."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.forming import Forming
from cryptoviz.serving.markets import spelling
from cryptoviz.serving.minute import LiveQuote, LiveTrade


@dataclass(frozen=True, slots=True)
class Channel:
    """What a subscriber asked for: a kind of event, of one market and interval, or of all."""

    kind: str
    instrument: Instrument | None = None
    interval: str = ""


@dataclass(frozen=True)
class Event:
    """One event of a channel. ``sequence`` grows over all channels; ``own`` and ``binance`` are its two forms."""

    channel: Channel
    epoch: str
    sequence: int
    own: Any
    binance: Any = None

    @cached_property
    def sse(self) -> bytes:
        """As a server-sent event."""
        data = msgspec.json.encode(self.own)
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (
            self.epoch.encode(), self.sequence, self.channel.kind.encode(), data,
        )  # fmt: skip

    @cached_property
    def message(self) -> bytes:
        """As Binance's message; empty for what Binance has no word for."""
        return msgspec.json.encode(self.binance) if self.binance is not None else b""


def plain(value: Decimal) -> str:
    """A decimal without exponent and needless zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def padded(value: Decimal) -> str:
    """A decimal as Binance writes it, with at least eight digits after the point."""
    whole, _, fraction = plain(value).partition(".")
    return f"{whole}.{fraction.ljust(8, '0')}"


def own_candle(candle: Forming) -> dict[str, Any]:
    """A forming candle as our streams and the page have it; ``live_closed`` until the lake's own takes its place."""
    part = candle.part
    return {
        "window_start": int(candle.start.timestamp() * 1000),
        "window_end": int(candle.end.timestamp() * 1000),
        "open": plain(part.open),
        "high": plain(part.high),
        "low": plain(part.low),
        "close": plain(part.close),
        "volume": plain(part.volume),
        "quote_volume": plain(part.quote_volume),
        "taker_buy_volume": plain(part.taker_buy_volume),
        "taker_buy_quote_volume": plain(part.taker_buy_quote_volume),
        "trade_count": part.trade_count,
        "status": "open" if candle.is_open else "live_closed",
        "source": "live",
        "revision": 0,
    }


def binance_kline(instrument: Instrument, interval: str, candle: Forming, now_ms: int) -> dict[str, Any]:
    """Binance's ``<symbol>@kline_<interval>``; ``B`` says nothing, there as here."""
    part = candle.part
    return {
        "e": "kline", "E": now_ms, "s": spelling(instrument),
        "k": {
            "t": int(candle.start.timestamp() * 1000), "T": int(candle.end.timestamp() * 1000) - 1,
            "s": spelling(instrument), "i": interval, "f": part.first_trade_id, "L": part.last_trade_id,
            "o": padded(part.open), "c": padded(part.close), "h": padded(part.high), "l": padded(part.low),
            "v": padded(part.volume), "n": part.trade_count, "x": not candle.is_open, "q": padded(part.quote_volume),
            "V": padded(part.taker_buy_volume), "Q": padded(part.taker_buy_quote_volume), "B": "0",
        },
    }  # fmt: skip


def binance_trade(trade: LiveTrade, now_ms: int) -> dict[str, Any]:
    """Binance's ``<symbol>@trade``; an aggregate goes by its first id."""
    return {
        "e": "trade", "E": now_ms, "s": spelling(trade.instrument), "t": trade.first_id, "p": padded(trade.price),
        "q": padded(trade.quantity), "T": trade.time_us // 1000, "m": not trade.is_buyer_aggressor, "M": True,
    }  # fmt: skip


def binance_book_ticker(quote: LiveQuote) -> dict[str, Any]:
    """Binance's ``<symbol>@bookTicker``."""
    return {
        "u": quote.time_us, "s": spelling(quote.instrument), "b": padded(quote.bid), "B": padded(quote.bid_quantity),
        "a": padded(quote.ask), "A": padded(quote.ask_quantity),
    }  # fmt: skip


def own_quote(quote: LiveQuote) -> dict[str, Any]:
    """A best bid and ask as our streams have it."""
    return {
        "time": quote.time_us // 1000,
        "bid": plain(quote.bid),
        "bid_quantity": plain(quote.bid_quantity),
        "ask": plain(quote.ask),
        "ask_quantity": plain(quote.ask_quantity),
    }
