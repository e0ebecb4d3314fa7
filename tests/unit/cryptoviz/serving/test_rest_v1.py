import csv
import io
from decimal import Decimal

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.tables import TABLES

CANDLES = {"symbol": "BTC-USDT", "interval": "1m", "limit": 200, "with_live": False}


def candles(client, **query):
    answer = client.get("/api/v1/candles", params=CANDLES | query)
    assert answer.status_code == 200, answer.text
    return answer


def test_every_form_holds_the_same_candles(client):
    as_json = candles(client).json()["data"]
    as_csv = list(csv.DictReader(io.StringIO(candles(client, format="csv").text)))
    arrow = pl.read_ipc_stream(io.BytesIO(candles(client, format="arrow").content))
    parquet = pl.read_parquet(io.BytesIO(candles(client, format="parquet").content))
    assert arrow.equals(parquet)
    exact = arrow["volume"].to_list()
    assert [Decimal(row["volume"]) for row in as_json] == exact
    assert [Decimal(row["volume"]) for row in as_csv] == exact


def test_a_candle_says_its_status_revision_and_offsets(client):
    row = candles(client, limit=1).json()["data"][0]
    assert set(row) == set(OHLC_1M.column_names)
    assert (row["status"], row["revision"]) in {("traded", 1), ("quiet", 1)}


def test_fields_are_those_asked_for_in_their_order(client):
    assert list(candles(client, fields="close,window_start").json()["data"][0]) == ["close", "window_start"]
    answer = client.get("/api/v1/candles", params=CANDLES | {"fields": "close,nothing"})
    assert answer.status_code == 400
    assert "nothing" in answer.json()["msg"]


def test_who_has_an_answer_already_is_told_so(client, live, trade):
    first = candles(client, with_live=True)
    again = client.get(
        "/api/v1/candles", params=CANDLES | {"with_live": True}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    live.accept([trade(9_000_000, "5")])
    changed = client.get(
        "/api/v1/candles", params=CANDLES | {"with_live": True}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert changed.status_code == 200


def test_a_time_may_be_iso_or_milliseconds(client, now):
    by_iso = candles(client, start="2026-11-20T08:00", end="2026-11-20T09:00Z").json()["data"]
    by_number = candles(client, start=1795161600000, end=1795165200000).json()["data"]
    assert by_iso == by_number
    assert len(by_iso) == 60


@pytest.mark.parametrize("value", ["yesterday", "-5", "0001-01-01", "9999-12-31T23:59:59+14:00", "NaN", "१२"])
def test_a_time_that_is_none_is_refused(client, value):
    answer = client.get("/api/v1/candles", params=CANDLES | {"start": value})
    assert (answer.status_code, answer.json()["code"]) == (400, -1130)


def test_nothing_was_known_before_anything_was_published(client):
    answer = candles(client, as_of="2026-11-20T09:00").json()
    assert answer["data"] == []
    assert answer["meta"]["reason"]


@pytest.mark.parametrize("path", ["metrics", "predictions", "prediction-metrics", "tables/trades"])
def test_a_table_nobody_has_written_answers_empty_and_says_why(client, path):
    answer = client.get(f"/api/v1/{path}").json()
    assert answer["data"] == []
    assert answer["meta"]["reason"]


def test_a_table_outside_the_contract_is_not_found(client):
    assert client.get("/api/v1/tables/nothing").status_code == 404


def test_hours_are_counted_by_the_status_of_their_minutes(client):
    answer = client.get("/api/v1/quality", params={"hours": 6}).json()
    assert answer["meta"]["summary"]["blind"] == 2 * 35
    for row in answer["data"]:
        assert sum(row[s] for s in ("traded", "quiet", "repaired", "halted", "blind", "open")) <= 60


def test_a_gap_is_one_row_from_its_first_to_its_last_minute(client):
    rows = client.get("/api/v1/gaps", params={"symbol": "BTC-USDT"}).json()["data"]
    assert [(row["status"], row["minutes"]) for row in rows] == [("blind", 35)]


def test_every_table_of_the_contract_is_an_asset(client):
    rows = client.get("/api/v1/assets").json()["data"]
    assert [row["name"] for row in rows] == [table.name for table in TABLES]
    states = {row["name"]: row["state"] for row in rows}
    assert states["ohlc_1m"]["rows"] == 2 * 3 * 1440
    assert states["trades"] is None


def test_a_candle_without_trades_in_the_lake_is_not_called_proven(client):
    start = candles(client, limit=1).json()["data"][0]["window_start"]
    found = client.get("/api/v1/lineage", params={"symbol": "BTC-USDT", "window_start": start}).json()
    assert found["trades"] == {"proven": None, "reason": "table trades has not been written yet"}
    assert client.get("/api/v1/lineage", params={"symbol": "BTC-USDT", "window_start": 60_000}).status_code == 404


def test_the_description_of_the_interface_is_whole(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/v3/klines", "/api/v1/candles", "/api/v1/stream", "/healthz"} <= set(paths)
    for path, methods in paths.items():
        for method in methods.values():
            assert method.get("description"), path
