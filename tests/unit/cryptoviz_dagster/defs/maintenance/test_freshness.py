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
    ],
)
def test_what_should_never_stand_still_has_a_policy(definitions, asset, fails_after):
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    policy = specs[asset].freshness_policy
    assert policy.fail_window.to_timedelta() == fails_after


def test_a_topic_is_alive_as_long_as_its_raw_table_grows(lake, instance, clock, first, monkeypatch):
    reports = LakeReports(first=first, refresh=timedelta(minutes=2))
    now = first.next(10)
    grown = {now: HourEntry(HourVersion(1, 1), clock())}
    monkeypatch.setattr(lake, "hours", lambda table, **_: grown if table.name == "raw_trades" else {})
    told = [event.asset_key for event in reports.news(instance, lake, now=clock())]
    assert told == [dg.AssetKey("raw_trades"), dg.AssetKey(["kafka", "trades"])]
    assert reports.news(instance, lake, now=clock()) == []
