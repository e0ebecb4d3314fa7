"""The feed of Coinbase Exchange at ``/coinbase/ws``: `matches`, `ticker`, `ticker_batch`, `heartbeat`."""

import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.coinbase import shapes
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.socket import Session, serve
from streaming.exchange_simulator.streams import Frame, PeriodicStream, Stream, TradeStream
from streaming.exchange_simulator.texts import rfc3339

_VENUE = "coinbase"
_CHANNELS = ("matches", "ticker", "ticker_batch", "heartbeat")


class CoinbaseFeed:
    """The route of the feed."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.markets = exchange.of(_VENUE)

    def routes(self) -> list[web.RouteDef]:
        """``/coinbase/ws``."""
        return [web.get("/coinbase/ws", self.socket)]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection."""
        return await serve(request, self.exchange, _VENUE, FeedSession(self))


class FeedSession(Session):
    """What one connection listens to."""

    def __init__(self, venue: CoinbaseFeed) -> None:
        super().__init__()
        self._venue = venue

    def on_message(self, text: str) -> list[str]:
        """Answer subscribe and unsubscribe with all subscriptions in force."""
        try:
            message = json.loads(text)
            kind, asked = message["type"], list(_asked(message))
        except (ValueError, KeyError, TypeError, AttributeError):
            return [_error("Malformed JSON")]
        if kind == "unsubscribe":
            for channel, product in asked:
                self.streams.pop(f"{channel}:{product}", None)
            return [self._subscriptions()]
        if kind != "subscribe":
            return [_error(f"{kind} is not a valid type")]
        for channel, product in asked:
            if channel not in _CHANNELS:
                return [_error("Failed to subscribe", f"{channel} is not a valid channel")]
            if product not in self._venue.markets:
                return [_error("Failed to subscribe", f"{product} is not a valid product")]
        return [self._subscriptions(asked), *self._subscribe(asked)]

    def _subscribe(self, asked: list[tuple[str, str]]) -> list[str]:
        now, first = self._venue.exchange.clock(), []
        for channel, product in asked:
            one = self._venue.markets[product]
            self.listen(f"{channel}:{product}", _stream(one, channel), now)
            last = one.market.last_before(now, 1)
            if channel == "matches" and len(last):
                first.append(json.dumps(shapes.match(one.listing, last, 0, kind="last_match")))
            elif channel.startswith("ticker"):
                first += [frame.text for frame in _ticker(one, now)]
        return first

    def _subscriptions(self, more: list[tuple[str, str]] | None = None) -> str:
        pairs = dict.fromkeys([*(tuple(name.split(":")) for name in self.streams), *(more or [])])
        channels = [
            {"name": channel, "product_ids": [p for c, p in pairs if c == channel], "account_ids": None}
            for channel in dict.fromkeys(c for c, _ in pairs)
        ]
        return json.dumps({"type": "subscriptions", "channels": channels})


def _asked(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Channels and products of a message: a channel may name products of its own."""
    for channel in message["channels"]:
        named = channel if isinstance(channel, dict) else {"name": channel}
        for product in named.get("product_ids", message.get("product_ids", [])):
            yield str(named["name"]), str(product)


def _stream(one: Listed, channel: str) -> Stream:
    if channel == "matches":
        return TradeStream(one, _matches)
    if channel == "heartbeat":
        return PeriodicStream(one, _heartbeat, period_ms=1000, always=True)
    if channel == "ticker_batch":
        return PeriodicStream(one, _ticker, period_ms=5000)
    # Matches of one cascade are told together.
    return TradeStream(one, lambda _, trades: _ticker(one, int(trades.times[-1]) + 1))


def _matches(market: Market, trades: Trades) -> list[Frame]:
    return [
        Frame(json.dumps(shapes.match(market.listing, trades, i)), market.listing.symbol, number, number)
        for i, number in enumerate(trades.ids.tolist())
    ]


def _ticker(one: Listed, now_ms: int) -> list[Frame]:
    row = shapes.ticker(one, now_ms)
    return [Frame(json.dumps(row), one.listing.symbol)] if row else []


def _heartbeat(one: Listed, now_ms: int) -> list[Frame]:
    last = one.market.last_id(now_ms)
    row = {"type": "heartbeat", "last_trade_id": last, "product_id": one.listing.symbol,
           "sequence": shapes.sequence(last) + 3, "time": rfc3339(now_ms * 1_000_000)}  # fmt: skip
    return [Frame(json.dumps(row), one.listing.symbol)]


def _error(message: str, reason: str = "") -> str:
    return json.dumps({"type": "error", "message": message, **({"reason": reason} if reason else {})})
