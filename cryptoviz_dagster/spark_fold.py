"""Trades of many hours folded into minutes by Spark SQL: the same sums as the fold in Polars, by another engine.

Files are read by tasks from the object store, so Spark needs no connector of its own, and every sum is exact: decimals
of 18 places add up in decimals of 18 places, and Spark's ANSI mode refuses one that does not fit. Quotients and
products would lose places in Spark's decimals, so what is made of the sums is made by the product's own completion.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from cryptoviz.arithmetic.fold import MARKET
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import WRAP, HourVersion
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema, spark_ddl
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.objects import Objects

_NEEDED = ("venue", "symbol", "trade_id", "last_trade_id", "event_time", "price", "quantity", "quote_quantity", "side",
           "source", "offset", "row_hash")  # fmt: skip
_MINUTES = """
SELECT venue, symbol, date_trunc('MINUTE', event_time) AS window_start,
  min_by(price, struct(event_time, trade_id)) AS open, max(price) AS high, min(price) AS low,
  max_by(price, struct(event_time, trade_id)) AS close,
  sum(quantity) AS volume, sum(quote_quantity) AS quote_volume,
  sum(CASE WHEN side = 'buy' THEN quantity ELSE 0 END) AS taker_buy_volume,
  sum(CASE WHEN side = 'buy' THEN 0 ELSE quantity END) AS taker_sell_volume,
  sum(CASE WHEN side = 'buy' THEN quote_quantity ELSE 0 END) AS taker_buy_quote_volume,
  sum(last_trade_id - trade_id + 1) AS trade_count,
  min(trade_id) AS first_trade_id, max(last_trade_id) AS last_trade_id,
  sum(CAST(row_hash AS DECIMAL(38,0))) AS hash_sum, min(`offset`) AS first_offset, max(`offset`) AS last_offset,
  bool_or(source = 'repair') AS is_repaired, count(*) AS rows
FROM {trades} GROUP BY venue, symbol, date_trunc('MINUTE', event_time)
"""
Batches = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def fold_minutes(
    spark: SparkSession, location: Location, files: Sequence[str]
) -> tuple[dict[Hour, pl.DataFrame], dict[Hour, HourVersion]]:
    """Minutes of the trades in these files by hour, as ``fold_trades`` makes them, and the version of each hour."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.ansi.enabled", "true")
    folded = pl.from_arrow(spark.sql(_MINUTES, trades=_trades(spark, location, files)).toArrow())
    assert isinstance(folded, pl.DataFrame)  # noqa: S101 - from_arrow of a table is a frame
    minutes = folded.with_columns(
        pl.col("window_start").cast(pl.Datetime("us", "UTC")), pl.col("hash_sum").cast(pl.Int128)
    ).sort(*MARKET, "window_start")
    hours = minutes.group_by(pl.col("window_start").dt.truncate("1h"), maintain_order=True)
    parts = {Hour(start): part for (start,), part in hours}
    return {hour: part.drop("rows") for hour, part in parts.items()}, {h: _version(p) for h, p in parts.items()}


def _trades(spark: SparkSession, location: Location, files: Sequence[str]) -> DataFrame:
    needed = replace(TRADES, columns=tuple(column for column in TRADES.columns if column.name in _NEEDED))
    paths = spark.createDataFrame([(path,) for path in files], "path STRING").repartition(max(1, len(files)))
    return paths.mapInArrow(_reader(location, needed), spark_ddl(needed))


def _reader(location: Location, table: Table) -> Batches:
    schema = arrow_schema(table)

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        objects = Objects(location)
        for batch in batches:
            for path in batch["path"].to_pylist():
                payload = objects.get(f"{table.name}/{path}")
                if payload is None:
                    raise FileNotFoundError(f"{table.name}/{path} is named by the table's log and gone from the store")
                rows = pq.read_table(io.BytesIO(payload), columns=schema.names).select(schema.names).cast(schema)
                yield from rows.to_batches(max_chunksize=65_536)

    return read


def _version(minutes: pl.DataFrame) -> HourVersion:
    rows, hashes = minutes["rows"].sum(), minutes["hash_sum"].sum()
    return HourVersion(rows=int(rows), hash_sum=int(hashes) % WRAP)
