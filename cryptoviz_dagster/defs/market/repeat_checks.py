"""A check of what venues say twice: of two records with one id the first is kept, the second should agree with it."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.tables import DUPLICATES, TRADES
from cryptoviz_dagster.defs.judging import judge
from cryptoviz_dagster.resources import Lake

_IDS = ("venue", "symbol", "trade_id", "last_trade_id")
_SAID = ("price", "quantity")


def repeat_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The check, by partition. It warns: the candle stands on the first record, and both are in the raw table."""

    @dg.asset_check(asset=OHLC_1M.name, partitions_def=partitions)
    def repeats_agree(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        """Records that came in the hour with an id that is known say the price and quantity that are known."""
        return judge(context, lambda hour: list(_contradictions(lake, hour)), severity=dg.AssetCheckSeverity.WARN)

    return [repeats_agree]


def _contradictions(lake: Lake, hour: Hour) -> Iterator[str]:
    repeats = lake.rows(DUPLICATES, hour).filter(pl.col("quantity").is_not_null())
    for (start,), part in repeats.group_by(pl.col("event_time").dt.truncate("1h"), maintain_order=True):
        yield from contradictions(part, lake.rows(TRADES, Hour(start)))


def contradictions(repeats: pl.DataFrame, trades: pl.DataFrame) -> list[str]:
    """Repeats that say another price or quantity than the trade of the same ids, a line each, with both records."""
    both = repeats.join(trades, on=_IDS, suffix="_kept").sort("partition", "offset")
    other = both.filter(pl.any_horizontal(pl.col(name) != pl.col(f"{name}_kept") for name in _SAID))
    return [
        f"{row['venue']}:{row['symbol']} id {row['trade_id']}: {row['price'].normalize():f} x "
        f"{row['quantity'].normalize():f} at {row['topic']}/{row['partition']}/{row['offset']}, kept is "
        f"{row['price_kept'].normalize():f} x {row['quantity_kept'].normalize():f} at offset {row['offset_kept']}"
        for row in other.iter_rows(named=True)
    ]
