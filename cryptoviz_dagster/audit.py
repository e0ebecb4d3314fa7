"""An hour built anew from raw records and compared with what is stored, row by row and byte by byte."""

import hashlib
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import BOOK_TICKERS, TRADES, table_named
from cryptoviz.lake.topics import TOPICS
from cryptoviz.storage.frames import open_table, replace_partition, version_of
from cryptoviz.storage.live_files import files_by_span
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.hour_inputs import input_hours, read_inputs
from cryptoviz_dagster.rejudging import rejudge
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import build_candles

SETTLED_AFTER = timedelta(hours=2)
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two frames of one table: how many rows each has, how many differ, and the first of those, as text."""

    table: str
    stored: int
    rebuilt: int
    different: int
    shown: Sequence[str] = ()

    @property
    def is_equal(self) -> bool:
        """Whether every row is on both sides, equal in every column."""
        return self.different == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an audit found. The digests are of the files' bytes; the stored one is empty when there are several."""

    hour: Hour
    raw_records: int
    comparisons: Sequence[Comparison] = field(default_factory=tuple)
    stored_digest: str = ""
    rebuilt_digest: str = ""

    @property
    def has_equal_rows(self) -> bool:
        """Whether every table's rows are as they should be."""
        return all(comparison.is_equal for comparison in self.comparisons)

    @property
    def has_equal_bytes(self) -> bool:
        """Whether the file of the candles is the one that would be written now."""
        return self.stored_digest == self.rebuilt_digest


def choose_hour(lake: Lake, day: date, *, raw_kept: timedelta | None) -> Hour | None:
    """One hour of the lake, by a seed that is the day, so that anybody can repeat the choice.

    Only hours whose candles stand on what the lake holds, and whose raw records are not about to be forgotten.
    """
    now, inputs, folded = lake.now(), input_hours(lake).hours, lake.folded_hours()
    oldest = now - raw_kept + timedelta(days=1) if raw_kept else None
    ready = [
        hour
        for hour, entry in inputs.items()
        if hour in folded
        and folded[hour].version == entry.version.digest
        and hour.end + SETTLED_AFTER <= now
        and (oldest is None or hour.start >= oldest)
    ]
    # Not for secrets: the seed is published.
    return random.Random(day.isoformat()).choice(sorted(ready)) if ready else None  # noqa: S311


def audit(lake: Lake, hour: Hour, *, first_hour: Hour) -> Verdict:
    """Judge the raw records of an hour again, fold them again, compare with the lake."""
    seen = lake.seen_ids()
    stored = read_inputs(lake, hour, seen)
    trades, trade_records = _rebuilt(lake, TRADES, stored.trades, hour, first_hour)
    quotes, quote_records = _rebuilt(lake, BOOK_TICKERS, stored.quotes, hour, first_hour)
    inputs = replace(
        stored, trades=trades, quotes=quotes, trades_version=version_of(trades), quotes_version=version_of(quotes)
    )
    before = lake.rows(OHLC_1M, hour).sort(OHLC_1M.key)
    built = build_candles(inputs, start=hour.start, end=hour.end, now=lake.now())
    # A revision counts how often candles changed, which no record tells.
    candles = built.drop("revision").join(before.select(*OHLC_1M.key, "revision"), on=OHLC_1M.key, how="left")
    after = candles.with_columns(pl.col("revision").fill_null(0)).select(OHLC_1M.column_names).sort(OHLC_1M.key)
    return Verdict(
        hour=hour,
        raw_records=trade_records + quote_records,
        comparisons=(
            compare(TRADES, stored.trades, trades),
            compare(BOOK_TICKERS, stored.quotes, quotes),
            compare(OHLC_1M, before, after),
        ),
        stored_digest=_digest(lake.location, hour),
        rebuilt_digest=_digest_of_written(hour, after),
    )


def compare(table: Table, stored: pl.DataFrame, rebuilt: pl.DataFrame) -> Comparison:
    """Rows of either side that the other lacks, as many times as it has them."""
    sides = [frame.select(table.column_names).sort(pl.all()) for frame in (stored, rebuilt)]
    if sides[0].equals(sides[1]):
        return Comparison(table=table.name, stored=stored.height, rebuilt=rebuilt.height, different=0)
    counted = [frame.group_by(pl.all()).len("times") for frame in sides]
    keys = [*table.column_names, "times"]
    lacking = [a.join(b, on=keys, how="anti", nulls_equal=True) for a, b in (counted, counted[::-1])]
    labels = [frame.with_columns(side=pl.lit(side)) for frame, side in zip(lacking, ("stored", "rebuilt"), strict=True)]
    different = pl.concat(labels).sort(*table.key, "side")
    return Comparison(
        table=table.name,
        stored=stored.height,
        rebuilt=rebuilt.height,
        different=different.height,
        shown=[str(row) for row in different.head(_SHOWN).iter_rows(named=True)],
    )


def _rebuilt(lake: Lake, table: Table, stored: pl.DataFrame, hour: Hour, first_hour: Hour) -> tuple[pl.DataFrame, int]:
    """Rows of the hour made from raw records, and how many of those were read.

    Records lie in the hour they reached Kafka: the hour itself and the next one, and every other that a stored row
    of the hour came from.
    """
    raw_table = table_named(next(topic.raw_table for topic in TOPICS if topic.clean_table == table.name))
    arrived = {Hour(start) for start in stored["kafka_time"].dt.truncate("1h").unique()}
    raw = pl.concat([lake.rows(raw_table, each) for each in sorted(arrived | {hour, hour.next()})])
    rows = rejudge(table, raw_table, raw, first_hour=first_hour)
    return rows.filter(pl.col("event_time").is_between(hour.start, hour.end, closed="left")), raw.height


def _digest(location: Location, hour: Hour) -> str:
    files = files_by_span(OHLC_1M, open_table(OHLC_1M, location)).get(hour, [])
    payload = Objects(location).get(f"{OHLC_1M.name}/{files[0].path}") if len(files) == 1 else None
    return hashlib.sha256(payload).hexdigest() if payload else ""


def _digest_of_written(hour: Hour, candles: pl.DataFrame) -> str:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Location(uri=folder)
        replace_partition(OHLC_1M, scratch, hour, candles, {})
        return _digest(scratch, hour)
