"""One table fed by several topics: each has offsets and an identity of its own, and all have one writer."""

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import OffsetRange
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import QUOTES
from cryptoviz.storage.delta import LakeTable, WriterReplaced
from cryptoviz.storage.frames import scan
from cryptoviz.storage.objects import Objects
from streaming.spark.clean_sink import CleanSink, SideTables
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_quotes import judge_quotes
from streaming.spark.raw_sink import OffsetsMissing, TopicRecreated
from streaming.spark.topics import TopicIdentity

NOW = datetime(2026, 2, 14, 11, 0, tzinfo=UTC)
FIRST = Hour(datetime(2026, 1, 1, tzinfo=UTC))
KIND = Kind(table=QUOTES, judge=judge_quotes, is_sampled=True)
COINS = TopicIdentity(name="crypto_topic", cluster_id="c", topic_id="coins", partitions=(0,))
STOCKS = TopicIdentity(name="stock_topic", cluster_id="c", topic_id="stocks", partitions=(0,))


@pytest.fixture
def lake(tmp_path):
    return Location(uri=str(tmp_path))


def start(lake, *topics):
    return CleanSink(QUOTES, topics or (COINS, STOCKS), lake, SideTables(lake))


def send(sink, lake, topic, offset, value=b'{"symbol":"BTC","price":1,"timestamp":1771066716}'):
    records = pa.table(
        {
            "topic": [topic.name],
            "partition": pa.array([0], pa.int32()),
            "offset": pa.array([offset], pa.int64()),
            "kafka_time": pa.array([NOW], pa.timestamp("us", "UTC")),
            "key": pa.array([None], pa.string()),
            "schema": [""],
            "source": [""],
            "received_time": pa.array([None], pa.timestamp("us", "UTC")),
            "connection": [""],
            "value": pa.array([value], pa.binary()),
            "row_hash": pa.array([offset], pa.int64()),
        }
    )
    return sink.commit([clean_topic(topic.name, records, KIND, Objects(lake), sink.seen, FIRST)])


def test_each_topic_goes_on_at_its_own_offset_after_a_start(lake):
    sink = start(lake)
    for topic, offset in ((COINS, 0), (STOCKS, 0), (COINS, 1), (STOCKS, 1), (STOCKS, 2)):
        send(sink, lake, topic, offset)
    again = start(lake)
    assert (again.next_offsets("crypto_topic"), again.next_offsets("stock_topic")) == ({0: 2}, {0: 3})
    send(again, lake, COINS, 2, b"no record")
    rows = scan(QUOTES, lake).select("topic", "offset", "venue").sort("topic", "offset").collect().rows()
    assert rows == [
        *(("crypto_topic", offset, "cryptocompare") for offset in range(2)),
        *(("stock_topic", offset, "finnhub") for offset in range(3)),
    ]
    with pytest.raises(OffsetsMissing, match=r"stock_topic-0: table quotes ends at 3.*\[7, 8\)"):
        send(again, lake, STOCKS, 7)


def test_a_topic_that_was_made_again_is_refused_whichever_wrote_last(lake):
    sink = start(lake)
    send(sink, lake, COINS, 0)
    send(sink, lake, STOCKS, 0)
    for made_again in (replace(COINS, topic_id="new"), replace(STOCKS, topic_id="new")):
        with pytest.raises(TopicRecreated, match=made_again.name):
            start(lake, made_again)
    with pytest.raises(TopicRecreated, match="has coins of other now"):
        start(lake, replace(COINS, cluster_id="other"))


def test_a_topic_that_is_left_out_for_a_while_is_still_known(lake):
    send(start(lake), lake, STOCKS, 0)
    send(start(lake, COINS), lake, COINS, 0)
    assert start(lake).next_offsets("stock_topic") == {0: 1}
    with pytest.raises(TopicRecreated, match="stock_topic"):
        start(lake, COINS, replace(STOCKS, topic_id="new"))


def test_a_table_whose_entries_name_one_topic_is_continued(lake):
    sink = start(lake, COINS)
    send(sink, lake, COINS, 0)
    table = LakeTable(QUOTES, lake)
    entry = table.last_entry()
    table.append([], replace_entry(entry, topic_ids={}, ranges=[OffsetRange("crypto_topic", 0, 1, 2, 1, 0)]))
    with pytest.raises(TopicRecreated, match="crypto_topic"):
        start(lake, replace(COINS, topic_id="new"))
    assert start(lake).next_offsets("crypto_topic") == {0: 2}


def replace_entry(entry, **changes):
    return type(entry)(**{name: getattr(entry, name) for name in entry.__struct_fields__} | changes)


def test_a_second_writer_ends_the_first_for_every_topic(lake):
    first = start(lake)
    start(lake)
    for topic in (COINS, STOCKS):
        with pytest.raises(WriterReplaced):
            send(first, lake, topic, 0)
