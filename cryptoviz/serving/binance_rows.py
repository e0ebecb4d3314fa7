"""Candles as rows of Binance's ``klines``.

As on Binance a quiet window repeats the last price with no volume, and one in which nothing can be known is left out.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

_HOLE = "@"
"""Stands for the last price of an earlier day until that is known."""
_UNKNOWN = ("blind", "halted")
_PADDED = r"^(-?\d+\.\d{8}\d*?)0*$"


@dataclass(frozen=True, slots=True)
class EncodedCandles:
    """Candles of one market by time: starts in milliseconds, rows as JSON, the last price as text if there is one."""

    starts: Sequence[int]
    rows: Sequence[bytes]
    last_close: str | None

    def between(self, first_ms: int, end_ms: int) -> slice:
        """Where the windows that start in `[first, end)` are."""
        return slice(bisect_left(self.starts, first_ms), bisect_left(self.starts, end_ms))


def join_rows(parts: Sequence[tuple[EncodedCandles, slice]]) -> list[bytes]:
    """Rows of consecutive parts; quiet windows before any known price are left out."""
    return list(_filled(parts))


def _filled(parts: Sequence[tuple[EncodedCandles, slice]]) -> Iterator[bytes]:
    carried: str | None = None
    hole = _HOLE.encode()
    for encoded, where in parts:
        for row in encoded.rows[where]:
            if hole not in row:
                yield row
            elif carried is not None:
                yield row.replace(hole, carried.encode())
        carried = encoded.last_close or carried


def eight_decimals(column: str) -> pl.Expr:
    """A decimal as Binance writes it: at least eight digits after the point, more where the value has them."""
    return pl.col(column).cast(pl.String).str.replace(_PADDED, "$1")


def encode_candles(candles: pl.DataFrame) -> EncodedCandles:
    """Encode the candles of one market, sorted by time."""
    known = candles.filter(pl.col("close").is_not_null() | ~pl.col("status").is_in(_UNKNOWN))
    close = eight_decimals("close").forward_fill().fill_null(_HOLE)
    prices = [eight_decimals(name).fill_null(pl.col("held")) for name in ("open", "high", "low", "close")]
    amounts = [
        eight_decimals(name) for name in ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
    ]
    start, end = pl.col("window_start").dt.epoch("ms"), pl.col("window_end").dt.epoch("ms") - 1
    row = pl.format(
        '[{},"{}","{}","{}","{}","{}",{},"{}",{},"{}","{}","0"]',
        start, *prices, amounts[0], end, amounts[1], pl.col("trade_count"), *amounts[2:],
    )  # fmt: skip
    encoded = known.with_columns(held=close).select(start.alias("start"), row.alias("row"), "held")
    last = encoded["held"][-1] if encoded.height else _HOLE
    rows = [text.encode() for text in encoded["row"]]
    return EncodedCandles(encoded["start"].to_list(), rows, None if last == _HOLE else last)
