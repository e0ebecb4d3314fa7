"""Archives in the layouts that earlier pipelines left, and files that only look like them."""

import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cryptoviz.inspect.archived_rows import BadFile, rows_of
from cryptoviz.inspect.archives import UnknownArchive, open_archive, partition_of
from cryptoviz.inspect.reach import Unreachable
from cryptoviz.settings import Settings

LISTED = {"symbol": "BTC", "price": 97000.5, "source": "coingecko", "timestamp": "2025-09-14T10:59:30"}
AT_NS = int(datetime(2025, 9, 14, 10, 59, 30, tzinfo=UTC).timestamp()) * 1_000_000_000


def settings(**values):
    return Settings(_env_file=None, store="local", **values)


def put(root, path, content=b"{}"):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def parquet(**columns):
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="snappy")
    return sink.getvalue()


def rows(content, path="part-0.parquet", partition=None, **how):
    return rows_of(content, path, partition or {}, **how)


def test_both_layouts_are_understood_and_a_writers_own_notes_passed_over(tmp_path):
    for path in ("a.parquet", "year=2025/month=9/day=4/b.parquet", "year=2025/month=10/day=14/hour=07/c.json",
                 "_SUCCESS", "_spark_metadata/0", ".a.parquet.crc", "checkpoints/raw/offsets/0.json"):  # fmt: skip
        put(tmp_path, path)
    archive = open_archive(str(tmp_path), settings())
    assert [file.path for file in archive.files] == [
        "a.parquet", "year=2025/month=10/day=14/hour=07/c.json", "year=2025/month=9/day=4/b.parquet",
    ]  # fmt: skip
    assert archive.notes == 4
    assert partition_of(archive.files[1].path) == {"year": 2025, "month": 10, "day": 14, "hour": 7}
    assert partition_of(archive.files[2].path) == {"year": 2025, "month": 9, "day": 4}


def test_one_file_is_an_archive_and_its_neighbours_are_not(tmp_path):
    put(tmp_path, "a.parquet")
    put(tmp_path, "b.parquet")
    assert [file.path for file in open_archive(str(tmp_path / "b.parquet"), settings()).files] == ["b.parquet"]


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([], "no file at all"),
        (["a.csv", "b.csv", "c.txt"], "2 .csv, 1 .txt"),
        (["symbol=BTC/a.parquet"], "'symbol=BTC'"),
        (["year=2025/month=13/a.parquet"], "'month=13'"),
        (["year=x/a.parquet"], "'year=x'"),
    ],
)
def test_what_is_no_archive_is_refused_with_what_was_found_and_what_is_expected(tmp_path, paths, found):
    for path in paths:
        put(tmp_path, path)
    with pytest.raises(UnknownArchive, match=rf"{found}.*expected Parquet or JSON files.*year=/month=/day="):
        open_archive(str(tmp_path), settings())


def test_a_place_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnknownArchive, match="nowhere does not exist"):
        open_archive(str(tmp_path / "nowhere"), settings())
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(Unreachable, match="does not answer"):
        open_archive("s3://crypto-data", settings(s3_endpoint="http://127.0.0.1:1"))


def test_rows_of_parquet_are_records_with_the_columns_of_their_directories():
    columns = {
        **{name: [value] for name, value in LISTED.items()},
        "change_1h": pa.array([None], pa.float64()),
        "change_7d": [float("nan")],
        "market_cap": [Decimal("1.50")],
        "ingestion_timestamp": pa.array([AT_NS + 1_500_000_123], pa.timestamp("ns")),
    }
    (found,) = rows(parquet(**columns), partition={"year": 2025, "month": 9, "day": 14})
    assert found.schema == "legacy.crypto-raw-data"
    assert found.received_ns == AT_NS + 1_500_000_000
    assert json.loads(found.value, parse_float=str) == {
        **LISTED, "price": "97000.5", "change_1h": None, "change_7d": None, "market_cap": "1.50",
        "ingestion_timestamp": "2025-09-14T10:59:31.500000", "year": 2025, "month": 9, "day": 14,
    }  # fmt: skip


@pytest.mark.parametrize("column", [pa.string(), pa.binary()])
def test_a_raw_layer_that_kept_whole_records_gives_them_back(column):
    whole = b'{"symbol":"BTCUSDT", "price":"97000.15", "eventTime":1771066716000}'
    (found,) = rows(parquet(value=pa.array([whole], pa.binary()).cast(column)))
    assert (found.value, found.schema, found.received_ns) == (whole, "legacy.crypto_raw", 1771066716000000000)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.json", b'[{"a":1},\n {"symbol":"BTC", "price":1, "timestamp":1771066716}]'),
        ("a.json", b'{"a":1}\n\n{"symbol":"BTC", "price":1, "timestamp":1771066716}\n'),
        ("a.jsonl.gz", gzip.compress(b'{"a":1}\r\n{"symbol":"BTC", "price":1, "timestamp":1771066716}')),
    ],
)
def test_json_is_a_list_or_an_object_a_line_and_its_bytes_stay(path, content):
    found = rows(content, path)
    assert [row.value for row in found] == [b'{"a":1}', b'{"symbol":"BTC", "price":1, "timestamp":1771066716}']
    assert [row.schema for row in found] == ["", "legacy.crypto_topic"]


def test_one_object_over_several_lines_is_one_record():
    assert len(rows(json.dumps(LISTED, indent=2).encode(), "a.json")) == 1


def test_a_line_that_is_no_json_is_a_record_for_the_judge():
    found = rows(json.dumps(LISTED).encode() + b"\nnonsense", "a.json")
    assert [row.value for row in found][1] == b"nonsense"


def test_a_record_that_does_not_say_when_is_of_its_directory():
    (found,) = rows(b'{"source":"coingecko"}', "a.json", {"year": 2025, "month": 9, "day": 14})
    assert datetime.fromtimestamp(found.received_ns / 1e9, UTC) == datetime(2025, 9, 14, tzinfo=UTC)
    assert rows(b'{"source":"coingecko"}', "a.json", {"year": 2025, "month": 2, "day": 31})[0].received_ns == 0
    assert rows(b'{"source":"coingecko"}', "a.json")[0].received_ns == 0


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("a.parquet", b"PAR1 and no more", "no readable Parquet"),
        ("a.parquet", parquet(avg_price=[1.0], avg_spread=[2.0]), "'avg_price', 'avg_spread'.*bid_price"),
        ("a.json", b"<html>", "no JSON objects"),
        ("a.json", b"[{]", "no readable JSON"),
        ("a.json", b'{"hello":1}', "'hello'.*crypto-raw-data"),
        ("a.json.gz", b"not zipped", "no readable gzip"),
    ],
)
def test_a_file_that_is_damaged_or_of_no_earlier_pipeline_says_why(path, content, said):
    with pytest.raises(BadFile, match=said):
        rows(content, path)


def test_the_topic_tells_what_the_shape_does_not():
    (found,) = rows(b'{"symbol":"AAPL","price":1,"timestamp":1771066716}', "a.json", topic="stock_topic")
    assert found.schema == "legacy.stock_topic"
