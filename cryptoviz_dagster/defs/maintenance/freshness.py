"""How old the newest event of an asset may be: policies on all that should never stand still.

A status that the freshness daemon reads off the assets' newest events; it starts nothing and reads no data.
"""

from datetime import timedelta

import dagster as dg

from cryptoviz.lake.candle_tables import OHLC
from cryptoviz.lake.forecast_tables import CHAMPIONS, FORECAST_TABLES, LSTM_MODEL
from cryptoviz.lake.metric_tables import METRIC_TABLES
from cryptoviz.lake.schema import Table
from cryptoviz.lake.topics import GAPS, INSTRUMENTS, KLINES, TOPICS, Topic
from cryptoviz.warehouse.publications import PUBLICATIONS
from cryptoviz_dagster.defs.lake.assets import topic_key
from cryptoviz_dagster.defs.serving.assets import publication_key

_HOURLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(minutes=75))
_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=25))
_WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=9), warn_window=timedelta(days=8))
_LIVE = dg.FreshnessPolicy.time_window(fail_window=timedelta(minutes=30), warn_window=timedelta(minutes=10))
_SLOW_TOPICS = {KLINES.name}
"""Topics that get records once an hour."""
_SPARSE_TOPICS = {GAPS.name, INSTRUMENTS.name}
"""Topics that get records when something is missing or changes: silence is what one hopes for."""
_WEEKLY_TABLES = {LSTM_MODEL.name, CHAMPIONS.name}
_PAGE = "forecast_evaluation"


def with_freshness(location: dg.Definitions) -> dg.Definitions:
    """The code location with a policy on each asset that should never stand still."""
    policies = _policies()
    return location.map_asset_specs(
        func=lambda spec: dg.apply_freshness_policy(spec, policies[spec.key]) if spec.key in policies else spec
    )


def _policies() -> dict[dg.AssetKey, dg.FreshnessPolicy]:
    steady = [topic for topic in TOPICS if topic.name not in _SPARSE_TOPICS]
    policies = {topic_key(topic): _of(topic) for topic in steady}
    policies |= {dg.AssetKey(name): _of(topic) for topic in steady for name in (topic.clean_table, topic.raw_table)}
    made = {table.name: _of_table(table) for table in (*OHLC.values(), *METRIC_TABLES, *FORECAST_TABLES)}
    policies |= {dg.AssetKey(name): policy for name, policy in made.items()}
    policies |= {dg.AssetKey(_PAGE): _HOURLY}
    policies |= {publication_key(p): made[p.name] for p in PUBLICATIONS if p.name in made}
    return policies


def _of_table(table: Table) -> dg.FreshnessPolicy:
    if table.name in _WEEKLY_TABLES:
        return _WEEKLY
    return _DAILY if table.is_daily else _HOURLY


def _of(topic: Topic) -> dg.FreshnessPolicy:
    return _HOURLY if topic.name in _SLOW_TOPICS else _LIVE
