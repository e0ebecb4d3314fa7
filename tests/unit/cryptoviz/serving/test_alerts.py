"""What is wrong is told once, from when it began to when it ended."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.tables import GAPS
from cryptoviz.serving import alerts
from cryptoviz.serving.conditions import Alert, Conditions
from cryptoviz.serving.minute import LiveQuote, microseconds
from cryptoviz.settings import Ports
from cryptoviz.storage.frames import empty

NOW = datetime(2026, 11, 20, 10, 20, 30, tzinfo=UTC)


def an_alert(rule="service_down", subject="kafka", **changes):
    values = {"fired_time": NOW, "rule": rule, "severity": "critical", "subject": subject, "value": "", **changes}
    return Alert(**values)


def test_what_is_seen_again_keeps_the_time_it_began():
    conditions = Conditions()
    conditions.see([an_alert()], NOW)
    conditions.see([an_alert(fired_time=NOW + timedelta(seconds=5), value="refused")], NOW + timedelta(seconds=5))
    assert [(one.fired_time, one.value, one.ended_time) for one in conditions.told()] == [(NOW, "refused", None)]


def test_what_is_no_longer_seen_has_ended():
    conditions, later = Conditions(), NOW + timedelta(seconds=7)
    conditions.see([an_alert(), an_alert(subject="spark")], NOW)
    conditions.see([an_alert(subject="spark")], later)
    assert {one.subject: one.ended_time for one in conditions.told()} == {"kafka": later, "spark": None}


def test_what_comes_back_is_another_alert():
    conditions = Conditions()
    for seconds, found in enumerate([[an_alert()], [], [an_alert()]]):
        conditions.see(found, NOW + timedelta(seconds=seconds))
    assert [one.ended_time is None for one in conditions.told()] == [False, True]


@pytest.fixture
def alone(settings):
    """Ports at which nobody listens."""
    return settings.model_copy(update={"ports": Ports(offset=50_000)})


def test_a_silent_venue_and_services_that_do_not_answer_are_told(parts, live, alone, btc):
    parts.settings = alone
    live.accept([], [LiveQuote(instrument=btc, time_us=microseconds(NOW), bid=Decimal(1), bid_quantity=Decimal(1),
                               ask=Decimal(2), ask_quantity=Decimal(1))])  # fmt: skip
    parts.clock = lambda: NOW + timedelta(minutes=1)
    found = {one.rule: one for one in alerts.look(parts)}
    assert found["venue_silent"].subject == "binance"
    assert found["venue_silent"].fired_time == NOW + timedelta(seconds=5)
    assert found["service_down"].severity == "critical"


def test_a_feed_that_is_not_connected_is_told_with_its_reason(parts, alone):
    parts.settings = alone
    parts.live_health = lambda: {"connected": False, "reason": "no broker answers"}
    assert ("feed_lost", "no broker answers") in {(one.rule, one.value) for one in alerts.look(parts)}


def test_blind_minutes_are_an_alert_of_their_market(client):
    rows = client.get("/api/v1/alerts", params={"symbol": "BTC-USDT", "venue": "binance"}).json()["data"]
    assert {(row["rule"], row["symbol"], row["value"]) for row in rows} == {("minutes_blind", "BTC-USDT", "35")}


def test_a_gap_in_the_ids_is_told_with_its_fate(parts, monkeypatch):
    known = {"venue": "binance", "symbol": "BTC-USDT", "first_id": 5, "last_id": 9, "cause": "hole",
             "state": "repaired", "opened_time": NOW, "evidence": None}  # fmt: skip
    row = pl.DataFrame([known], schema={n: t for n, t in empty(GAPS).schema.items() if n in known})
    row = row.with_columns(ids=pl.lit(5), seconds=pl.lit(2.5))
    monkeypatch.setattr(alerts, "gaps", lambda _: row)
    found = [one for one in alerts.of_the_data(parts, NOW - timedelta(hours=1), NOW) if one.rule == "gap_hole"]
    assert [(one.value, one.ended_time) for one in found] == [("5", NOW + timedelta(seconds=2.5))]
