"""CryptoCompare under ``/cryptocompare``: prices and candles. Errors come with HTTP 200 and are told by the body."""

from typing import Any

from aiohttp import web

from streaming.exchange_simulator.market import Listing, Trades
from streaming.exchange_simulator.rest import VenueError, number
from streaming.exchange_simulator.texts import quantity_text
from streaming.exchange_simulator.vendors.coins import CURRENCIES, Figures, rounded
from streaming.exchange_simulator.vendors.vendor import Vendor

_SPANS = {"histominute": 60_000, "histohour": 3_600_000, "histoday": 86_400_000}
_ROWS = 2000


class CryptoCompare(Vendor):
    """Routes of the vendor."""

    name = "cryptocompare"
    refresh_ms = 10_000

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        calls = {"price": self.price, "pricemulti": self.prices, "pricemultifull": self.full}
        routes = [self.get(f"/cryptocompare/data/{path}", call, is_long=True) for path, call in calls.items()]
        for path in _SPANS:
            routes += [self.get(f"/cryptocompare/data/{prefix}{path}", self.history, is_long=True)
                       for prefix in ("", "v2/")]  # fmt: skip
        return routes

    def banned(self, seconds: int) -> VenueError:
        """As for too many calls."""
        return self.limited(seconds)

    def limited(self, seconds: int) -> VenueError:
        """HTTP 200 with the allowance and what was used of it."""
        del seconds
        calls = self.exchange.rules.calls_a_minute(self.name)
        limit = {"calls_made": {"second": 1, "minute": calls + 1}, "max_calls": {"second": 20, "minute": calls}}
        return _refusal(99, "You are over your rate limit please upgrade your account!", limit=limit)

    def unavailable(self) -> VenueError:
        """502 of the host before the vendor."""
        return VenueError(502, "<html><head><title>502 Bad Gateway</title></head></html>")

    def price(self, request: web.Request) -> dict[str, float]:
        """Prices of one coin."""
        (figures,) = self._coins(request, "fsym")
        return _prices(figures, _list(request, "tsyms"))

    def prices(self, request: web.Request) -> dict[str, dict[str, float]]:
        """Prices of several coins; those not known are left out."""
        wanted = _list(request, "tsyms")
        return {f.coin.symbol: _prices(f, wanted) for f in self._coins(request, "fsyms")}

    def full(self, request: web.Request) -> dict[str, Any]:
        """All figures of several coins, as numbers and as text for people."""
        wanted = [symbol for symbol in _list(request, "tsyms") if symbol.lower() in CURRENCIES]
        raw: dict[str, dict[str, Any]] = {}
        for f in self._coins(request, "fsyms"):
            one = self.coins.main_market(f.coin.symbol)
            last = one.market.last_before(f.updated_ms, 1)
            raw[f.coin.symbol] = {symbol: _full(f, symbol, last, one.listing) for symbol in wanted}
        shown = {coin: {symbol: _shown(row) for symbol, row in rows.items()} for coin, rows in raw.items()}
        return {"RAW": raw, "DISPLAY": shown}

    def history(self, request: web.Request) -> dict[str, Any]:
        """The last candles, each with the close before as its open; the old and the new envelope."""
        (figures,) = self._coins(request, "fsym")
        span = _SPANS[request.path.rpartition("/")[2]]
        count = min(_ROWS, number(request, "limit", 30, _refusal(2, "limit is not valid", parameter="limit")))
        end = number(request, "toTs", self.as_of // 1000, _refusal(2, "toTs is not valid", parameter="toTs")) * 1000
        last = min(end, self.as_of) // span * span
        rows = [self._candle(figures, start, span) for start in range(last - count * span, last + 1, span)]
        times = {"TimeFrom": rows[0]["time"], "TimeTo": rows[-1]["time"]}
        head = {"Response": "Success", "Message": "", "HasWarning": False, "Type": 100, "RateLimit": {}}
        if "/v2/" in request.path:
            return {**head, "Data": {"Aggregated": False, **times, "Data": rows}}
        conversion = {"type": "direct", "conversionSymbol": ""}
        return {**head, "Aggregated": False, **times, "FirstValueInArray": True, "ConversionType": conversion,
                "Data": rows}  # fmt: skip

    def _candle(self, figures: Figures, start: int, span: int) -> dict[str, float]:
        one = self.coins.main_market(figures.coin.symbol)
        found = one.summaries.between(start, min(start + span, self.exchange.clock()))
        scale, lots = 10.0**one.listing.tick_decimals, 10.0**one.listing.lot_decimals
        if found is None:
            price = one.price(start) or 0.0
            return {"time": start // 1000, "high": price, "low": price, "open": price, "volumefrom": 0.0,
                    "volumeto": 0.0, "close": price}  # fmt: skip
        opened = one.price(start) or found.open / scale
        return {"time": start // 1000, "high": max(opened, found.high / scale), "low": min(opened, found.low / scale),
                "open": opened, "volumefrom": found.lots / lots, "volumeto": found.amount / scale / lots,
                "close": found.close / scale}  # fmt: skip

    def _coins(self, request: web.Request, name: str) -> list[Figures]:
        symbols = _list(request, name)
        found = [f for symbol in dict.fromkeys(symbols) if (f := self.coins.of(symbol, self.as_of))]
        if not found:
            pair = f"{symbols[0]}-{request.query.get('tsyms', request.query.get('tsym', 'USD'))}"
            text = f"cccagg_or_exchange market does not exist for this coin pair ({pair})"
            raise _refusal(2, text, parameter=name)
        return found


def _prices(f: Figures, wanted: list[str]) -> dict[str, float]:
    return {s: rounded(f.price * CURRENCIES[s.lower()]) for s in wanted if s.lower() in CURRENCIES}


def _full(f: Figures, symbol: str, last: Trades, listing: Listing) -> dict[str, Any]:
    rate, hour = CURRENCIES[symbol.lower()], f.changes["1h"] or 0.0
    lots = float(quantity_text(listing, int(last.lots[0])))
    return {
        "TYPE": "5", "MARKET": "CCCAGG", "FROMSYMBOL": f.coin.symbol, "TOSYMBOL": symbol, "FLAGS": "2049",
        "PRICE": rounded(f.price * rate), "LASTUPDATE": f.updated_ms // 1000, "MEDIAN": rounded(f.price * rate),
        "LASTVOLUME": lots, "LASTVOLUMETO": lots * f.price * rate, "LASTTRADEID": int(last.ids[0]),
        "LASTMARKET": listing.venue.capitalize(), "VOLUME24HOUR": f.volume / f.price, "VOLUME24HOURTO": f.volume * rate,
        "OPEN24HOUR": f.open * rate, "HIGH24HOUR": f.high * rate, "LOW24HOUR": f.low * rate,
        "CHANGE24HOUR": (f.price - f.open) * rate, "CHANGEPCT24HOUR": f.change_24h,
        "CHANGEHOUR": f.price * rate * hour / (100 + hour), "CHANGEPCTHOUR": hour, "SUPPLY": f.coin.supply,
        "MKTCAP": f.market_cap * rate, "CIRCULATINGSUPPLY": f.coin.supply,
        "CIRCULATINGSUPPLYMKTCAP": f.market_cap * rate,
    }  # fmt: skip


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """For people; the id of a trade alone stays a number."""
    return {name: value if name == "LASTTRADEID" else str(value) for name, value in row.items()}


def _list(request: web.Request, name: str) -> list[str]:
    text = request.query.get(name, "")
    if not text:
        raise _refusal(2, f"{name} is a required param.", parameter=name)
    return [part.strip().upper() for part in text.split(",")]


def _refusal(kind: int, message: str, *, parameter: str = "", limit: dict[str, Any] | None = None) -> VenueError:
    body = {"Response": "Error", "Message": message, "HasWarning": False, "Type": kind, "RateLimit": limit or {},
            "Data": {}}  # fmt: skip
    return VenueError(200, body | ({"ParamWithError": parameter} if parameter else {}))
