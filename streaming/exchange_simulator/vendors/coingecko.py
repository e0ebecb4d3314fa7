"""CoinGecko under ``/coingecko/api/v3``: prices and markets of coins. A parameter that is missing is 422."""

from typing import Any

from aiohttp import web

from streaming.exchange_simulator.rest import VenueError, number
from streaming.exchange_simulator.vendors.coins import CURRENCIES, Figures, rounded
from streaming.exchange_simulator.vendors.vendor import Vendor, iso

_PAGE = 250
_UPGRADE = (
    "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our API "
    "plans for higher rate limits."
)


class CoinGecko(Vendor):
    """Routes of the vendor."""

    name = "coingecko"

    def routes(self) -> list[web.RouteDef]:
        """Everything answered."""
        calls = {"ping": lambda _: {"gecko_says": "(V3) To the Moon!"}, "simple/price": self.price,
                 "coins/markets": self.markets, "coins/list": self.coin_list}  # fmt: skip
        return [self.get(f"/coingecko/api/v3/{path}", call, is_long=True) for path, call in calls.items()]

    def banned(self, seconds: int) -> VenueError:
        """403 of the host before the vendor."""
        del seconds
        return VenueError(403, "error code: 1020")

    def limited(self, seconds: int) -> VenueError:
        """429 with ``Retry-After``."""
        return VenueError(
            429, {"status": {"error_code": 429, "error_message": _UPGRADE}}, {"Retry-After": str(seconds)}
        )

    def unavailable(self) -> VenueError:
        """503."""
        return VenueError(503, {"status": {"error_code": 503, "error_message": "Service Unavailable"}})

    def price(self, request: web.Request) -> dict[str, dict[str, float]]:
        """Prices by coin and currency; what is not known is left out, not refused."""
        ids = {part.strip() for part in _required(request, "ids").split(",")}
        wanted = [part.strip().lower() for part in _required(request, "vs_currencies").split(",")]
        return {f.coin.slug: self._simple(request, f, wanted) for f in self._figures() if f.coin.slug in ids}

    def markets(self, request: web.Request) -> list[dict[str, Any]]:
        """Figures of coins in one currency, the most valuable first."""
        rate = self._rate(_required(request, "vs_currency").lower())
        if rate is None:
            raise VenueError(422, {"error": "invalid vs_currency"})
        ids = {part.strip() for part in request.query.get("ids", "").split(",") if part.strip()}
        size = min(_PAGE, _number(request, "per_page", 100))
        first = (max(1, _number(request, "page", 1)) - 1) * size
        ranked = [(rank, f) for rank, f in enumerate(self._figures(), 1) if not ids or f.coin.slug in ids]
        spans = [part.strip() for part in request.query.get("price_change_percentage", "").split(",") if part.strip()]
        return [_market(f, rank, rate, spans) for rank, f in ranked[first : first + size]]

    def coin_list(self, _: web.Request) -> list[dict[str, str]]:
        """All coins."""
        return [{"id": f.coin.slug, "symbol": f.coin.symbol.lower(), "name": f.coin.name} for f in self._figures()]

    def _figures(self) -> list[Figures]:
        return self.coins.all(self.as_of)

    def _rate(self, currency: str) -> float | None:
        coin = self.coins.of(currency.upper(), self.as_of)
        return 1 / coin.price if coin else CURRENCIES.get(currency)

    def _simple(self, request: web.Request, f: Figures, wanted: list[str]) -> dict[str, float]:
        row: dict[str, float] = {}
        for currency, rate in ((c, self._rate(c)) for c in wanted):
            if rate is None:
                continue
            row[currency] = rounded(f.price * rate)
            extra = {"market_cap": f.market_cap * rate, "24hr_vol": f.volume * rate, "24hr_change": f.change_24h}
            names = {"market_cap": "market_cap", "24hr_vol": "24h_vol", "24hr_change": "24h_change"}
            row |= {
                f"{currency}_{names[k]}": v for k, v in extra.items() if request.query.get(f"include_{k}") == "true"
            }
        if request.query.get("include_last_updated_at") == "true":
            row["last_updated_at"] = f.updated_ms // 1000
        return row


def _market(f: Figures, rank: int, rate: float, spans: list[str]) -> dict[str, Any]:
    coin, price, cap = f.coin, f.price * rate, f.market_cap * rate
    before = price / (1 + f.change_24h / 100)
    return {
        "id": coin.slug, "symbol": coin.symbol.lower(), "name": coin.name,
        "image": f"https://assets.coingecko.com/coins/images/{coin.number}/large/{coin.slug}.png",
        "current_price": rounded(price), "market_cap": round(cap), "market_cap_rank": rank,
        "fully_diluted_valuation": round(price * coin.max_supply) if coin.max_supply else None,
        "total_volume": round(f.volume * rate), "high_24h": rounded(f.high * rate), "low_24h": rounded(f.low * rate),
        "price_change_24h": round(price - before, 8), "price_change_percentage_24h": round(f.change_24h, 5),
        "market_cap_change_24h": round(cap - cap / (1 + f.change_24h / 100)),
        "market_cap_change_percentage_24h": round(f.change_24h, 5), "circulating_supply": coin.supply,
        "total_supply": coin.max_supply or coin.supply, "max_supply": coin.max_supply,
        "ath": coin.highest, "ath_change_percentage": round((f.price / coin.highest - 1) * 100, 5),
        "ath_date": "2025-10-06T18:57:42.558Z", "atl": coin.lowest,
        "atl_change_percentage": round((f.price / coin.lowest - 1) * 100, 5), "atl_date": "2015-10-20T00:00:00.000Z",
        "roi": {"times": 44.3, "currency": "btc", "percentage": 4430.0} if coin.symbol == "ETH" else None,
        "last_updated": iso(f.updated_ms),
        **{f"price_change_percentage_{span}_in_currency": f.changes.get(span) for span in spans},
    }  # fmt: skip


def _required(request: web.Request, name: str) -> str:
    value = request.query.get(name, "")
    if not value:
        raise VenueError(422, {"error": f"Missing parameter {name}"})
    return value


def _number(request: web.Request, name: str, default: int) -> int:
    return number(request, name, default, VenueError(422, {"error": f"invalid {name}"}))
