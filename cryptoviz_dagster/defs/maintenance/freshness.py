"""How old the newest event of an asset may be: policies on topics, tables of the stream and candles.

A status that the freshness daemon reads off the assets' newest events; it starts nothing and reads no data.
"""

from datetime import timedelta

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC
from cryptoviz.lake.tables import table_named
from cryptoviz.lake.topics import KLINES, TOPICS, Topic
from cryptoviz_dagster.defs.lake.assets import topic_key

_HOURLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(minutes=75))
_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=25))
_LIVE = dg.FreshnessPolicy.time_window(fail_window=timedelta(minutes=30), warn_window=timedelta(minutes=10))
_SLOW_TOPICS = {KLINES.name}
"""Topics that get records once an hour."""


def with_freshness(location: dg.Definitions) -> dg.Definitions:
    """The code location with a policy on each asset that should never stand still."""
    policies = _policies()
    return location.map_asset_specs(
        func=lambda spec: dg.apply_freshness_policy(spec, policies[spec.key]) if spec.key in policies else spec
    )


def _policies() -> dict[dg.AssetKey, dg.FreshnessPolicy]:
    policies = {topic_key(topic): _of(topic) for topic in TOPICS}
    policies |= {dg.AssetKey(table_named(t.clean_table).name): _of(t) for t in TOPICS}
    policies |= {dg.AssetKey(table_named(t.raw_table).name): _of(t) for t in TOPICS}
    policies |= {dg.AssetKey(table.name): _DAILY if i.is_daily else _HOURLY for i, table in OHLC.items()}
    return policies


def _of(topic: Topic) -> dg.FreshnessPolicy:
    return _HOURLY if topic.name in _SLOW_TOPICS else _LIVE
