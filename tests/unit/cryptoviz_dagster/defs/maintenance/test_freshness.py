from datetime import timedelta

import dagster as dg
import pytest

from cryptoviz.lake.ledger import HourVersion
from cryptoviz.storage.hour_index import HourEntry
from cryptoviz_dagster.lake_reports import LakeReports


@pytest.mark.parametrize(
    ("asset", "fails_after"),
    [
        ("kafka/trades", timedelta(minutes=30)),
        ("trades", timedelta(minutes=30)),
        ("klines", timedelta(hours=3)),
        ("ohlc_1m", timedelta(hours=3)),
        ("ohlc_1h", timedelta(hours=3)),
        ("hourly_metrics", timedelta(hours=3)),
        ("predictions", timedelta(hours=3)),
        ("prediction_metrics", timedelta(hours=3)),
        ("forecast_evaluation", timedelta(hours=3)),
        ("vol_model", timedelta(hours=30)),
        ("ohlc_1d", timedelta(hours=30)),
        ("lstm_model", timedelta(days=9)),
        ("champions", timedelta(days=9)),
        ("postgres/ohlc_1h", timedelta(hours=3)),
        ("postgres/champions", timedelta(days=9)),
    ],
)
def test_what_should_never_stand_still_has_a_policy(definitions, asset, fails_after):
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    policy = specs[asset].freshness_policy
    assert policy.fail_window.to_timedelta() == fails_after


@pytest.mark.parametrize(
    "asset",
    ["candle_revisions", "audit", "kafka/gaps", "gaps", "raw_instruments", "postgres/quarantine", "postgres/gaps"],
)
def test_what_may_stand_still_for_weeks_has_none(definitions, asset):
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert specs[asset].freshness_policy is None


def test_a_topic_is_alive_as_long_as_its_raw_table_grows(lake, instance, clock, first, monkeypatch):
    reports = LakeReports(first=first, refresh=timedelta(minutes=2))
    now = first.next(10)
    grown = {now: HourEntry(HourVersion(1, 1), clock())}
    monkeypatch.setattr(lake, "hours", lambda table, **_: grown if table.name == "raw_trades" else {})
    told = [event.asset_key for event in reports.news(instance, lake, now=clock())]
    assert told == [dg.AssetKey("raw_trades"), dg.AssetKey(["kafka", "trades"])]
    assert reports.news(instance, lake, now=clock()) == []
