"""REST of Coinbase Exchange under ``/coinbase``: products, trades paged by id, candles, tickers.

Pages go by trade id, newest first: ``after=ID`` asks for older ones, ``before=ID`` for the newest that are newer; the
headers ``CB-BEFORE`` and ``CB-AFTER`` hold the first and the last id of the page.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from streaming.exchange_simulator.candles import candles
from streaming.exchange_simulator.coinbase import shapes
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.intervals import LENGTHS
from streaming.exchange_simulator.market import Trades
from streaming.exchange_simulator.rest import RestVenue, VenueError, number
from streaming.exchange_simulator.rules import TokenBucket
from streaming.exchange_simulator.texts import rfc3339

_PAGE, _ROWS = 1000, 300
_GRANULARITIES = {LENGTHS[name] // 1000: name for name in ("1m", "5m", "15m", "1h", "6h", "1d")}


def refusal(status: int, message: str) -> VenueError:
    """An error in Coinbase's shape."""
    return VenueError(status, {"message": message})


class CoinbaseRest(RestVenue):
    """Routes of the venue's REST interface."""

    name = "coinbase"

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.markets = exchange.of(self.name)
        self._bucket = TokenBucket()

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        calls: dict[str, Callable[[web.Request], Any]] = {
            "/time": self.time,
            "/currencies": self.currencies,
            "/products": self.products,
            "/products/{id}": self.product,
            "/products/{id}/trades": self.trades,
            "/products/{id}/candles": self.candles,
            "/products/{id}/ticker": lambda r: shapes.rest_ticker(self._one(r), self.exchange.clock()),
            "/products/{id}/stats": lambda r: shapes.stats(self._one(r), self.exchange.clock()),
        }
        long = {"/products/{id}/candles", "/products/{id}/stats", "/products/{id}/ticker"}
        return [self.get(f"/coinbase{path}", call, is_long=path in long) for path, call in calls.items()]

    def admit(self, request: web.Request, weight: int) -> None:
        """Take one call of the allowance. Raises :class:`VenueError` 429."""
        del request, weight
        rules = self.exchange.rules
        if not self._bucket.take(rate=rules.coinbase_calls_a_second, burst=rules.coinbase_burst):
            raise self.limited(1)

    def banned(self, seconds: int) -> VenueError:
        """403 of the host before the venue."""
        del seconds
        return refusal(403, "Forbidden")

    def limited(self, seconds: int) -> VenueError:
        """429; the venue does not say for how long."""
        del seconds
        return refusal(429, "Public rate limit exceeded")

    def unavailable(self) -> VenueError:
        """503."""
        return refusal(503, "Service temporarily unavailable")

    def time(self, _: web.Request) -> dict[str, Any]:
        """The venue's clock."""
        now = self.exchange.clock()
        return {"iso": rfc3339(now * 1_000_000, 3), "epoch": now / 1000}

    def currencies(self, _: web.Request) -> list[dict[str, Any]]:
        """All currencies of the products."""
        return [shapes.currency(name) for name in sorted({n for symbol in self.markets for n in symbol.split("-")})]

    def products(self, _: web.Request) -> list[dict[str, Any]]:
        """All products."""
        return [self._product(one) for one in self.markets.values()]

    def product(self, request: web.Request) -> dict[str, Any]:
        """One product."""
        return self._product(self._one(request))

    def trades(self, request: web.Request) -> web.Response:
        """A page of trades."""
        one = self._one(request)
        found = self._page(request, one)
        rows = [shapes.rest_trade(one.listing, found, i) for i in reversed(range(len(found)))]
        headers = {"CB-BEFORE": str(found.ids[-1]), "CB-AFTER": str(found.ids[0])} if len(found) else {}
        return web.json_response(rows, headers=headers)

    def candles(self, request: web.Request) -> list[list[float]]:
        """Candles newest first, at most 300; windows without trades are left out."""
        one, now = self._one(request), self.exchange.clock()
        seconds = _number(request, "granularity", 60)
        if seconds not in _GRANULARITIES:
            raise refusal(400, "Unsupported granularity")
        end = min(now, _instant(request, "end", now) + 1)
        start = _instant(request, "start", end - _ROWS * seconds * 1000)
        if (end - start) > _ROWS * seconds * 1000 + 1:
            raise refusal(400, "granularity too small for the requested time range. "
                          f"Count of aggregations requested exceeds {_ROWS}")  # fmt: skip
        found = candles(
            one.market, one.summaries, interval=_GRANULARITIES[seconds], start_ms=start, end_ms=end, until_ms=now
        )
        return [shapes.candle_row(one.listing, candle) for candle in found if candle.traded.count][::-1]

    def _page(self, request: web.Request, one: Listed) -> Trades:
        limit, now = max(1, min(_PAGE, _number(request, "limit", _PAGE))), self.exchange.clock()
        if "after" in request.query:
            before = min(_number(request, "after", 0), one.market.last_id(now) + 1)
            return one.market.from_id(max(1, before - limit), min(limit, max(0, before - 1)), now)
        found = one.market.last_before(now, limit)
        return found.where(found.ids > _number(request, "before", 0))

    def _product(self, one: Listed) -> dict[str, Any]:
        return shapes.product(one.listing, is_trading=not self.exchange.halted(one.listing))

    def _one(self, request: web.Request) -> Listed:
        one = self.markets.get(request.match_info["id"].upper())
        if one is None:
            raise refusal(404, "NotFound")
        return one


def _number(request: web.Request, name: str, default: int) -> int:
    return number(request, name, default, refusal(400, f"{name} is not valid"))


def _instant(request: web.Request, name: str, default: int) -> int:
    """Milliseconds of an instant said as ISO 8601 or in seconds."""
    text = request.query.get(name)
    if text is None:
        return default
    if text.isdigit():
        return int(text) * 1000
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(400, f"{name} is not valid") from None
    return int(said.replace(tzinfo=said.tzinfo or UTC).timestamp() * 1000)
