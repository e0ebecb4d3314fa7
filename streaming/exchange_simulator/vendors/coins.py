"""Coins as vendors know them, and their figures: one price over all venues, in dollars, at an instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from streaming.exchange_simulator.exchange import Exchange, Listed

_DAY_MS = 86_400_000
_SPANS = (
    {"1h": _DAY_MS // 24, "24h": _DAY_MS}
    | {f"{days}d": days * _DAY_MS for days in (7, 14, 30, 60, 90, 200)}
    | {"1y": 365 * _DAY_MS}
)
CURRENCIES = {"usd": 1.0, "eur": 0.92, "gbp": 0.79, "jpy": 155.0, "cny": 7.2}
"""Units of a currency for a dollar; these rates stand still."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coin:
    """One coin: its names at the vendors, how many there are, and its extremes of all time in dollars."""

    symbol: str
    slug: str
    name: str
    number: int
    supply: float
    max_supply: float | None
    highest: float
    lowest: float


_TABLE: Sequence[tuple[str, str, str, int, float, float | None, float, float]] = (
    ("BTC", "bitcoin", "Bitcoin", 1, 19_950_000.0, 21_000_000.0, 126_080.0, 67.81),
    ("ETH", "ethereum", "Ethereum", 1027, 120_700_000.0, None, 4946.05, 0.432979),
    ("XRP", "ripple", "XRP", 52, 60_200_000_000.0, 100_000_000_000.0, 3.65, 0.00268621),
    ("BNB", "binancecoin", "BNB", 1839, 137_700_000.0, 200_000_000.0, 1369.99, 0.0398177),
    ("SOL", "solana", "Solana", 5426, 558_000_000.0, None, 293.31, 0.500801),
)
COINS = tuple(
    Coin(symbol=s, slug=slug, name=name, number=number, supply=supply, max_supply=most, highest=high, lowest=low)
    for s, slug, name, number, supply, most, high, low in _TABLE
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a vendor says of a coin, in dollars; changes in per cent."""

    coin: Coin
    updated_ms: int
    price: float
    high: float
    low: float
    open: float
    volume: float
    changes: Mapping[str, float | None]
    """By span, ``1h`` to ``1y``; None where the coin was not yet traded."""

    @property
    def change_24h(self) -> float:
        """Change of a day."""
        return (self.price / self.open - 1) * 100

    @property
    def market_cap(self) -> float:
        """Price of all there are."""
        return self.price * self.coin.supply


class Coins:
    """Figures of the coins that are traded in the simulated world, by market value."""

    def __init__(self, exchange: Exchange) -> None:
        by_base: dict[str, list[Listed]] = {}
        for one in exchange.listed.values():
            by_base.setdefault(one.listing.base, []).append(one)
        # The busiest market makes the price; all of them the volume.
        self._markets = {base: sorted(found, key=lambda one: -one.listing.rate) for base, found in by_base.items()}
        self._figures = lru_cache(maxsize=256)(self._make)

    def all(self, time_ms: int) -> list[Figures]:
        """All coins, the most valuable first."""
        found = [self._figures(coin, time_ms) for coin in COINS if coin.symbol in self._markets]
        return sorted((figures for figures in found if figures), key=lambda figures: -figures.market_cap)

    def of(self, symbol: str, time_ms: int) -> Figures | None:
        """One coin by its symbol; None for one that is not traded."""
        coin = next((coin for coin in COINS if coin.symbol == symbol), None)
        return self._figures(coin, time_ms) if coin and symbol in self._markets else None

    def main_market(self, symbol: str) -> Listed:
        """The market that makes the price of a coin. Raises KeyError for one that is not traded."""
        return self._markets[symbol][0]

    def _make(self, coin: Coin, time_ms: int) -> Figures | None:
        main, *others = self._markets[coin.symbol]
        day = main.day(time_ms)
        if day is None:
            return None
        scale = 10.0**main.listing.tick_decimals
        price = day.close / scale
        return Figures(
            coin=coin, updated_ms=time_ms, price=price, high=day.high / scale, low=day.low / scale,
            open=main.price(time_ms - _DAY_MS) or day.open / scale,
            volume=sum(_volume(one, time_ms) for one in (main, *others)),
            changes={name: _change(main, time_ms, span, price) for name, span in _SPANS.items()},
        )  # fmt: skip


def _volume(one: Listed, time_ms: int) -> float:
    day = one.day(time_ms)
    return day.amount / 10.0 ** (one.listing.tick_decimals + one.listing.lot_decimals) if day else 0.0


def _change(one: Listed, time_ms: int, span_ms: int, price: float) -> float | None:
    before = one.price(time_ms - span_ms)
    return (price / before - 1) * 100 if before else None


def rounded(value: float, digits: int = 6) -> float:
    """A number with so many significant digits, as vendors round."""
    return float(f"{value:.{digits}g}")
