"""Which asset a ticker meant on a venue, and when: tickers are renamed, given away, and mean two things on two venues.

An asset is called by its latest ticker. What is not listed here is called by its own. The facts are those that the
venues announced; between the last trade under the old name and the first under the new one nothing was traded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """``ticker`` means ``asset`` from ``since`` until ``until`` (UTC, None for open) on ``venue``, empty for all."""

    ticker: str
    asset: str
    venue: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, *, venue: str, ticker: str, at: datetime) -> bool:
        """Whether it says what the ticker means there and then."""
        is_then = (self.since is None or self.since <= at) and (self.until is None or at < self.until)
        return self.ticker == ticker and self.venue in {"", venue} and is_then


_TERRA = datetime(2022, 5, 28, tzinfo=UTC)
MEANINGS = (
    Meaning(ticker="LUNA", asset="LUNC", venue="kraken"),
    Meaning(ticker="LUNA2", asset="LUNA", venue="kraken"),
    Meaning(ticker="LUNA", asset="LUNC", until=_TERRA),
    Meaning(ticker="MATIC", asset="POL"),
    Meaning(ticker="RNDR", asset="RENDER"),
    Meaning(ticker="FTM", asset="S"),
    Meaning(ticker="XBT", asset="BTC"),
    Meaning(ticker="XDG", asset="DOGE"),
)
"""Terra: the old chain's LUNA became LUNC when the new one began (28 May 2022); Kraken calls them LUNA and LUNA2."""


def asset_of(venue: str, ticker: str, at: datetime, *, meanings: Iterable[Meaning] = MEANINGS) -> str:
    """The asset that a ticker meant on a venue at an instant. Of several meanings the first holds."""
    found = (meaning.asset for meaning in meanings if meaning.holds(venue=venue, ticker=ticker, at=at))
    return next(found, ticker)
