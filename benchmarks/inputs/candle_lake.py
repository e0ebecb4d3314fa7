"""A lake of random candles for measurements of what reads them: every minute of some markets over some days."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from deltalake import WriterProperties, write_deltalake

from cryptoviz.arithmetic.fold import SUMS
from cryptoviz.lake.candle_tables import OHLC, Interval
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.schema import Table
from cryptoviz.lake.symbols import Instrument
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.frames import empty

_VERSION = HourVersion().digest
_FORMATS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H"}


def write_candles(
    location: Location, instruments: Sequence[Instrument], *, end: datetime, days: float, seed: int = 7
) -> None:
    """Write `ohlc_1m` and `ohlc_1h` up to ``end``; one minute in fifty is quiet, an hour of each market is blind."""
    minutes = [_market(one, end, days, seed + rank) for rank, one in enumerate(instruments)]
    frame = pl.concat(minutes)
    _write(OHLC[Interval.M1], location, frame)
    _write(OHLC[Interval.H1], location, _hours(frame))


def write_rows(table: Table, location: Location, rows: pl.DataFrame) -> None:
    """Append rows of any table; columns they lack are null, or zero where they may not be."""
    _write(table, location, _filled(table, rows))


def _market(instrument: Instrument, end: datetime, days: float, seed: int) -> pl.DataFrame:
    count, draw = int(days * 1440), np.random.default_rng(seed)
    ticks = (6_400_000 / (1 + seed % 7) * np.exp(np.cumsum(draw.normal(0, 0.0006, count)))).astype(np.int64)
    opens = np.concatenate(([ticks[0]], ticks[:-1]))
    high, low = (
        np.maximum(ticks, opens) + draw.integers(0, 900, count),
        np.minimum(ticks, opens) - draw.integers(0, 900, count),
    )
    lots, trades = draw.integers(1_000, 900_000, count), draw.integers(1, 240, count)
    begin = end - timedelta(minutes=count)
    start = pl.datetime_range(begin, end, "1m", closed="left", time_unit="us", time_zone="UTC", eager=True)
    last_id = np.cumsum(trades)
    rows = pl.DataFrame(
        {"window_start": start, "o": opens, "h": high, "l": low, "c": ticks, "lots": lots, "trade_count": trades,
         "last_trade_id": last_id, "first_trade_id": last_id - trades + 1, "luck": draw.random(count)}
    )  # fmt: skip
    first, last = end - timedelta(hours=3, minutes=20), end - timedelta(hours=2, minutes=45)
    blind = pl.col("window_start").is_between(first, last, closed="left")
    status = (
        pl.when(blind)
        .then(pl.lit("blind"))
        .when(pl.col("luck") < 0.02)
        .then(pl.lit("quiet"))
        .otherwise(pl.lit("traded"))
    )
    return _candles(instrument, rows.with_columns(status=status))


def _candles(instrument: Instrument, rows: pl.DataFrame) -> pl.DataFrame:
    traded = pl.col("status") == "traded"
    prices = [pl.when(traded).then(_decimal(pl.col(short), 2)).alias(name)
              for short, name in (("o", "open"), ("h", "high"), ("l", "low"), ("c", "close"))]  # fmt: skip
    lots = pl.when(traded).then(pl.col("lots")).otherwise(0)
    amounts = {
        "volume": _decimal(lots, 5),
        "quote_volume": _decimal(lots * (pl.col("c") // 100), 5),
        "taker_buy_volume": _decimal(lots // 2, 5),
        "taker_sell_volume": _decimal(lots - lots // 2, 5),
        "taker_buy_quote_volume": _decimal(lots // 2 * (pl.col("c") // 100), 5),
    }
    ids = [pl.when(traded).then(pl.col(n)).otherwise(None).alias(n) for n in ("first_trade_id", "last_trade_id")]
    made = rows.with_columns(
        *prices, *ids, venue=pl.lit(str(instrument.venue)), symbol=pl.lit(instrument.symbol),
        window_end=pl.col("window_start") + pl.duration(minutes=1), minutes=pl.lit(1),
        trade_count=pl.when(traded).then(pl.col("trade_count")).otherwise(0), revision=pl.lit(1), **amounts,
    )  # fmt: skip
    return _filled(OHLC[Interval.M1], made)


def _hours(minutes: pl.DataFrame) -> pl.DataFrame:
    hour = pl.col("window_start").dt.truncate("1h")
    sums = (*SUMS, "trade_count")
    made = minutes.group_by("venue", "symbol", hour, maintain_order=True).agg(
        pl.col("open").drop_nulls().first(), pl.col("high").max(), pl.col("low").min(),
        pl.col("close").drop_nulls().last(), *(pl.col(name).sum() for name in sums),
        pl.col("first_trade_id").min(), pl.col("last_trade_id").max(), minutes=pl.len().cast(pl.Int32),
        status=pl.when(pl.len() < 60).then(pl.lit("open")).when((pl.col("status") == "blind").any())
        .then(pl.lit("blind")).otherwise(pl.lit("traded")),
        revision=(pl.len() == 60).cast(pl.Int32),
    ).with_columns(window_end=pl.col("window_start") + pl.duration(hours=1))  # fmt: skip
    return _filled(OHLC[Interval.H1], made)


def _filled(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """All columns of the table; those not made are null, or zero where they may not be."""
    schema = empty(table).schema
    missing = [
        pl.lit(None if column.nullable else _VERSION if schema[column.name] == pl.String else 0).alias(column.name)
        for column in table.columns
        if column.name not in rows.columns
    ]
    return rows.with_columns(missing).select(pl.col(n).cast(schema[n]) for n in table.column_names)


def _decimal(value: pl.Expr, digits: int) -> pl.Expr:
    """An integer of so many digits after the point as exact decimal."""
    scale = 10**digits
    text = pl.concat_str(
        (value // scale).cast(pl.String), pl.lit("."), (value % scale).cast(pl.String).str.zfill(digits)
    )
    return text.cast(pl.Decimal(38, 18))


def _write(table: Table, location: Location, rows: pl.DataFrame) -> None:
    LakeTable(table, location)
    names = [pl.col(table.time_column).dt.strftime(_FORMATS[name]).alias(name) for name in table.partition_columns]
    arrow = rows.sort(table.key).with_columns(names).to_arrow().cast(arrow_schema(table, partitions=True))
    write_deltalake(
        location.table(table.name), arrow, mode="append", writer_properties=WriterProperties(compression="ZSTD"),
        storage_options=location.storage_options,
    )  # fmt: skip
