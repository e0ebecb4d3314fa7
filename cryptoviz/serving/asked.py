"""What callers of ``/api/v1`` may say, each with its bounds."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from cryptoviz.inspect.export import parse_instant
from cryptoviz.serving.errors import BAD_PARAMETER, ApiError, InvalidInterval
from cryptoviz.serving.formats import Format
from cryptoviz.serving.intervals import INTERVALS, Served

CANDLES_AT_MOST = 50_000
ROWS_AT_MOST = 20_000
_LAST_MS = 4_102_444_800_000

Symbol = Annotated[str, Query(max_length=41, description="BTC-USDT or BTCUSDT; binance:BTC-USDT names the venue too.")]
AnySymbol = Annotated[str, Query(max_length=41, description="One market; all when empty.")]
Venue = Annotated[str, Query(max_length=20, description="The venue, such as binance; the first that has the symbol.")]
Model = Annotated[str, Query(max_length=40, description="A model's name; the best known when empty.")]
IntervalName = Annotated[str, Query(max_length=4, description="1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M")]
Instant = Annotated[str, Query(max_length=40, description="Milliseconds since 1970 or an ISO time, UTC.")]
CandleLimit = Annotated[int, Query(ge=1, le=CANDLES_AT_MOST, description="Candles at most.")]
RowLimit = Annotated[int, Query(ge=1, le=ROWS_AT_MOST, description="Rows at most, the newest.")]
Hours = Annotated[int, Query(ge=1, le=24 * 31, description="Hours back from now.")]
Form = Annotated[
    Format, Query(alias="format", description="Arrow is an IPC stream; decimals are text in JSON and CSV.")
]


def instant(text: str, name: str) -> datetime | None:
    """The time a parameter names; None when it is empty. Raises ApiError."""
    if not text:
        return None
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(min(int(text), _LAST_MS) / 1000, UTC)
        found = parse_instant(text)
    except (ValueError, OverflowError):
        found = None
    if found is None or not 1970 <= found.year < 2100:
        raise ApiError(BAD_PARAMETER, f"Data sent for parameter '{name}' is not valid: milliseconds or an ISO time.")
    return found


def interval_named(name: str) -> Served:
    """The interval. Raises InvalidInterval."""
    found = INTERVALS.get(name)
    if found is None:
        raise InvalidInterval
    return found
