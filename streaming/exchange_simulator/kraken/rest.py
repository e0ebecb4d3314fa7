"""REST of Kraken spot: every answer is HTTP 200 with a list of errors; calls are limited by a rate with a burst.

``since`` of Trades is an instant in nanoseconds; trades after it are answered, oldest first, at most 1,000.
"""

from typing import Any

from aiohttp import web

from cryptoviz.lake.symbols import UnknownSymbol, Venue, from_venue
from streaming.exchange_simulator.candles import candles
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.intervals import last_windows
from streaming.exchange_simulator.kraken import shapes
from streaming.exchange_simulator.market import Trades
from streaming.exchange_simulator.rest import RestVenue, VenueError, number
from streaming.exchange_simulator.rules import TokenBucket
from streaming.exchange_simulator.texts import rfc3339

_ROWS = 720
_PAGE = 1000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
INTERVALS = {1: "1m", 5: "5m", 15: "15m", 30: "30m", 60: "1h", 240: "4h", 1440: "1d", 10080: "1w"}
"""Minutes of a candle, and the window of that length."""


def refusal(text: str, *, status: int = 200) -> VenueError:
    """An error in Kraken's shape."""
    return VenueError(status, {"error": [text]})


class KrakenRest(RestVenue):
    """Routes of the venue's REST interface."""

    name = "kraken"

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.markets = {one.listing.symbol: one for one in exchange.of(self.name).values()}
        self._bucket = TokenBucket()

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        calls = {
            "Time": self.time, "SystemStatus": self.status, "Assets": self.assets, "AssetPairs": self.asset_pairs,
            "Ticker": self.ticker, "Trades": self.trades, "OHLC": self.ohlc,
        }  # fmt: skip
        return [
            self.get(f"/0/public/{name}", _enveloped(call), is_long=name in {"OHLC", "Ticker"})
            for name, call in calls.items()
        ]

    def admit(self, request: web.Request, weight: int) -> None:
        """Take one call of the allowance. Raises :class:`VenueError`, status 200 as at the venue."""
        del request, weight
        rules = self.exchange.rules
        if not self._bucket.take(rate=rules.kraken_calls_a_second, burst=rules.kraken_burst):
            raise self.limited(1)

    def banned(self, seconds: int) -> VenueError:
        """The venue does not say for how long."""
        del seconds
        return refusal("EGeneral:Temporary lockout")

    def limited(self, seconds: int) -> VenueError:
        """Too many calls."""
        del seconds
        return refusal("EAPI:Rate limit exceeded")

    def unavailable(self) -> VenueError:
        """520 of the host before the venue."""
        return VenueError(520, "error code: 520")

    def time(self, _: web.Request) -> dict[str, Any]:
        """The venue's clock."""
        return {"unixtime": self.exchange.clock() // 1000}

    def status(self, _: web.Request) -> dict[str, Any]:
        """Whether the venue trades."""
        return {"status": "online", "timestamp": rfc3339(self.exchange.clock() * 1_000_000)[:19] + "Z"}

    def assets(self, _: web.Request) -> dict[str, Any]:
        """All assets of the pairs."""
        names = {name for symbol in self.markets for name in symbol.split("-")}
        return dict(shapes.asset(name) for name in sorted(names))

    def asset_pairs(self, request: web.Request) -> dict[str, Any]:
        """The pairs asked for, or all."""
        return {
            shapes.pair_name(one.listing): shapes.pair(one.listing, is_trading=not self.exchange.halted(one.listing))
            for one in self._asked(request)
        }

    def ticker(self, request: web.Request) -> dict[str, Any]:
        """Prices and 24 hours of the pairs asked for, or of all."""
        now = self.exchange.clock()
        rows = {
            shapes.pair_name(one.listing): shapes.rest_ticker(one, now, now // _DAY_MS * _DAY_MS)
            for one in self._asked(request)
        }
        return {name: row for name, row in rows.items() if row}

    def trades(self, request: web.Request) -> dict[str, Any]:
        """Trades after an instant, the latest without one."""
        one = self._one(request)
        limit, now = max(1, min(_PAGE, _number(request, "count", _PAGE))), self.exchange.clock()
        since_ns = _number(request, "since", 0)
        found = _after(one, since_ns, limit, now) if since_ns else one.market.last_before(now, limit)
        last = found.time_ns(len(found) - 1) if len(found) else since_ns
        rows = [shapes.rest_trade(one.listing, found, i) for i in range(len(found))]
        return {shapes.pair_name(one.listing): rows, "last": str(last)}

    def ohlc(self, request: web.Request) -> dict[str, Any]:
        """The last 720 candles at most, the one in progress among them; fewer after ``since`` (seconds)."""
        one, minutes, now = self._one(request), _number(request, "interval", 1), self.exchange.clock()
        if minutes not in INTERVALS:
            raise refusal("EGeneral:Invalid arguments")
        interval = INTERVALS[minutes]
        start = max(last_windows(interval, now - 1, _ROWS), (_number(request, "since", 0) + 1) * 1000)
        found = candles(one.market, one.summaries, interval=interval, start_ms=start, end_ms=now, until_ms=now)
        rows = [shapes.rest_candle(one.listing, candle) for candle in found]
        # The last row is still open: the venue names the one before it as the last that will not change.
        last = rows[-2][0] if len(rows) > 1 else 0
        return {shapes.pair_name(one.listing): rows, "last": last}

    def _one(self, request: web.Request) -> Listed:
        return self._named(request.query.get("pair", ""))

    def _asked(self, request: web.Request) -> list[Listed]:
        named = request.query.get("pair", "")
        return [self._named(name) for name in named.split(",")] if named else list(self.markets.values())

    def _named(self, name: str) -> Listed:
        try:
            return self.markets[from_venue(Venue.KRAKEN, name).symbol]
        except (UnknownSymbol, KeyError, ValueError):
            raise refusal("EQuery:Unknown asset pair") from None


def _after(one: Listed, since_ns: int, limit: int, now_ms: int) -> Trades:
    """Trades later than an instant to the nanosecond; a page at a time, so that an early instant is no burden."""
    start, span = since_ns // 1_000_000, _HOUR_MS
    while True:
        found = one.market.between(start, min(now_ms, start + span))
        found = found.where(found.times * 1_000_000 + found.nanos > since_ns)
        if len(found) >= limit or start + span >= now_ms:
            return found.where(slice(0, limit))
        span *= 4


def _enveloped(call: Any) -> Any:
    def answer(request: web.Request) -> dict[str, Any]:
        return {"error": [], "result": call(request)}

    return answer


def _number(request: web.Request, name: str, default: int) -> int:
    return number(request, name, default, refusal("EGeneral:Invalid arguments"))
