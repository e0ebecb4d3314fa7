"""Candles as assets: window, read, one pure function, write, metadata."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import OHLC_1H, OHLC_1M, TRADES, Table
from cryptoviz_dagster.defs.lake.assets import column_schema
from cryptoviz_dagster.defs.market.picture import hour_picture
from cryptoviz_dagster.resources import Lake
from cryptoviz_dagster.transforms.candles import HOUR, build_candles, fold_candles

_PICTURES_UP_TO = 3
_PREVIEW = ("venue", "symbol", "window_start", "open", "high", "low", "close", "volume", "trade_count", "status")


def candle_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The candle assets over the lake's hours."""

    @dg.multi_asset(
        name="hour_candles",
        specs=[
            _spec(OHLC_1M, [dg.AssetKey(TRADES.name)], "One-minute candles, each minute a row also without trades."),
            _spec(OHLC_1H, [dg.AssetKey(OHLC_1M.name)], "Hourly candles, the exact fold of the one-minute candles."),
        ],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def hour_candles(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> Iterator[dg.MaterializeResult[None]]:
        hours = [Hour.from_key(key) for key in context.partition_keys]
        seen = lake.seen_ids()
        for hour in hours:
            now = datetime.now(UTC)
            trades = lake.trades(hour)
            minutes = build_candles(
                trades.frame, start=hour.start, end=hour.end, now=now, seen=seen, version=trades.version
            )
            hourly = fold_candles(minutes, interval=HOUR, version=trades.version)
            for table, candles in ((OHLC_1M, minutes), (OHLC_1H, hourly)):
                lake.publish(table, hour, candles, version=trades.version)
                _note(context, table, hour, candles, trades.version, with_picture=len(hours) <= _PICTURES_UP_TO)
        for table in (OHLC_1M, OHLC_1H):
            yield dg.MaterializeResult(asset_key=table.name)

    return [hour_candles]


def _spec(table: Table, deps: list[dg.AssetKey], description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table.name,
        deps=deps,
        description=f"{description} Key: {', '.join(table.key)}.",
        group_name="market",
        kinds={"polars", "delta", "s3"},
        owners=["team:cryptoviz"],
        metadata={"dagster/column_schema": column_schema(table)},
    )


def _note(
    context: dg.AssetExecutionContext,
    table: Table,
    hour: Hour,
    candles: pl.DataFrame,
    version: str,
    *,
    with_picture: bool,
) -> None:
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(candles.height),
        "source_version": dg.MetadataValue.text(version),
        "symbols": dg.MetadataValue.int(candles.select("venue", "symbol").n_unique()),
        "trades": dg.MetadataValue.int(int(candles["trade_count"].sum() or 0)),
        "blind_windows": dg.MetadataValue.int(int((candles["status"] == "blind").sum())),
        "first": dg.MetadataValue.text(str(candles["window_start"].min() or hour.start)),
        "last": dg.MetadataValue.text(str(candles["window_end"].max() or hour.start)),
    }
    if candles.height:
        metadata["preview"] = dg.MetadataValue.md(_markdown(candles))
    if with_picture and table is OHLC_1M and candles.height:
        metadata["picture"] = dg.MetadataValue.md(f"![{hour.key}](data:image/png;base64,{hour_picture(candles)})")
    context.add_asset_metadata(metadata, asset_key=table.name, partition_key=hour.key)


def _markdown(candles: pl.DataFrame) -> str:
    rows = candles.select(_PREVIEW).tail(7)
    lines = ["| " + " | ".join(_PREVIEW) + " |", "|" + "---|" * len(_PREVIEW)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows.iter_rows()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%H:%M")
    text = str(value) if value is not None else "-"
    return text.rstrip("0").rstrip(".") if "." in text else text
