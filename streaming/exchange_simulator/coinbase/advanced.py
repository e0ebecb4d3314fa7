"""The socket of Coinbase Advanced Trade at ``/coinbase/advanced``: `market_trades`, `ticker`, `heartbeats`.

All messages of a connection are numbered in one sequence, so a lost one shows.
"""

import json
from itertools import count
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.coinbase import shapes
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.socket import Session, serve
from streaming.exchange_simulator.streams import Frame, Stream, TradeStream
from streaming.exchange_simulator.texts import rfc3339

_VENUE = "coinbase"
_SNAPSHOT = 100


class CoinbaseAdvanced:
    """The route of the socket."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.markets = exchange.of(_VENUE)

    def routes(self) -> list[web.RouteDef]:
        """``/coinbase/advanced``."""
        return [web.get("/coinbase/advanced", self.socket)]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection."""
        return await serve(request, self.exchange, _VENUE, AdvancedSession(self))


class AdvancedSession(Session):
    """What one connection listens to."""

    def __init__(self, venue: CoinbaseAdvanced) -> None:
        super().__init__()
        self._venue, self._sequence, self._beats = venue, count(), count(1)
        self._beat_ms: int | None = None

    def on_message(self, text: str) -> list[str]:
        """Answer subscribe and unsubscribe with all subscriptions in force."""
        try:
            message = json.loads(text)
            kind, channel, products = message["type"], message["channel"], message.get("product_ids", [])
        except (ValueError, KeyError, TypeError, AttributeError):
            return [json.dumps({"type": "error", "message": "malformed message"})]
        if kind not in {"subscribe", "unsubscribe"} or channel not in {"market_trades", "ticker", "heartbeats"}:
            return [json.dumps({"type": "error", "message": "failure to subscribe", "reason": f"{kind} {channel}"})]
        first: list[str] = []
        for product in products:
            if kind == "unsubscribe":
                self.streams.pop(f"{channel}:{product}", None)
            elif product in self._venue.markets and channel != "heartbeats":
                first += self._subscribe(channel, product)
        if channel == "heartbeats":
            self._beat_ms = 0 if kind == "subscribe" else None
        return [*first, self._message("subscriptions", [{"subscriptions": self._subscriptions()}])]

    def heartbeat(self, now_ms: int) -> list[str]:
        """One a second once subscribed."""
        if self._beat_ms is None or now_ms - self._beat_ms < 1000:
            return []
        self._beat_ms = now_ms
        beat = {"current_time": rfc3339(now_ms * 1_000_000, 9), "heartbeat_counter": next(self._beats)}
        return [self._message("heartbeats", [beat])]

    def _subscribe(self, channel: str, product: str) -> list[str]:
        one, now = self._venue.markets[product], self._venue.exchange.clock()
        self.listen(f"{channel}:{product}", self._stream(one, channel), now)
        if channel == "ticker":
            return [frame.text for frame in self._ticker(one, now, "snapshot")]
        return [self._trades(one.market, one.market.last_before(now, _SNAPSHOT), "snapshot").text]

    def _stream(self, one: Listed, channel: str) -> Stream:
        if channel == "ticker":
            return TradeStream(one, lambda _, trades: self._ticker(one, int(trades.times[-1]) + 1, "update"))
        return TradeStream(one, lambda market, trades: [self._trades(market, trades, "update")])

    def _trades(self, market: Market, trades: Trades, kind: str) -> Frame:
        """One message for all new trades, newest first."""
        rows = [shapes.advanced_trade(market.listing, trades, i) for i in reversed(range(len(trades)))]
        ids = (int(trades.ids[0]), int(trades.ids[-1])) if len(trades) else (0, 0)
        return Frame(self._message("market_trades", [{"type": kind, "trades": rows}]), market.listing.symbol, *ids)

    def _ticker(self, one: Listed, now_ms: int, kind: str) -> list[Frame]:
        row = shapes.advanced_ticker(one, now_ms)
        event = [{"type": kind, "tickers": [row]}]
        return [Frame(self._message("ticker", event), one.listing.symbol)] if row else []

    def _subscriptions(self) -> dict[str, list[str]]:
        pairs = [name.split(":") for name in self.streams]
        found = {channel: [p for c, p in pairs if c == channel] for channel in dict.fromkeys(c for c, _ in pairs)}
        return found | ({"heartbeats": ["heartbeats"]} if self._beat_ms is not None else {})

    def _message(self, channel: str, events: list[Any]) -> str:
        stamp = rfc3339(self._venue.exchange.clock() * 1_000_000, 9)
        return json.dumps({"channel": channel, "client_id": "", "timestamp": stamp,
                           "sequence_num": next(self._sequence), "events": events})  # fmt: skip
