from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.tables import INSTRUMENTS
from cryptoviz.storage.objects import Objects
from streaming.feeds.listings import Listing
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_instruments import judge_instruments

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
FIRST = Hour(datetime(2026, 11, 20, tzinfo=UTC))
VALUE = (
    Listing(
        venue="kraken", symbol="BTC-USD", venue_symbol="XXBTZUSD", base="BTC", quote="USD", tick_size="1e-1",
        lot_size=None, status="online",
    )
    .record(int(NOW.timestamp()) * 10**9)
    .value
)  # fmt: skip


def records(*values, received=NOW):
    n = len(values)
    return pa.table(
        {
            "topic": ["instruments"] * n,
            "partition": pa.array([0] * n, pa.int32()),
            "offset": pa.array(range(n), pa.int64()),
            "kafka_time": pa.array([NOW] * n, pa.timestamp("us", "UTC")),
            "key": pa.array(["kraken:BTC-USD"] * n, pa.string()),
            "schema": ["cryptoviz.listing"] * n,
            "source": ["feed"] * n,
            "received_time": pa.array([received] * n, pa.timestamp("us", "UTC")),
            "connection": ["rest"] * n,
            "value": pa.array(values, pa.binary()),
            "row_hash": pa.array([0] * n, pa.int64()),
        }
    )


def test_versions_of_a_listing_come_to_lie_in_their_table(tmp_path):
    kind = Kind(table=INSTRUMENTS, judge=judge_instruments, is_sampled=True)
    report = clean_topic("instruments", records(VALUE, b"{"), kind, Objects(Location(uri=str(tmp_path))), {}, FIRST)
    assert {file.table: file.rows for file in report.files} == {"instruments": 1, "quarantine": 1}
    row = judge_instruments(records(VALUE), first_hour=FIRST).rows.row(0, named=True)
    assert (row["venue_symbol"], row["tick_size"], row["lot_size"]) == ("XXBTZUSD", Decimal("0.1"), None)
    assert row["event_time"] == NOW


@pytest.mark.parametrize(
    ("value", "received"),
    [
        (VALUE.replace(b'"1e-1"', b'"-1"'), NOW),
        (VALUE.replace(b'"BTC-USD"', b'"ETH-USD"'), NOW),
        (VALUE, None),
        (VALUE, datetime(2026, 11, 19, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_listing_that_cannot_be_is_refused(value, received):
    assert judge_instruments(records(value, received=received), first_hour=FIRST).refusals[0][0] == "bad_listing"
