"""Sockets of Binance spot: raw and combined streams, SUBSCRIBE, the limits of a connection, ``serverShutdown``."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from cryptoviz.lake.symbols import to_venue
from streaming.exchange_simulator.binance import shapes
from streaming.exchange_simulator.binance.aggregates import fold
from streaming.exchange_simulator.candles import candles
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.intervals import LENGTHS, window_of
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.quotes import Quote
from streaming.exchange_simulator.rules import Frequency
from streaming.exchange_simulator.socket import Session, serve
from streaming.exchange_simulator.streams import Frame, PeriodicStream, QuoteStream, Stream, TradeStream

_VENUE = "binance"
_FIVE_MINUTES_S = 300
Wrap = Callable[[dict[str, Any]], str]


class BinanceSockets:
    """Routes of the venue's sockets."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.markets = {to_venue(one.listing.instrument): one for one in exchange.of(_VENUE).values()}
        self._connections = Frequency()

    def routes(self) -> list[web.RouteDef]:
        """Raw streams under ``/ws``, combined ones under ``/stream``."""
        return [web.get(path, self.socket) for path in ("/ws", "/ws/{streams:.+}", "/stream")]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection: streams of the address, changed by SUBSCRIBE and UNSUBSCRIBE."""
        if self._connections.exceeds(self.exchange.rules.connections_in_5_minutes, seconds=_FIVE_MINUTES_S):
            return web.Response(status=429, headers={"Retry-After": str(_FIVE_MINUTES_S)})
        session = BinanceSession(self, is_combined=request.path == "/stream")
        named = request.match_info.get("streams") or request.query.get("streams", "")
        session.subscribe([name for name in named.split("/") if name])
        return await serve(request, self.exchange, _VENUE, session)


class BinanceSession(Session):
    """What one connection listens to."""

    has_rules = True

    def __init__(self, venue: BinanceSockets, *, is_combined: bool) -> None:
        super().__init__()
        self._venue, self._is_combined = venue, is_combined

    def on_message(self, text: str) -> list[str]:
        """Answer a control message."""
        try:
            message = json.loads(text)
            method, names, number = message["method"], message.get("params", []), message.get("id")
        except (ValueError, KeyError, TypeError, AttributeError):
            return [_error(2, "Invalid request: request ID must be an unsigned integer", None)]
        result = None
        if method == "SUBSCRIBE" and not self.subscribe(names):
            return [_error(2, "Invalid request: too many parameters", number)]
        if method == "UNSUBSCRIBE":
            for name in names:
                self.streams.pop(name, None)
        elif method == "LIST_SUBSCRIPTIONS":
            result = list(self.streams)
        elif method != "SUBSCRIBE":
            return [_error(2, f"Invalid request: unknown variant {method}", number)]
        return [json.dumps({"result": result, "id": number})]

    def subscribe(self, names: list[str]) -> bool:
        """Add streams, unless there would be too many; unknown ones stay silent, as at the venue."""
        if len({*self.streams, *names}) > self._venue.exchange.rules.streams_a_connection:
            return False
        for name in names:
            symbol, _, kind = name.partition("@")
            one = self._venue.markets.get(symbol.upper()) if symbol.islower() else None
            stream = _stream(one, symbol.upper(), kind, self._wrap(name)) if one else None
            if stream:
                self.listen(name, stream, self._venue.exchange.clock())
        return True

    def farewell(self, now_ms: int) -> list[str]:
        """``serverShutdown``."""
        return [self._wrap("!serverShutdown")({"e": "serverShutdown", "E": now_ms})]

    def _wrap(self, name: str) -> Wrap:
        if self._is_combined:
            return lambda event: json.dumps({"stream": name, "data": event}, separators=(",", ":"))
        return lambda event: json.dumps(event, separators=(",", ":"))


def _stream(one: Listed, symbol: str, kind: str, wrap: Wrap) -> Stream | None:
    """The stream of a kind; None for a kind the simulator does not have."""
    name, _, interval = kind.partition("_")
    if name == "kline" and interval in LENGTHS:
        # Each push tells the open candle; the one that follows its end tells it closed.
        return PeriodicStream(one, _klines(symbol, interval, wrap), period_ms=1000, always=True)
    if kind in {"trade", "aggTrade"}:
        return TradeStream(one, (_trades if kind == "trade" else _aggregates)(symbol, wrap))
    if kind == "bookTicker":
        return QuoteStream(one, _quotes(symbol, wrap))
    if kind in {"ticker", "miniTicker"}:
        event = shapes.day_event if kind == "ticker" else shapes.mini_event
        return PeriodicStream(one, _days(symbol, wrap, event), period_ms=1000)
    return None


def _trades(symbol: str, wrap: Wrap) -> Callable[[Market, Trades], list[Frame]]:
    def render(market: Market, trades: Trades) -> list[Frame]:
        name = market.listing.symbol
        events = (shapes.socket_trade(market.listing, symbol, trades, i) for i in range(len(trades)))
        return [Frame(wrap(event), name, event["t"], event["t"]) for event in events]

    return render


def _aggregates(symbol: str, wrap: Wrap) -> Callable[[Market, Trades], list[Frame]]:
    def render(market: Market, trades: Trades) -> list[Frame]:
        return [
            Frame(
                wrap({"e": "aggTrade", "E": one.time_ms + 2, "s": symbol, **one.as_dict(market)}),
                market.listing.symbol, one.first, one.last,
            )
            for one in fold(market, trades)
        ]  # fmt: skip

    return render


def _quotes(symbol: str, wrap: Wrap) -> Callable[[Market, Quote], Frame]:
    return lambda market, quote: Frame(wrap(shapes.book_event(market.listing, symbol, quote)), market.listing.symbol)


def _days(
    symbol: str, wrap: Wrap, event: Callable[[dict[str, Any], int], dict[str, Any]]
) -> Callable[[Listed, int], list[Frame]]:
    def render(one: Listed, now_ms: int) -> list[Frame]:
        row = shapes.day(one, symbol, now_ms)
        return [Frame(wrap(event(row, now_ms)), one.listing.symbol)] if row else []

    return render


def _klines(symbol: str, interval: str, wrap: Wrap) -> Callable[[Listed, int], list[Frame]]:
    def render(one: Listed, now_ms: int) -> list[Frame]:
        start, _ = window_of(interval, now_ms - 1)
        found = candles(one.market, one.summaries, interval=interval, start_ms=start, end_ms=start + 1, until_ms=now_ms)
        return [
            Frame(wrap(shapes.kline_event(one.listing, symbol, interval, candle, now_ms)), one.listing.symbol)
            for candle in found
        ]

    return render


def _error(code: int, message: str, number: object) -> str:
    return json.dumps({"error": {"code": code, "msg": message}, "id": number})
