"""Records out of archives: each taken once, however often and in whatever company it comes."""

import json
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.imports import Origin, origin_of
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import DUPLICATES, QUOTES
from cryptoviz.storage.objects import Objects
from streaming.rejudge import rejudge
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_quotes import judge_quotes

NOW = datetime(2026, 2, 14, 11, 0, tzinfo=UTC)
FIRST = Hour(datetime(2025, 1, 1, tzinfo=UTC))
KIND = Kind(table=QUOTES, judge=judge_quotes, is_sampled=True)


def value(price):
    return json.dumps({"symbol": "BTCUSDT", "price": price, "eventTime": 1771066716000}).encode()


def records(*said):
    """Records of (value, number); one without a number is a producer's."""
    n = len(said)
    origins = [Origin(number, "a/part-0.parquet", 7) if number else None for _, number in said]
    return pa.table(
        {
            "topic": ["quotes"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": ["import" if origin else None for origin in origins],
            "schema": ["legacy.crypto_raw"] * n,
            "source": ["import" if origin else "" for origin in origins],
            "received_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "connection": [str(origin or "") for origin in origins],
            "value": pa.array([v for v, _ in said], pa.binary()),
            "row_hash": pa.array([0] * n, pa.int64()),
        }
    )


def clean(tmp_path, table, seen=()):
    known = {"import": IdSet(seen)} if seen else {}
    return clean_topic("quotes", table, KIND, Objects(Location(uri=str(tmp_path))), known, FIRST)


def rows(report):
    return {file.table: file.rows for file in report.files}


def test_a_number_that_is_in_the_lake_is_a_duplicate_with_everything_that_table_wants(tmp_path):
    report = clean(tmp_path, records((value(1), 5), (value(1), 6), (value(1), 6), (value(1), None)), seen=[(1, 5)])
    assert rows(report) == {"quotes": 2, "duplicates": 2}
    assert report.ids == {"import": [(6, 6)]}
    (file,) = (file for file in report.files if file.table == DUPLICATES.name)
    found = pl.read_parquet(tmp_path / DUPLICATES.name / file.path)
    assert set(found["trade_id"]) == {5, 6}
    assert set(found["symbol"]) == {"BTC-USDT"}


def test_a_refused_row_counts_as_come(tmp_path):
    report = clean(tmp_path, records((b"{", 9), (value(1), 10), (b"{", 3)), seen=[(3, 3)])
    assert rows(report) == {"quotes": 1, "quarantine": 2}
    assert report.ids == {"import": [(9, 10)]}


def test_samples_of_a_producer_have_no_ids_and_are_never_repeats(tmp_path):
    report = clean(tmp_path, records((value(1), None), (value(1), None)))
    assert (rows(report), report.ids) == ({"quotes": 2}, {})


def test_judging_anew_takes_a_number_once(tmp_path):
    table = records((value(1), 5), (value(1), 5), (value(1), None))
    assert rejudge(table, table="quotes", first_hour=FIRST)["offset"].to_pylist() == [0, 2]


@given(st.integers(1, 10**18 - 1), st.text(min_size=1), st.integers(0, 10**9))
def test_an_origin_survives_its_text(number, file, row):
    assert origin_of(str(Origin(number, file, row))) == Origin(number, file, row)


@pytest.mark.parametrize("connection", [None, "", "import", "ws-1", "import:x:a#1", "import:1:a"])
def test_what_names_no_origin_has_none(connection):
    assert origin_of(connection) is None
