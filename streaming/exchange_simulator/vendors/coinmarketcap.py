"""CoinMarketCap under ``/coinmarketcap``: listings and quotes, with a key. Errors carry the vendor's own codes.

The key comes in ``X-CMC_PRO_API_KEY`` or ``CMC_PRO_API_KEY``; one that begins with ``invalid`` is refused.
"""

from typing import Any

from aiohttp import web

from streaming.exchange_simulator.rest import VenueError, number
from streaming.exchange_simulator.vendors.coins import CURRENCIES, Figures
from streaming.exchange_simulator.vendors.vendor import Vendor, iso

_PAGE = 5000


class CoinMarketCap(Vendor):
    """Routes of the vendor."""

    name = "coinmarketcap"

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        calls = {
            "/v1/cryptocurrency/listings/latest": self.listings,
            "/v1/cryptocurrency/quotes/latest": self.quotes,
            "/v2/cryptocurrency/quotes/latest": self.quotes_2,
            "/v1/exchange/info": self.exchange_info,
        }
        return [self.get(f"/coinmarketcap{path}", call, is_long=True) for path, call in calls.items()]

    def admit(self, request: web.Request, weight: int) -> None:
        """Ask for the key, then take one call. Raises VenueError."""
        key = request.headers.get("X-CMC_PRO_API_KEY") or request.query.get("CMC_PRO_API_KEY", "")
        if not key:
            raise self._refusal(401, 1002, "API key missing.")
        if key.startswith("invalid"):
            raise self._refusal(401, 1001, "This API Key is invalid.")
        super().admit(request, weight)

    def banned(self, seconds: int) -> VenueError:
        """The key is disabled."""
        del seconds
        return self._refusal(403, 1007, "This API Key has been disabled. Please contact support.")

    def limited(self, seconds: int) -> VenueError:
        """Too many calls in a minute."""
        del seconds
        text = "You've exceeded your API Key's HTTP request rate limit. Rate limits reset every minute."
        return self._refusal(429, 1008, text)

    def unavailable(self) -> VenueError:
        """500."""
        return self._refusal(500, 500, "An internal server error occurred")

    def listings(self, request: web.Request) -> dict[str, Any]:
        """Coins by market value."""
        refusal = self._refusal(400, 400, '"limit" must be a number')
        limit, start = number(request, "limit", 100, refusal), number(request, "start", 1, refusal)
        everything = self.coins.all(self.as_of)
        rows = [self._row(request, f, rank) for rank, f in enumerate(everything, 1)]
        return self._answer(rows[max(0, start - 1) :][: min(_PAGE, limit)], total_count=len(rows))

    def quotes(self, request: web.Request) -> dict[str, Any]:
        """Coins by the key they were asked for, symbol, slug or number."""
        return self._answer({key: rows[0] for key, rows in self._asked(request).items()})

    def quotes_2(self, request: web.Request) -> dict[str, Any]:
        """As :meth:`quotes`, but a symbol may be of several coins."""
        found = self._asked(request)
        return self._answer(found if "symbol" in request.query else {key: rows[0] for key, rows in found.items()})

    def exchange_info(self, _: web.Request) -> None:
        """Not part of the plan."""
        raise self._refusal(403, 1006, "Your API Key subscription plan doesn't support this endpoint.")

    def _asked(self, request: web.Request) -> dict[str, list[dict[str, Any]]]:
        kind = next((k for k in ("id", "slug", "symbol") if k in request.query), None)
        if kind is None:
            raise self._refusal(400, 400, '"value" must contain at least one of [id, symbol, slug]')
        found: dict[str, list[dict[str, Any]]] = {}
        for rank, f in enumerate(self.coins.all(self.as_of), 1):
            name = {"id": str(f.coin.number), "slug": f.coin.slug, "symbol": f.coin.symbol}[kind]
            if name in request.query[kind].split(","):
                found[name if kind == "symbol" else str(f.coin.number)] = [self._row(request, f, rank)]
        if not found:
            raise self._refusal(400, 400, f'Invalid value for "{kind}": "{request.query[kind]}"')
        return found

    def _row(self, request: web.Request, f: Figures, rank: int) -> dict[str, Any]:
        coin, stamp, currency = f.coin, iso(f.updated_ms), request.query.get("convert", "USD").upper()
        rate = CURRENCIES.get(currency.lower())
        if rate is None:
            raise self._refusal(400, 400, f'Invalid value for "convert": "{currency}"')
        quote = {
            "price": f.price * rate, "volume_24h": f.volume * rate, "volume_change_24h": None,
            **{f"percent_change_{span}": f.changes[span] for span in ("1h", "24h", "7d", "30d", "60d", "90d")},
            "market_cap": f.market_cap * rate, "market_cap_dominance": None,
            "fully_diluted_market_cap": f.price * rate * (coin.max_supply or coin.supply), "last_updated": stamp,
        }  # fmt: skip
        return {
            "id": coin.number, "name": coin.name, "symbol": coin.symbol, "slug": coin.slug, "num_market_pairs": 1000,
            "date_added": "2013-04-28T00:00:00.000Z", "tags": [], "max_supply": coin.max_supply,
            "circulating_supply": coin.supply, "total_supply": coin.supply, "platform": None, "cmc_rank": rank,
            "self_reported_circulating_supply": None, "self_reported_market_cap": None, "last_updated": stamp,
            "quote": {currency: quote},
        }  # fmt: skip

    def _answer(self, data: Any, **status: int) -> dict[str, Any]:
        return {"status": {**self._status(0, None, credits_spent=1), "notice": None, **status}, "data": data}

    def _refusal(self, http: int, code: int, message: str) -> VenueError:
        return VenueError(http, {"status": self._status(code, message, credits_spent=0)})

    def _status(self, code: int, message: str | None, *, credits_spent: int) -> dict[str, Any]:
        return {"timestamp": iso(self.exchange.clock()), "error_code": code, "error_message": message, "elapsed": 12,
                "credit_count": credits_spent}  # fmt: skip
