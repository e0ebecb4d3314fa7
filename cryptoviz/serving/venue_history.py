"""The venue's own hourly candles where the lake has none of its own: history from before our first trade.

They carry the status ``venue``: nothing about them is proven here.
"""

from datetime import datetime, timedelta

import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.symbols import Instrument
from cryptoviz.lake.tables import KLINES
from cryptoviz.serving.chunks import Chunks
from cryptoviz.serving.snapshots import Snapshots
from cryptoviz.storage.frames import empty

VENUE_STATUS = "venue"


class VenueHistory:
    """Hours of the table ``klines`` in the columns of our hourly candles."""

    def __init__(self, snapshots: Snapshots, chunks: Chunks) -> None:
        self._snapshots, self._chunks = snapshots, chunks

    def hours(self, instrument: Instrument, first: datetime | None, end: datetime, count: int) -> pl.DataFrame:
        """Hours that start in `[first, end)`: the first ``count`` of them, the last when ``first`` is open."""
        snapshot = self._snapshots.latest(KLINES)
        begin = first or end - timedelta(hours=count)
        names = [name for name in snapshot.files if _name(begin) <= name <= _name(end)]
        chunks = self._chunks.get(KLINES, snapshot, names)
        found = [chunk.markets[market] for chunk in chunks if (market := _market(instrument)) in chunk.markets]
        if not found:
            return empty(OHLC_1H)
        inside = pl.col("window_start").is_between(begin, end, closed="left")
        rows = pl.concat(found).filter(inside, pl.col("interval") == "1h")
        return as_candles(rows.head(count) if first else rows.tail(count))


def as_candles(klines: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``klines`` as rows of ``ohlc_1h``; what the venue does not say is zero, or null where it may be.

    Their status is the reader's to set, once they are folded.
    """
    nothing = {column.name: column.nullable for column in OHLC_1H.columns if column.name not in klines.columns}
    schema = empty(OHLC_1H).schema
    filled = klines.with_columns(
        *(pl.lit(None if nullable else _zero(schema[name])).cast(schema[name]).alias(name)
          for name, nullable in nothing.items())
    )  # fmt: skip
    return filled.with_columns(
        taker_sell_volume=(pl.col("volume") - pl.col("taker_buy_volume")).cast(schema["taker_sell_volume"]),
        status=pl.lit("traded"),
        minutes=pl.lit(60, pl.Int32),
    ).select(OHLC_1H.column_names)


def _zero(kind: pl.DataType) -> int | str:
    return HourVersion().digest if kind == pl.String else 0


def _market(instrument: Instrument) -> tuple[str, str]:
    return (instrument.venue, instrument.symbol)


def _name(instant: datetime) -> tuple[str, ...]:
    return (f"{instant.year:04}", f"{instant.month:02}", f"{instant.day:02}")
