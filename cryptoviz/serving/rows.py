"""Rows of the lake as JSON values: times as milliseconds, decimals as text, everything else as it is."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptoviz.serving.events import plain

_SHOWN = (
    "window_start", "window_end", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "taker_buy_quote_volume", "trade_count", "status", "revision", "missing_ids",
)  # fmt: skip


def json_value(value: Any) -> Any:
    """One value of a row."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, bytes):
        return value.hex()
    return value


def json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A whole row."""
    return {name: json_value(value) for name, value in row.items()}


def final_candle(row: Mapping[str, Any]) -> dict[str, Any]:
    """A candle of the lake as streams tell it."""
    return json_row({name: row.get(name) for name in _SHOWN}) | {"source": "lake"}
