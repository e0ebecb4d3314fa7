"""Binance spot: REST of market data with weights and limits, combined streams with SUBSCRIBE.

Shapes, weights and error codes after https://developers.binance.com/docs/binance-spot-api-docs.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from aiohttp import web

from cryptoviz.lake.symbols import Instrument, Venue, to_venue
from streaming.exchange_simulator.candles import INTERVALS, fold
from streaming.exchange_simulator.exchange import Exchange
from streaming.exchange_simulator.market import EPOCH_MS, SeededMarket, Trades
from streaming.exchange_simulator.stream import Subscription, serve_socket
from streaming.exchange_simulator.texts import decimal_text

_WEIGHT_LIMIT = 6000
_DAY_MS = 86_400_000
Handler = Callable[["Binance", web.Request], Any]


class VenueError(Exception):
    """An answer in the venue's own error shape."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Binance:
    """Routes of the venue."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.markets = {to_venue(i): (i, m) for i, m in exchange.of(Venue.BINANCE).items()}
        self._spent: deque[tuple[float, int]] = deque()

    def routes(self) -> list[web.RouteDef]:
        """Everything the venue answers."""
        rest: dict[str, tuple[int, Handler]] = {
            "ping": (1, lambda _s, _r: {}),
            "time": (1, lambda s, _r: {"serverTime": s.exchange.clock()}),
            "exchangeInfo": (20, Binance.exchange_info),
            "trades": (25, Binance.trades),
            "historicalTrades": (25, Binance.historical_trades),
            "aggTrades": (4, Binance.aggregates),
            "klines": (2, Binance.klines),
            "uiKlines": (2, Binance.klines),
            "ticker/price": (2, Binance.price),
            "ticker/bookTicker": (2, Binance.book),
            "ticker/24hr": (2, Binance.day),
            "avgPrice": (2, Binance.average),
        }
        sockets = [web.get(path, self.socket) for path in ("/ws", "/ws/{streams}", "/stream")]
        return [web.get(f"/api/v3/{path}", self._rest(weight, call)) for path, (weight, call) in rest.items()] + sockets

    def _rest(self, weight: int, call: Handler) -> Callable[[web.Request], Any]:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.exchange.counts["binance_requests"] += 1
            refusal = self._refusal(weight)
            if refusal is not None:
                return refusal
            try:
                body, status = call(self, request), 200
            except VenueError as error:
                body, status = {"code": error.code, "msg": str(error)}, error.status
            headers = {"X-MBX-USED-WEIGHT-1M": str(self._used())}
            return web.Response(text=json.dumps(body, separators=(",", ":")), status=status, headers=headers,
                                content_type="application/json")  # fmt: skip

        return answer

    def _refusal(self, weight: int) -> web.StreamResponse | None:
        faults, name = self.exchange.faults, Venue.BINANCE.value
        if faults.strikes("ban", name):
            self.exchange.counts["requests_while_banned"] += 1
            return _limited(418, faults.seconds_left("ban", name))
        if faults.strikes("http_5xx", name) or faults.active("halt", name):
            return web.Response(status=503, text='{"code":-1000,"msg":"Service unavailable"}')
        if faults.strikes("html", name):
            return web.Response(text="<html><body>maintenance</body></html>", content_type="text/html")
        self._spent.append((time.monotonic(), weight))
        if self._used() > _WEIGHT_LIMIT or faults.strikes("rate_limit", name):
            return _limited(429, 10)
        return None

    def _used(self) -> int:
        while self._spent and self._spent[0][0] < time.monotonic() - 60:
            self._spent.popleft()
        return sum(weight for _, weight in self._spent)

    def market(self, request: web.Request) -> tuple[str, SeededMarket]:
        """The market a request names. Raises :class:`VenueError`."""
        symbol = request.query.get("symbol", "")
        if not symbol:
            raise VenueError(400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if symbol not in self.markets:
            raise VenueError(400, -1121, "Invalid symbol.")
        return symbol, self.markets[symbol][1]

    def exchange_info(self, _: web.Request) -> dict[str, Any]:
        """All symbols with their filters."""
        symbols = [_symbol_info(name, instrument, market) for name, (instrument, market) in self.markets.items()]
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": _WEIGHT_LIMIT}
        now = self.exchange.clock()
        return {"timezone": "UTC", "serverTime": now, "rateLimits": [limit], "exchangeFilters": [], "symbols": symbols}

    def trades(self, request: web.Request) -> list[dict[str, Any]]:
        """The latest trades."""
        _, market = self.market(request)
        return rest_trades(market, market.last_before(self.exchange.clock(), _limit(request, 500)))

    def historical_trades(self, request: web.Request) -> list[dict[str, Any]]:
        """Trades from an id on, the latest without one."""
        _, market = self.market(request)
        if "fromId" not in request.query:
            return self.trades(request)
        first = _number(request, "fromId", 0)
        return rest_trades(market, market.from_id(first, _limit(request, 500), self.exchange.clock()))

    def aggregates(self, request: web.Request) -> list[dict[str, Any]]:
        """Aggregate trades by id or time; here each aggregate is one trade."""
        _, market = self.market(request)
        now, limit = self.exchange.clock(), _limit(request, 500)
        if "startTime" in request.query:
            start = _number(request, "startTime", 0)
            end = min(now, _number(request, "endTime", start + 3_600_000) + 1)
            found = market.between(start, end)
            return [aggregate(market, found, i) for i in range(min(limit, len(found)))]
        first = _number(request, "fromId", 0)
        found = market.from_id(first, limit, now) if first else market.last_before(now, limit)
        return [aggregate(market, found, i) for i in range(len(found))]

    def klines(self, request: web.Request) -> list[list[Any]]:
        """Candles, the last one possibly still open."""
        _, market = self.market(request)
        length = INTERVALS.get(request.query.get("interval", ""))
        if length is None:
            raise VenueError(400, -1120, "Invalid interval.")
        limit, now = _limit(request, 500), self.exchange.clock()
        end = min(now, _number(request, "endTime", now) + 1)
        start = _number(request, "startTime", (end - 1) // length * length - (limit - 1) * length)
        return fold(market, max(EPOCH_MS, -(-start // length) * length), end, length)[:limit]

    def price(self, request: web.Request) -> Any:
        """Last price of one symbol or all."""
        return self._each(request, lambda name, m: {"symbol": name, "price": _price(m, self._last(m), 0)})

    def book(self, request: web.Request) -> Any:
        """Best bid and ask of one symbol or all."""
        return self._each(request, lambda name, m: _book(name, m, self._last(m)))

    def day(self, request: web.Request) -> Any:
        """Statistics of the last 24 hours."""
        return self._each(request, self._day)

    def average(self, request: web.Request) -> dict[str, Any]:
        """Mean price of five minutes."""
        _, market = self.market(request)
        last = self._last(market)
        return {"mins": 5, "price": _price(market, last, 0), "closeTime": int(last.times[0])}

    def _last(self, market: SeededMarket) -> Trades:
        return market.last_before(self.exchange.clock(), 1)

    def _each(self, request: web.Request, make: Callable[[str, SeededMarket], Any]) -> Any:
        if "symbol" in request.query:
            return make(*self.market(request))
        return [make(name, market) for name, (_, market) in self.markets.items()]

    def _day(self, name: str, market: SeededMarket) -> dict[str, Any]:
        now = self.exchange.clock()
        found = market.between(now - _DAY_MS, now)
        entry, change = market.listing, int(found.ticks[-1] - found.ticks[0])
        sign = "-" if change < 0 else ""
        lots, amount = int(found.lots.sum()), _amount(market, found)
        return {
            "symbol": name,
            "priceChange": sign + decimal_text(abs(change), entry.tick_decimals, 8),
            "priceChangePercent": f"{change / int(found.ticks[0]) * 100:.3f}",
            "lastPrice": _price(market, found, -1), "openPrice": _price(market, found, 0),
            "highPrice": decimal_text(int(found.ticks.max()), entry.tick_decimals, 8),
            "lowPrice": decimal_text(int(found.ticks.min()), entry.tick_decimals, 8),
            "volume": decimal_text(lots, entry.lot_decimals, 8), "quoteVolume": amount,
            "openTime": now - _DAY_MS, "closeTime": now, "firstId": int(found.ids[0]), "lastId": int(found.ids[-1]),
            "count": len(found), **{k: v for k, v in _book(name, market, self._last(market)).items() if k != "symbol"},
        }  # fmt: skip

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Streams of a connection: those in the path, changed by SUBSCRIBE and UNSUBSCRIBE."""
        wrapped = request.path == "/stream"
        named = request.match_info.get("streams") or request.query.get("streams", "")
        subscription = BinanceStreams(self, is_wrapped=wrapped)
        subscription.subscribe([name for name in named.split("/") if name])
        return await serve_socket(request, self.exchange, Venue.BINANCE, subscription)


class BinanceStreams(Subscription):
    """What one connection listens to."""

    def __init__(self, venue: Binance, *, is_wrapped: bool) -> None:
        super().__init__()
        self._venue, self._is_wrapped = venue, is_wrapped

    def subscribe(self, names: list[str]) -> None:
        """Add streams; unknown ones stay silent, as at the venue."""
        for name in names:
            symbol, _, kind = name.partition("@")
            known = self._venue.markets.get(symbol.upper())
            if known and kind in {"trade", "aggTrade"}:
                self.add(name, known[1])

    def on_message(self, text: str) -> list[str]:
        """Answer a control message."""
        try:
            message = json.loads(text)
            method, names, number = message["method"], message.get("params", []), message.get("id")
        except (ValueError, KeyError, TypeError):
            return ['{"error":{"code":2,"msg":"Invalid request"}}']
        if method == "SUBSCRIBE":
            self.subscribe(names)
        elif method == "UNSUBSCRIBE":
            self.remove(names)
        result = self.names() if method == "LIST_SUBSCRIPTIONS" else None
        return [json.dumps({"result": result, "id": number})]

    def frames(self, name: str, market: SeededMarket, trades: Trades, now_ms: int) -> list[str]:
        """Frames of a stream for its new trades."""
        del now_ms
        make = _socket_trade if name.endswith("@trade") else _socket_aggregate
        symbol = to_venue(market.listing.instrument)
        texts = [json.dumps(make(symbol, market, trades, i), separators=(",", ":")) for i in range(len(trades))]
        return [f'{{"stream":"{name}","data":{text}}}' for text in texts] if self._is_wrapped else texts


def rest_trades(market: SeededMarket, trades: Trades) -> list[dict[str, Any]]:
    """Trades in the shape of `trades` and `historicalTrades`."""
    entry = market.listing
    scale = entry.tick_decimals + entry.lot_decimals
    return [
        {
            "id": int(trades.ids[i]), "price": _price(market, trades, i),
            "qty": decimal_text(int(trades.lots[i]), entry.lot_decimals, 8),
            "quoteQty": decimal_text(int(trades.ticks[i]) * int(trades.lots[i]), scale, max(8, scale)),
            "time": int(trades.times[i]), "isBuyerMaker": not trades.buys[i], "isBestMatch": True,
        }
        for i in range(len(trades))
    ]  # fmt: skip


def aggregate(market: SeededMarket, trades: Trades, i: int) -> dict[str, Any]:
    """One aggregate in the shape of `aggTrades`."""
    number, quantity = int(trades.ids[i]), decimal_text(int(trades.lots[i]), market.listing.lot_decimals, 8)
    return {"a": number, "p": _price(market, trades, i), "q": quantity, "f": number, "l": number,
            "T": int(trades.times[i]), "m": not trades.buys[i], "M": True}  # fmt: skip


def _socket_trade(symbol: str, market: SeededMarket, trades: Trades, i: int) -> dict[str, Any]:
    time_ms, quantity = int(trades.times[i]), decimal_text(int(trades.lots[i]), market.listing.lot_decimals, 8)
    return {"e": "trade", "E": time_ms + 2, "s": symbol, "t": int(trades.ids[i]), "p": _price(market, trades, i),
            "q": quantity, "T": time_ms, "m": not trades.buys[i], "M": True}  # fmt: skip


def _socket_aggregate(symbol: str, market: SeededMarket, trades: Trades, i: int) -> dict[str, Any]:
    return {"e": "aggTrade", "E": int(trades.times[i]) + 2, "s": symbol, **aggregate(market, trades, i)}


def _symbol_info(name: str, instrument: Instrument, market: SeededMarket) -> dict[str, Any]:
    entry = market.listing
    tick, lot = decimal_text(1, entry.tick_decimals, 8), decimal_text(1, entry.lot_decimals, 8)
    filters = [{"filterType": "PRICE_FILTER", "tickSize": tick}, {"filterType": "LOT_SIZE", "stepSize": lot}]
    return {"symbol": name, "status": "TRADING", "baseAsset": instrument.base, "quoteAsset": instrument.quote,
            "baseAssetPrecision": 8, "quoteAssetPrecision": 8, "filters": filters}  # fmt: skip


def _price(market: SeededMarket, trades: Trades, i: int) -> str:
    return decimal_text(int(trades.ticks[i]), market.listing.tick_decimals, 8)


def _amount(market: SeededMarket, trades: Trades) -> str:
    entry = market.listing
    scale = entry.tick_decimals + entry.lot_decimals
    return decimal_text(sum((trades.ticks.astype(object) * trades.lots.astype(object)).tolist()), scale, max(8, scale))


def _book(name: str, market: SeededMarket, last: Trades) -> dict[str, str]:
    entry, tick = market.listing, int(last.ticks[0])
    bid, ask = (decimal_text(t, entry.tick_decimals, 8) for t in (tick - 1, tick + 1))
    quantity = decimal_text(int(np.max(last.lots)) * 3, entry.lot_decimals, 8)
    return {"symbol": name, "bidPrice": bid, "bidQty": quantity, "askPrice": ask, "askQty": quantity}


def _limited(status: int, seconds: int) -> web.Response:
    code, text = (
        (-1003, "Way too much request weight used; IP banned.") if status == 418 else (-1003, "Too many requests.")
    )
    return web.json_response({"code": code, "msg": text}, status=status, headers={"Retry-After": str(seconds)})


def _limit(request: web.Request, default: int) -> int:
    return max(1, min(1000, _number(request, "limit", default)))


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise VenueError(400, -1100, f"Illegal characters found in parameter '{name}'.")
    return int(text)
