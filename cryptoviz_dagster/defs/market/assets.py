"""Candles as assets: window, read, one pure function, write, metadata."""

from datetime import UTC, datetime

import dagster as dg

from cryptoviz.candles.fold import HOUR, fold_candles
from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.tables import TRADES
from cryptoviz_dagster.defs.lake.assets import column_schema
from cryptoviz_dagster.defs.market.candle_metadata import describe
from cryptoviz_dagster.partitions import hours_of
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import build_candles

_GROUP, _KINDS, _OWNERS = "market", {"polars", "delta", "s3"}, ["team:cryptoviz"]
_IDS_KNOWN_AT = "cryptoviz/ids_known_at"
_PICTURES_UP_TO = 48


def candle_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The candle assets over the lake's hours; a range of hours is one run."""
    return [_minutes(partitions), _hours(partitions)]


def _minutes(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        name=OHLC_1M.name,
        deps=[TRADES.name],
        description=f"{OHLC_1M.doc} Key: {', '.join(OHLC_1M.key)}. Minutes without trades are rows too.",
        metadata={"dagster/column_schema": column_schema(OHLC_1M)},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=_GROUP,
        kinds=_KINDS,
        owners=_OWNERS,
        code_version="1",
    )
    def ohlc_1m(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        now = lake.now()
        hours = hours_of(context.partition_keys, now=now)
        seen = lake.seen_ids()
        for hour in hours:
            trades = lake.trades(hour)
            candles = build_candles(
                trades.frame, start=hour.start, end=hour.end, now=now, seen=seen, version=trades.version
            )
            lake.publish(OHLC_1M, hour, candles, version=trades.version, as_of=now)
            note = describe(candles, hour, version=trades.version, with_picture=len(hours) <= _PICTURES_UP_TO)
            origin = {"dagster/uri": lake.uri(OHLC_1M, hour), _IDS_KNOWN_AT: dg.MetadataValue.timestamp(now)}
            context.add_asset_metadata({**note, **origin}, partition_key=hour.key)
        return dg.MaterializeResult()

    return ohlc_1m


def _hours(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        name=OHLC_1H.name,
        deps=[OHLC_1M.name],
        description=f"{OHLC_1H.doc} Key: {', '.join(OHLC_1H.key)}. The exact fold of the one-minute candles.",
        metadata={"dagster/column_schema": column_schema(OHLC_1H)},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=_GROUP,
        kinds=_KINDS,
        owners=_OWNERS,
        code_version="1",
    )
    def ohlc_1h(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult[None]:
        for hour in hours_of(context.partition_keys, now=lake.now()):
            as_of, minutes = _ids_known_at(context.instance, hour), lake.candles(OHLC_1M, hour)
            version = minutes["source_version"][0] if minutes.height else HourVersion().digest
            candles = fold_candles(minutes, interval=HOUR, version=version)
            lake.publish(OHLC_1H, hour, candles, version=version, as_of=as_of)
            note = describe(candles, hour, version=version)
            context.add_asset_metadata({**note, "dagster/uri": lake.uri(OHLC_1H, hour)}, partition_key=hour.key)
        return dg.MaterializeResult()

    return ohlc_1h


def _ids_known_at(instance: dg.DagsterInstance, hour: Hour) -> datetime:
    """When the ids around the minutes of an hour were read; its start when nobody remembers."""
    filters = dg.AssetRecordsFilter(dg.AssetKey(OHLC_1M.name), asset_partitions=[hour.key])
    records = instance.fetch_materializations(filters, limit=1).records
    events = [record.asset_materialization for record in records]
    noted = [event.metadata.get(_IDS_KNOWN_AT) for event in events if event]
    known = [note.value for note in noted if isinstance(note, dg.TimestampMetadataValue)]
    return datetime.fromtimestamp(known[0], UTC) if known else hour.start
