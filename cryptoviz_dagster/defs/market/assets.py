"""Candles as assets: window, read, one pure function, publish, metadata."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from cryptoviz.arithmetic.fold import fold_candles
from cryptoviz.lake.candle_tables import OHLC, OHLC_1H, OHLC_1M, Interval
from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import BOOK_TICKERS, KLINES, TRADES
from cryptoviz_dagster.defs.market.candle_metadata import describe
from cryptoviz_dagster.defs.market.records import record_events
from cryptoviz_dagster.defs.table_asset import table_asset
from cryptoviz_dagster.hour_inputs import read_inputs
from cryptoviz_dagster.partitions import hours_of
from cryptoviz_dagster.publishing import Part, publish
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import build_candles
from cryptoviz_dagster.transforms.revisions import Revised

HOURLY_ROLL_UPS = (Interval.M5, Interval.M15, Interval.H1)
DAILY_ROLL_UPS = (Interval.H4, Interval.D1)
IDS_KNOWN_AT = "cryptoviz/ids_known_at"
_PICTURES_UP_TO = 48
_SETTLING = timedelta(hours=1)
"""So long after an hour's end its candles may still be missing from a day without being called missing."""


def candle_assets(hours: dg.PartitionsDefinition, days: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The candle assets over the lake's hours and days; a range of them is one run."""
    return [
        _minutes(hours),
        *(_hourly(interval, hours) for interval in HOURLY_ROLL_UPS),
        *(_daily(interval, days) for interval in DAILY_ROLL_UPS),
    ]


def _minutes(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        OHLC_1M,
        partitions,
        deps=[TRADES.name, BOOK_TICKERS.name, KLINES.name],
        group="market",
        about="Minutes without trades are rows too.",
        code_version="3",
    )
    def ohlc_1m(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        now = lake.now()
        hours = hours_of(context.partition_keys, now=now)
        seen, parts = lake.seen_ids(), []
        for hour in hours:
            inputs = read_inputs(lake, hour, seen)
            parts.append(Part(span=hour, candles=build_candles(inputs, start=hour.start, end=hour.end, now=now)))
        published = _publish(context, lake, Interval.M1, parts)
        for hour, revised in zip(hours, published, strict=True):
            note = describe(Interval.M1, revised, hour, with_picture=len(hours) <= _PICTURES_UP_TO)
            origin = {"dagster/uri": lake.uri(OHLC_1M, hour), IDS_KNOWN_AT: dg.MetadataValue.timestamp(now)}
            context.add_asset_metadata({**note, **origin}, partition_key=hour.key)
        return dg.MaterializeResult()

    return ohlc_1m


def _hourly(interval: Interval, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    table = OHLC[interval]

    @table_asset(
        table,
        partitions,
        deps=[OHLC_1M.name],
        group="market",
        about="The exact fold of the one-minute candles.",
        code_version="3",
    )
    def roll_up(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        hours, parts = hours_of(context.partition_keys, now=lake.now()), []
        for hour in hours:
            candles = fold_candles(lake.rows(OHLC_1M, hour), interval=interval.length)
            parts.append(Part(span=hour, candles=candles))
        for hour, revised in zip(hours, _publish(context, lake, interval, parts), strict=True):
            note = describe(interval, revised, hour)
            context.add_asset_metadata({**note, "dagster/uri": lake.uri(table, hour)}, partition_key=hour.key)
        return dg.MaterializeResult()

    return roll_up


def _daily(interval: Interval, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    table = OHLC[interval]

    @table_asset(
        table,
        partitions,
        deps=[OHLC_1H.name],
        group="market",
        about="The exact fold of the day's hourly candles; `hours` says how many there are.",
        condition=rolled_up(),
        code_version="3",
    )
    def roll_up(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        days, parts, counts = list(map(Day.from_key, context.partition_keys)), [], []
        for day in days:
            hourly = lake.rows_between(OHLC_1H, *_bounds(day)).collect()
            candles = fold_candles(hourly, interval=interval.length, settled=lake.now() - _SETTLING)
            parts.append(Part(span=day, candles=candles))
            counts.append(hourly["window_start"].n_unique())
        for day, revised, count in zip(days, _publish(context, lake, interval, parts), counts, strict=True):
            note = {**describe(interval, revised, day), "hours": dg.MetadataValue.int(count)}
            context.add_asset_metadata({**note, "dagster/uri": lake.uri(table, day)}, partition_key=day.key)
        return dg.MaterializeResult()

    return roll_up


def _publish(context: dg.AssetExecutionContext, lake: Lake, interval: Interval, parts: Sequence[Part]) -> list[Revised]:
    revised = publish(lake, interval, parts)
    for event in record_events([part.span for part in parts], revised):
        context.log_event(event)
    return revised


def rolled_up(look_back: timedelta = timedelta(days=7)) -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """Whenever an hour of the day has new candles, also if others are missing.

    Compared with Dagster's ``eager`` it loses no hour that lands while a run is under way, and no day but the newest.
    """
    condition = dg.AutomationCondition
    news = condition.any_deps_match(condition.newly_updated()).since(condition.newly_requested())
    idle = ~condition.any_deps_in_progress() & ~condition.in_progress()
    return (condition.in_latest_time_window(look_back) & news & idle).with_label("rolled_up")


def _bounds(day: Day) -> tuple[Hour, Hour]:
    first = Hour(day.start)
    return first, first.next(23)


def ids_known_at(instance: dg.DagsterInstance, hour: Hour) -> datetime:
    """When the ids around the minutes of an hour were read; its start when nobody remembers."""
    filters = dg.AssetRecordsFilter(dg.AssetKey(OHLC_1M.name), asset_partitions=[hour.key])
    records = instance.fetch_materializations(filters, limit=1).records
    events = [record.asset_materialization for record in records]
    noted = [event.metadata.get(IDS_KNOWN_AT) for event in events if event]
    known = [note.value for note in noted if isinstance(note, dg.TimestampMetadataValue)]
    return datetime.fromtimestamp(known[0], UTC) if known else hour.start
