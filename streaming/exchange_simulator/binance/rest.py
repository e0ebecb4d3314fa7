"""REST of Binance spot: market data with weights, 429 with ``Retry-After``, and 418 for those who do not stop."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from cryptoviz.lake.symbols import to_venue
from streaming.exchange_simulator.binance import shapes
from streaming.exchange_simulator.binance.aggregates import aggregate_id, first_trade, fold
from streaming.exchange_simulator.candles import candles
from streaming.exchange_simulator.exchange import Exchange, Listed
from streaming.exchange_simulator.intervals import LENGTHS, last_windows
from streaming.exchange_simulator.market import Trades
from streaming.exchange_simulator.rest import RestVenue, VenueError, number
from streaming.exchange_simulator.rules import WeightWindow
from streaming.exchange_simulator.seeded import CELL

_HOUR_MS = 3_600_000
_PAGE = 1000


def refusal(code: int, message: str, *, status: int = 400, **headers: str) -> VenueError:
    """An error in Binance's shape."""
    return VenueError(status, {"code": code, "msg": message}, {k.replace("_", "-"): v for k, v in headers.items()})


class BinanceRest(RestVenue):
    """Routes of the venue's REST interface."""

    name = "binance"

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.markets = {to_venue(one.listing.instrument): one for one in exchange.of(self.name).values()}
        self._window = WeightWindow()

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        calls: dict[str, tuple[int, Callable[[web.Request], Any]]] = {
            "ping": (1, lambda _: {}),
            "time": (1, lambda _: {"serverTime": self.exchange.clock()}),
            "exchangeInfo": (20, self.exchange_info),
            "trades": (25, self.trades),
            "historicalTrades": (25, self.historical_trades),
            "aggTrades": (4, self.aggregates),
            "klines": (2, self.klines),
            "uiKlines": (2, self.klines),
            "ticker/price": (2, self.price),
            "ticker/bookTicker": (2, self.book),
            "ticker/24hr": (2, self.day),
            "avgPrice": (2, self.average),
        }
        return [
            self.get(f"/api/v3/{path}", call, weight=weight, is_long=path.endswith(("klines", "24hr")))
            for path, (weight, call) in calls.items()
        ]

    def admit(self, request: web.Request, weight: int) -> None:
        """Spend weight; tickers of all symbols cost more. Raises :class:`VenueError` 429 or 418."""
        if self._window.banned_s:
            self.exchange.counts["requests_while_banned"] += 1
            raise self.banned(int(self._window.banned_s) + 1)
        wait = self._window.spend(_weight(request, weight), self.exchange.rules.binance_weight_a_minute)
        if wait:
            raise self.limited(int(wait) + 1)

    def headers(self) -> dict[str, str]:
        """What has been spent."""
        used = str(self._window.used)
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def banned(self, seconds: int) -> VenueError:
        """418."""
        until = self.exchange.clock() + seconds * 1000
        text = (
            f"Way too much request weight used; IP banned until {until}. "
            "Please use the websocket for live updates to avoid bans."
        )
        return refusal(-1003, text, status=418, Retry_After=str(seconds))

    def limited(self, seconds: int) -> VenueError:
        """429."""
        limit = self.exchange.rules.binance_weight_a_minute
        text = (
            f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return refusal(-1003, text, status=429, Retry_After=str(seconds))

    def unavailable(self) -> VenueError:
        """503."""
        return refusal(-1000, "An unknown error occurred while processing the request.", status=503)

    def market(self, request: web.Request) -> tuple[str, Listed]:
        """The market a request names. Raises :class:`VenueError`."""
        symbol = request.query.get("symbol", "")
        if not symbol:
            raise refusal(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if symbol not in self.markets:
            raise refusal(-1121, "Invalid symbol.")
        return symbol, self.markets[symbol]

    def exchange_info(self, request: web.Request) -> dict[str, Any]:
        """Symbols with their filters."""
        chosen = [self.market(request)] if "symbol" in request.query else list(self.markets.items())
        symbols = [
            shapes.symbol_info(one.listing, name, is_trading=not self.exchange.halted(one.listing))
            for name, one in chosen
        ]
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
                 "limit": self.exchange.rules.binance_weight_a_minute}  # fmt: skip
        return {"timezone": "UTC", "serverTime": self.exchange.clock(), "rateLimits": [limit], "exchangeFilters": [],
                "symbols": symbols}  # fmt: skip

    def trades(self, request: web.Request) -> list[dict[str, Any]]:
        """The latest trades."""
        _, one = self.market(request)
        return _rows(one, one.market.last_before(self.exchange.clock(), _limit(request)))

    def historical_trades(self, request: web.Request) -> list[dict[str, Any]]:
        """Trades from an id on, the latest without one."""
        _, one = self.market(request)
        if "fromId" not in request.query:
            return self.trades(request)
        return _rows(one, one.market.from_id(_number(request, "fromId", 0), _limit(request), self.exchange.clock()))

    def aggregates(self, request: web.Request) -> list[dict[str, Any]]:
        """Aggregate trades by id or time, the latest without either."""
        _, one = self.market(request)
        found = fold(one.market, self._aggregated(request, one))
        limit = _limit(request)
        chosen = found[:limit] if {"fromId", "startTime"} & set(request.query) else found[-limit:]
        return [aggregate.as_dict(one.market) for aggregate in chosen]

    def _aggregated(self, request: web.Request, one: Listed) -> Trades:
        """Trades that hold all aggregates asked for, none cut at its beginning."""
        market, now, wanted = one.market, self.exchange.clock(), 2 * _limit(request)
        if "startTime" in request.query:
            start = _number(request, "startTime", 0)
            return market.between(start, min(now, _number(request, "endTime", start + _HOUR_MS) + 1), with_lost=True)
        if "fromId" in request.query:
            return market.from_id(first_trade(market, _number(request, "fromId", 0)), wanted, now, with_lost=True)
        first = first_trade(market, aggregate_id(market, max(1, market.last_id(now) - wanted)))
        return market.from_id(first, wanted + CELL, now, with_lost=True)

    def klines(self, request: web.Request) -> list[list[Any]]:
        """Candles, the last one possibly still open."""
        _, one = self.market(request)
        interval = request.query.get("interval", "")
        if interval not in LENGTHS:
            raise refusal(-1120, "Invalid interval.")
        limit, now = _limit(request), self.exchange.clock()
        end = min(now, _number(request, "endTime", now) + 1)
        start = _number(request, "startTime", last_windows(interval, end - 1, limit))
        rows: list[list[Any]] = []
        for candle in candles(one.market, one.summaries, interval=interval, start_ms=start, end_ms=end, until_ms=now):
            rows.append(shapes.kline(one.listing, candle))
            if len(rows) == limit:
                break
        return rows

    def price(self, request: web.Request) -> Any:
        """Last price of one symbol or all."""
        return self._each(request, self._price)

    def book(self, request: web.Request) -> Any:
        """Best bid and ask of one symbol or all."""
        return self._each(request, self._book)

    def day(self, request: web.Request) -> Any:
        """Statistics of the last 24 hours."""
        return self._each(request, lambda name, one: shapes.day(one, name, self.exchange.clock()))

    def average(self, request: web.Request) -> dict[str, Any]:
        """Mean price of five minutes."""
        _, one = self.market(request)
        now = self.exchange.clock()
        found = one.summaries.between(now - 300_000, now)
        text = shapes.mean_price(one.listing, found) if found else "0.00000000"
        return {"mins": 5, "price": text, "closeTime": now}

    def _price(self, name: str, one: Listed) -> dict[str, str] | None:
        last = one.market.last_before(self.exchange.clock(), 1)
        return {"symbol": name, "price": shapes.price(one.listing, int(last.ticks[0]))} if len(last) else None

    def _book(self, name: str, one: Listed) -> dict[str, str] | None:
        quote = one.quotes.latest(self.exchange.clock())
        return shapes.book(one.listing, name, quote) if quote else None

    def _each(self, request: web.Request, make: Callable[[str, Listed], Any]) -> Any:
        if "symbol" in request.query:
            return make(*self.market(request)) or {}
        wanted = request.query.get("symbols", "")
        names = [name for name in self.markets if not wanted or f'"{name}"' in wanted]
        return [row for name in names if (row := make(name, self.markets[name]))]


def _weight(request: web.Request, weight: int) -> int:
    """Weight of a request: tickers of several symbols cost more than of one."""
    if "/ticker/" not in request.path or "symbol" in request.query:
        return weight
    if not request.path.endswith("24hr"):
        return 4
    named = request.query.get("symbols", "").count(",") + 1 if "symbols" in request.query else 101
    return 2 if named <= 20 else 40 if named <= 100 else 80


def _rows(one: Listed, trades: Trades) -> list[dict[str, Any]]:
    return [shapes.rest_trade(one.listing, trades, i) for i in range(len(trades))]


def _limit(request: web.Request) -> int:
    return max(1, min(_PAGE, _number(request, "limit", 500)))


def _number(request: web.Request, name: str, default: int) -> int:
    return number(request, name, default, refusal(-1100, f"Illegal characters found in parameter '{name}'."))
