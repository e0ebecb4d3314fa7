"""Finnhub under ``/finnhub``: quotes of stocks by REST, trades of stocks and crypto by socket, with a token.

As at the vendor, an unknown symbol has a quote of zeros, trades carry no id, one in eight comes twice, and those of a
second come newest first, so that time goes back. Stocks trade in the hours of New York only.
"""

import json
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.market import Market, Trades
from streaming.exchange_simulator.rest import VenueError
from streaming.exchange_simulator.socket import Session, serve
from streaming.exchange_simulator.streams import Frame, PeriodicStream
from streaming.exchange_simulator.texts import price_text, quantity_text
from streaming.exchange_simulator.vendors.sessions import is_open, session_at
from streaming.exchange_simulator.vendors.vendor import Vendor

_VENUE = "finnhub"
_REPEATED = 8
_BATCH_MS, _PING_MS = 1000, 60_000


class Finnhub(Vendor):
    """Routes of the vendor."""

    name = _VENUE
    refresh_ms = 1000

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        crypto = {f"BINANCE:{name.replace('-', '')}": one for name, one in exchange.of("binance").items()}
        self.markets = {**exchange.of(_VENUE), **crypto}

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        return [self.get("/finnhub/api/v1/quote", self.quote), web.get("/finnhub/ws", self.socket)]

    def admit(self, request: web.Request, weight: int) -> None:
        """Ask for the token, then take one call. Raises VenueError."""
        refusal = _refused_token(request)
        if refusal:
            raise refusal
        super().admit(request, weight)

    def headers(self) -> dict[str, str]:
        """The allowance."""
        limit = self.exchange.rules.calls_a_minute(self.name)
        return {"x-ratelimit-limit": str(limit), "x-ratelimit-reset": str(self.exchange.clock() // 1000 + 60)}

    def banned(self, seconds: int) -> VenueError:
        """403."""
        del seconds
        return VenueError(403, {"error": "You don't have access to this resource."})

    def limited(self, seconds: int) -> VenueError:
        """429."""
        del seconds
        return VenueError(429, {"error": "API limit reached. Please try again later. Remaining Limit: 0"})

    def unavailable(self) -> VenueError:
        """502."""
        return VenueError(502, "error code: 502")

    def quote(self, request: web.Request) -> dict[str, Any]:
        """Price, change, and the session's high, low and open; the last session's while the market is closed."""
        one = self.markets.get(request.query.get("symbol", ""))
        opened, closed = session_at(self.as_of)
        found = one.summaries.between(opened, min(closed, self.as_of)) if one else None
        if one is None or found is None:
            return {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
        previous = one.price(session_at(opened - 1)[1]) or 0.0
        last = one.market.last_before(min(closed, self.as_of), 1)
        current, high, low, first = (
            float(price_text(one.listing, ticks)) for ticks in (found.close, found.high, found.low, found.open)
        )
        change = round(current - previous, 4)
        return {"c": current, "d": change, "dp": round(100 * change / previous, 4), "h": high, "l": low, "o": first,
                "pc": previous, "t": int(last.times[0]) // 1000}  # fmt: skip

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One connection."""
        if _refused_token(request):
            return web.Response(status=401, text="Invalid API key")
        return await serve(request, self.exchange, _VENUE, FinnhubSession(self))


class FinnhubSession(Session):
    """What one connection listens to."""

    def __init__(self, vendor: Finnhub) -> None:
        super().__init__()
        self._vendor, self._ping_ms = vendor, vendor.exchange.clock()

    def on_message(self, text: str) -> list[str]:
        """Subscribe and unsubscribe are not answered; what is wrong is."""
        try:
            message = json.loads(text)
            kind, symbol = message["type"], message["symbol"]
        except (ValueError, KeyError, TypeError):
            return ['{"msg":"Invalid message","type":"error"}']
        if kind == "unsubscribe":
            self.streams.pop(symbol, None)
            return []
        one = self._vendor.markets.get(symbol)
        if kind != "subscribe" or one is None:
            return [json.dumps({"msg": f"Invalid symbol {symbol}", "type": "error"})]
        self.listen(symbol, _stream(one, symbol), self._vendor.exchange.clock())
        return []

    def heartbeat(self, now_ms: int) -> list[str]:
        """A ping a minute."""
        if now_ms - self._ping_ms < _PING_MS:
            return []
        self._ping_ms = now_ms
        return ['{"type":"ping"}']


def _stream(one: Listed, symbol: str) -> PeriodicStream:
    is_stock = one.listing.venue == _VENUE

    def render(listed: Listed, now_ms: int) -> list[Frame]:
        market, frames = listed.market, list[Frame]()
        trades = market.between(now_ms - _BATCH_MS, now_ms)
        for i in reversed(range(len(trades))):
            if is_stock and not is_open(int(trades.times[i])):
                continue
            number = int(trades.ids[i])
            frame = Frame(_trade(market, trades, i, symbol), market.listing.symbol, number, number)
            frames += [frame] * (2 if number % _REPEATED == 0 else 1)
        return frames

    return PeriodicStream(one, render, period_ms=_BATCH_MS)


def _trade(market: Market, trades: Trades, i: int, symbol: str) -> str:
    entry = market.listing
    conditions = '["1"]' if entry.venue == _VENUE else "null"
    return (
        f'{{"data":[{{"c":{conditions},"p":{price_text(entry, int(trades.ticks[i]))},"s":"{symbol}",'
        f'"t":{int(trades.times[i])},"v":{quantity_text(entry, int(trades.lots[i]))}}}],"type":"trade"}}'
    )


def _refused_token(request: web.Request) -> VenueError | None:
    token = request.query.get("token") or request.headers.get("X-Finnhub-Token", "")
    if not token:
        return VenueError(429, "API limit reached. Please sign up for a free account to continue using the API.")
    if token.startswith("invalid"):
        return VenueError(401, {"error": "Invalid API key"})
    return None
