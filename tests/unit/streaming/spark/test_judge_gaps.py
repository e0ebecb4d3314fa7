from datetime import UTC, datetime

import pyarrow as pa
import pytest

from cryptoviz.lake.gaps import Cause
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.tables import GAPS
from cryptoviz.storage.objects import Objects
from streaming.feeds.gaps import GapLedger
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_gaps import judge_gaps

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
FIRST = Hour(datetime(2026, 11, 20, tzinfo=UTC))
NOW_NS = int(NOW.timestamp()) * 10**9


def notices():
    book = GapLedger(Instrument(Venue.BINANCE, "BTC-USDT"), clock=lambda: NOW_NS)
    book.see([(5, 7)], cause=Cause.RESTART, since_us=NOW_NS // 1000 - 1)
    book.see([(9, 9)], cause=Cause.HOLE, since_us=0)
    book.lose((5, 7), evidence="nothing", since_us=0)
    return [record.value for record in book.take()]


def records(*values, key="binance:BTC-USDT"):
    n = len(values)
    return pa.table(
        {
            "topic": ["gaps"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": pa.array([key] * n, pa.string()),
            "schema": ["cryptoviz.gap"] * n,
            "source": ["feed"] * n,
            "received_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "connection": [""] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array([0] * n, pa.int64()),
        }
    )


def test_states_of_gaps_come_to_lie_in_their_table(tmp_path):
    kind = Kind(table=GAPS, judge=judge_gaps, is_sampled=True)
    report = clean_topic("gaps", records(*notices()), kind, Objects(Location(uri=str(tmp_path))), {}, FIRST)
    assert {file.table: file.rows for file in report.files} == {"gaps": 3}
    rows = judge_gaps(records(*notices()), first_hour=FIRST).rows
    assert rows.select("first_id", "last_id", "state", "cause", "evidence").rows() == [
        (5, 7, "open", "restart", None), (9, 9, "open", "hole", None), (5, 7, "unrecoverable", "restart", "nothing"),
    ]  # fmt: skip
    assert rows["opened_time"].to_list() == [NOW] * 3
    assert [time is None for time in rows["since_time"].to_list()] == [False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"first_id":5', b'"first_id":8', "bad_gap"),
        (b'"symbol":"BTC-USDT"', b'"symbol":"ETH-USDT"', "bad_gap"),
        (b'"state":"open"', b'"state":"shut"', "wrong_type"),
        (b'"first_id":5,', b"", "missing_field"),
        (b'"changed":1', b'"changed":99', "bad_gap"),
        (b'"changed":1795', b'"changed":1695', "bad_time"),
    ],
)
def test_a_notice_that_cannot_be_is_refused(old, new, reason):
    good = notices()[0]
    assert old in good
    assert judge_gaps(records(good.replace(old, new)), first_hour=FIRST).refusals[0][0] == reason
