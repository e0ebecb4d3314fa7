"""A day of trades to one-minute candles: our build beside plain queries of DuckDB and Polars, in one run.

``./run bench candles [--hours 24] [--as-arrived]``: 20 symbols, 2,083,333 made-up trades an hour (24 hours are 50
million), laid down as a lake whose hours are one file each, sorted as the nightly compaction does or by time alone.
Every engine runs in a process of its own and folds hour after hour from the files; the sums it found must agree. Then
the minutes of one symbol are read back, from the directory and from a MinIO that holds a copy.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.inputs.small_stack import small_stack
from cryptoviz.arithmetic.intervals import INTERVALS
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.symbols import parse_instrument
from cryptoviz.lake.tables import BOOK_TICKERS, TRADES
from cryptoviz.storage.candles import read_candles
from cryptoviz.storage.data_files import encode
from cryptoviz.storage.frames import empty, replace_partition, version_of
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.transforms.candles import HourInputs, build_candles

SYMBOLS = 20
ROWS_AN_HOUR = 50_000_000 // 24
FIRST = Hour(datetime(2026, 11, 10, tzinfo=UTC))
_DECIMAL = pl.Decimal(38, 18)
_LEVELS = (64_000, 3_100, 170, 2, 600, 64, 12, 0.5, 0.02, 7)
_SUMMARY = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "trade_count")
Result = dict[str, object]


def hour_of_trades(hour: Hour, rows: int, first_id: int) -> pl.DataFrame:
    """Rows of ``trades`` in order of arrival: as the venue's, with ticks and lots, several in one millisecond."""
    random = np.random.default_rng(hour.number)
    symbol = np.sort(random.integers(0, SYMBOLS, rows))
    level = np.array(_LEVELS)[symbol % len(_LEVELS)]
    ticks = np.maximum(1, np.rint(level * 100) + np.cumsum(random.integers(-1, 2, rows)) % 1_000).astype(np.int64)
    lots = np.maximum(1, random.lognormal(0, 1.5, rows) * 1e5 / level).astype(np.int64)
    ids = first_id + np.arange(rows)
    # A symbol's trades are in order of time; their ids too.
    offsets_ms = np.sort(random.integers(0, 3_600_000, rows).reshape(-1))
    rank = np.argsort(np.argsort(symbol, kind="stable"), kind="stable")
    times = np.empty(rows, np.int64)
    for number in range(SYMBOLS):
        mine = np.flatnonzero(symbol == number)
        times[mine] = np.sort(random.choice(offsets_ms, mine.size))
    start = int(hour.start.timestamp() * 1000)
    moment = pl.Series((times + start) * 1000, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    hundred, lot = pl.lit(100, _DECIMAL), pl.lit(100_000, _DECIMAL)
    frame = pl.DataFrame(
        {
            "number": symbol,
            "ticks": ticks,
            "lots": lots,
            "trade_id": ids,
            "event_time": moment,
            "offset": ids - first_id + rank,
            "is_buy": random.random(rows) < 0.5,
            "row_hash": random.integers(-(2**63), 2**63 - 1, rows),
        }
    )
    price, quantity = pl.col("ticks").cast(_DECIMAL) / hundred, pl.col("lots").cast(_DECIMAL) / lot
    typed = frame.with_columns(
        venue=pl.lit("binance"),
        symbol=pl.concat_str(pl.lit("S"), pl.col("number").cast(pl.String).str.zfill(2), pl.lit("-USDT")),
        last_trade_id=pl.col("trade_id"),
        price=price.cast(_DECIMAL),
        quantity=quantity.cast(_DECIMAL),
        side=pl.when("is_buy").then(pl.lit("buy")).otherwise(pl.lit("sell")),
        source=pl.lit("ws"),
        received_time=pl.col("event_time"),
        lateness_ms=pl.lit(0, pl.Int64),
        topic=pl.lit("trades"),
        partition=pl.col("number").cast(pl.Int32) % 6,
        kafka_time=pl.col("event_time"),
    )
    return typed.with_columns(quote_quantity=(pl.col("price") * pl.col("quantity")).cast(_DECIMAL)).select(
        TRADES.column_names
    )


def lay_down(location: Location, hours: int, *, as_arrived: bool) -> None:
    """A lake with one file an hour, as it lies after the night or, sorted by time alone, before."""
    for number in range(hours):
        hour = FIRST.next(number)
        frame = hour_of_trades(hour, ROWS_AN_HOUR, 1 + number * ROWS_AN_HOUR)
        frame = frame.sort("event_time", "offset") if as_arrived else frame.sort(TRADES.key)
        path = _file(location, hour)
        path.parent.mkdir(parents=True)
        path.write_bytes(encode(TRADES, frame.to_arrow().cast(arrow_schema(TRADES)), level=3))


def ours(location: Location, hours: int) -> Iterator[pl.DataFrame]:
    """The product's own fold of the product's own reading of an hour."""
    quotes = empty(BOOK_TICKERS)
    for number in range(hours):
        hour = FIRST.next(number)
        trades = pl.read_parquet(_file(location, hour)).select(TRADES.column_names)
        seen = {f"binance:S{n:02}-USDT": IdSet([(1, (number + 1) * ROWS_AN_HOUR)]) for n in range(SYMBOLS)}
        inputs = HourInputs(trades=trades, quotes=quotes, seen=seen, trades_version=version_of(trades))
        candles = build_candles(inputs, start=hour.start, end=hour.end, now=hour.end)
        replace_partition(OHLC_1M, location, hour, candles, {})
        yield candles


def plain_polars(location: Location, hours: int) -> Iterator[pl.DataFrame]:
    """What one would write by hand: a sort and a group-by."""
    is_buy = pl.col("side") == "buy"
    buy = pl.col("quantity").filter(is_buy).sum()
    for number in range(hours):
        rows = pl.scan_parquet(_file(location, FIRST.next(number))).sort("event_time", "trade_id")
        yield (
            rows.group_by("venue", "symbol", pl.col("event_time").dt.truncate("1m"))
            .agg(
                open=pl.col("price").first(),
                high=pl.col("price").max(),
                low=pl.col("price").min(),
                close=pl.col("price").last(),
                volume=pl.col("quantity").sum(),
                quote_volume=pl.col("quote_quantity").sum(),
                taker_buy_volume=buy,
                taker_sell_volume=pl.col("quantity").sum() - buy,
                taker_buy_quote_volume=pl.col("quote_quantity").filter(is_buy).sum(),
                trade_count=(pl.col("last_trade_id") - pl.col("trade_id") + 1).sum(),
                first_trade_id=pl.col("trade_id").min(),
                last_trade_id=pl.col("last_trade_id").max(),
                hash_sum=pl.col("row_hash").cast(pl.Int128).sum(),
                first_offset=pl.col("offset").min(),
                last_offset=pl.col("offset").max(),
                is_repaired=(pl.col("source") == "repair").any(),
            )
            .collect()
        )


_SQL = """
SELECT venue, symbol, date_trunc('minute', event_time) AS window_start,
  arg_min(price, (event_time, trade_id)) AS open, max(price) AS high, min(price) AS low,
  arg_max(price, (event_time, trade_id)) AS close,
  sum(quantity) AS volume, sum(quote_quantity) AS quote_volume,
  coalesce(sum(quantity) FILTER (side = 'buy'), 0) AS taker_buy_volume,
  coalesce(sum(quantity) FILTER (side = 'sell'), 0) AS taker_sell_volume,
  coalesce(sum(quote_quantity) FILTER (side = 'buy'), 0) AS taker_buy_quote_volume,
  sum(last_trade_id - trade_id + 1)::BIGINT AS trade_count, min(trade_id) AS first_trade_id,
  max(last_trade_id) AS last_trade_id, sum(row_hash) AS hash_sum, min("offset") AS first_offset,
  max("offset") AS last_offset, bool_or(source = 'repair') AS is_repaired
FROM read_parquet('{path}') GROUP BY ALL
"""


def plain_duckdb(location: Location, hours: int) -> Iterator[pl.DataFrame]:
    """The same in SQL."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for number in range(hours):
            yield database.sql(_SQL.format(path=_file(location, FIRST.next(number)))).pl()


ENGINES: dict[str, Callable[[Location, int], Iterator[pl.DataFrame]]] = {
    "ours": ours,
    "Polars": plain_polars,
    "DuckDB": plain_duckdb,
}


def measure(engine: str, location: Location, hours: int) -> Result:
    """Fold every hour in this process; times, memory and sums that all engines must agree on."""
    began, before, totals = time.perf_counter(), time.process_time(), dict.fromkeys(_SUMMARY, 0)
    for candles in ENGINES[engine](location, hours):
        for name in _SUMMARY:
            totals[name] += candles[name].cast(pl.Decimal(38, 18)).sum()
    return {
        "engine": engine,
        "cpu": time.process_time() - before,
        "wall": time.perf_counter() - began,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "totals": {name: f"{total:f}" for name, total in totals.items()},
    }


def read_back(location: Location, hours: int) -> tuple[int, float]:
    """Rows and seconds of one symbol's minutes over the hours, as the page and the command line read them."""
    market, end = parse_instrument("binance:S03-USDT"), FIRST.next(hours).start
    began = time.perf_counter()
    minutes = read_candles(location, market, INTERVALS["1m"], start=FIRST.start, end=end, now=end)
    return minutes.height, time.perf_counter() - began


def read_back_from_minio(location: Location, hours: int) -> Iterator[tuple[int, float]]:
    """The same from a MinIO of the benchmark's own with a copy of the candles: the first time and again."""
    with small_stack("live", "minio") as settings:
        source, copy = Objects(location), Objects(settings.lake)
        for info in source.list(OHLC_1M.name):
            copy.put(info.path, source.get(info.path) or b"")
        for _ in range(3):
            yield read_back(settings.lake, hours)


def _file(location: Location, hour: Hour) -> Path:
    return Path(location.uri, TRADES.name, hour.path, "part.parquet")


def _in_a_process(engine: str, folder: str, hours: int) -> Result:
    command = [sys.executable, "-m", "benchmarks.candles", "--engine", engine, "--lake", folder, "--hours", str(hours)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    found: Result = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24, help="hours of the day; 24 are 50 million trades")
    parser.add_argument("--as-arrived", action="store_true", help="hours that have not been compacted")
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--lake", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        print(json.dumps(measure(options.engine, Location(uri=options.lake), options.hours)))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Location(uri=folder)
        lay_down(place, options.hours, as_arrived=options.as_arrived)
        results = [_in_a_process(engine, folder, options.hours) for engine in ENGINES]
        reads = [read_back(place, options.hours), *read_back_from_minio(place, options.hours)]
    print(f"{options.hours * ROWS_AN_HOUR:,} trades, {SYMBOLS} symbols, {options.hours} h")
    print("engine | CPU s | wall s | RSS MB")
    for result in results:
        print(f"{result['engine']} | {result['cpu']:.1f} | {result['wall']:.1f} | {result['rss_mb']:.0f}")
    if any(result["totals"] != results[0]["totals"] for result in results):
        sys.exit(f"the engines disagree: {[result['totals'] for result in results]}")
    best = min(float(str(result["cpu"])) for result in results[1:])
    print(f"ours takes {float(str(results[0]['cpu'])) / best:.2f} x the CPU of the better plain query")
    for where, (rows, seconds) in zip(("a directory", *["MinIO"] * 3), reads, strict=True):
        print(f"{rows} minutes of one symbol read from {where} in {seconds:.2f} s")


if __name__ == "__main__":
    main()
