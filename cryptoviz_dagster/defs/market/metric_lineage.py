"""Which columns of which tables the columns of metrics are made of."""

from collections.abc import Mapping, Sequence

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.metric_tables import HOURLY_CORRELATIONS, HOURLY_METRICS, HOURLY_QUOTES, MARKET_OVERVIEW
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import KLINES, QUOTES
from cryptoviz_dagster.transforms.hourly_metrics import HOURS_NEEDED

_COPIED = ("status", "vwap", "volume", "quote_volume", "trade_count", "quoted_ms", "spread_mean", "spread_max",
           "mid_mean", "source_version", "quotes_version")  # fmt: skip
_OF_A_DAY = {"high_24h": ("high",), "low_24h": ("low",), "range_24h_percent": ("high", "low", "close"),
             "volume_24h": ("volume",), "quote_volume_24h": ("quote_volume",), "volume_z_score": ("volume",),
             "is_volume_spike": ("volume",)}  # fmt: skip
_LATEST_QUOTED = ("market_cap", "volume_24h", "change_1h", "change_24h", "change_7d", "bid_price", "ask_price",
                  "high_24h", "low_24h")  # fmt: skip
_ORIGINS: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]] = {
    HOURLY_METRICS.name: {
        **{name: [(OHLC_1H.name, name)] for name in _COPIED},
        "last_price": [(OHLC_1H.name, "close")],
        "liquidity": [(OHLC_1H.name, "depth_mean")],
        "market_cap": [(QUOTES.name, "market_cap")],
        "spread_percent": [(OHLC_1H.name, "spread_integral"), (OHLC_1H.name, "mid_integral")],
        "mean_price": [(OHLC_1M.name, "close"), (OHLC_1M.name, "status")],
        "realised_volatility": [(OHLC_1M.name, "open"), (OHLC_1M.name, "close"), (OHLC_1M.name, "status")],
        **{
            name: [(table.name, column) for table in (OHLC_1H, KLINES) for column in _OF_A_DAY.get(name, ("close",))]
            for name in (*HOURS_NEEDED, "hours")
        },
    },
    HOURLY_CORRELATIONS.name: {
        name: [(OHLC_1H.name, "close"), (KLINES.name, "close")] for name in ("correlation", "hours")
    },
    MARKET_OVERVIEW.name: {
        **{name: [(OHLC_1M.name, "symbol"), (QUOTES.name, "symbol")] for name in ("asset", "quote")},
        "source": [(OHLC_1M.name, "venue"), (QUOTES.name, "venue")],
        **{name: [(QUOTES.name, "market_cap")] for name in ("market_cap", "market_cap_rank")},
        **{name: [(OHLC_1M.name, "close")] for name in ("price", "consensus_price", "consensus_usd", "residual_bps")},
        **{name: [(OHLC_1M.name, "window_end")] for name in ("age_s", "is_stale", "fresh_sources")},
    },
    HOURLY_QUOTES.name: {
        **{name: [(QUOTES.name, name)] for name in _LATEST_QUOTED},
        **{f"{which}_price": [(QUOTES.name, "price")] for which in ("first", "highest", "lowest", "last", "mean")},
        "stale_samples": [(QUOTES.name, "is_stale")],
        "oldest_ms": [(QUOTES.name, "age_ms")],
        "source_version": [(QUOTES.name, "row_hash")],
    },
}
"""Of each table the columns that its columns are made of. Others are keys, counts or facts about the row."""


def lineage(table: Table) -> dg.TableColumnLineage:
    """Where the columns of a table come from."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=asset, column_name=column) for asset, column in origins]
            for name, origins in _ORIGINS[table.name].items()
        }
    )
