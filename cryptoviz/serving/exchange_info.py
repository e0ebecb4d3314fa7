"""What is traded, in the shape of Binance's ``exchangeInfo``; grids are those seen in the last candles."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.markets import spelling
from cryptoviz.serving.parts import Parts
from cryptoviz.serving.snapshots import StoreUnavailable

_SEEN = Range(first=None, end=None, limit=120)
_DIGITS = 8
_FILTERS = {"minQty": "0.00000000", "maxQty": "9000000000.00000000"}


def exchange_info(parts: Parts, instruments: Sequence[Instrument]) -> dict[str, Any]:
    """The body of ``exchangeInfo``."""
    return {
        "timezone": "UTC",
        "serverTime": int(parts.clock().timestamp() * 1000),
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [_symbol(parts, instrument) for instrument in instruments],
    }


def decimals_of(parts: Parts, instrument: Instrument) -> tuple[int, int]:
    """Digits after the point of prices and of volumes in the last candles; eight when there are none."""
    try:
        rows = parts.reader.read(instrument, INTERVALS["1m"], _SEEN).frame
    except (StoreUnavailable, OSError):
        return _DIGITS, _DIGITS
    if not rows["close"].drop_nulls().len():
        return _DIGITS, _DIGITS
    prices = [rows.select(_fraction(name).max()).item() or 0 for name in ("open", "high", "low", "close")]
    return max(prices), rows.select(_fraction("volume").max()).item() or 0


def _fraction(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.extract(r"\.([0-9]*?)0*$", 1).str.len_bytes()


def _symbol(parts: Parts, instrument: Instrument) -> dict[str, Any]:
    price, quantity = decimals_of(parts, instrument)
    tick, step = f"{10**-price:.8f}", f"{10**-quantity:.8f}"
    return {
        "symbol": spelling(instrument), "status": "TRADING", "venue": instrument.venue,
        "baseAsset": instrument.base, "baseAssetPrecision": _DIGITS, "quoteAsset": instrument.quote,
        "quotePrecision": _DIGITS, "quoteAssetPrecision": _DIGITS, "orderTypes": [], "icebergAllowed": False,
        "ocoAllowed": False, "isSpotTradingAllowed": False, "isMarginTradingAllowed": False,
        "permissions": ["SPOT"], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", **_FILTERS, "stepSize": step},
        ],
    }  # fmt: skip
