"""Trades written as the stream writes them: many small files an hour, in any order."""

import random
import uuid
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from cryptoviz.lake.ledger import CommitEntry, DataFile, OffsetRange
from cryptoviz.lake.render import arrow_schema
from cryptoviz.lake.tables import TRADES
from cryptoviz.storage.data_files import encode, statistics
from cryptoviz.storage.delta import LakeTable
from cryptoviz.storage.objects import Objects


def a_row(hour, number):
    time = hour.start + timedelta(milliseconds=number * 7)
    return {
        "venue": "binance", "symbol": "BTC-USDT", "trade_id": number, "last_trade_id": number, "event_time": time,
        "price": Decimal("100.5") + number, "quantity": Decimal("0.25"), "quote_quantity": Decimal("0.125"),
        "side": "buy", "source": "ws", "received_time": None, "lateness_ms": 5, "topic": "trades", "partition": 0,
        "offset": number, "kafka_time": time, "row_hash": number * 31,
    }  # fmt: skip


class Stream:
    """Appends trades in small files with ledger entries, like the Spark service."""

    def __init__(self, location):
        self.location, self.objects = location, Objects(location)
        self.table = LakeTable(TRADES, location)
        self.epoch, self.offset = self.table.claim(), 0

    def write(self, hour, numbers):
        """A file that is not committed."""
        rows = pa.Table.from_pylist([a_row(hour, n) for n in numbers], arrow_schema(TRADES))
        payload, path = encode(TRADES, rows), f"{hour.path}/part-{uuid.uuid4().hex}.parquet"
        self.objects.put(f"trades/{path}", payload)
        return DataFile("trades", path, len(payload), rows.num_rows, 0, statistics(TRADES, rows))

    def append(self, hour, *batches, state="", valid_through=""):
        for numbers in batches:
            file = self.write(hour, numbers)
            ranges = [OffsetRange("trades", 0, self.offset, self.offset + file.rows, file.rows, 0)]
            self.offset += file.rows
            entry = CommitEntry(
                "trades", uuid.uuid4().hex, self.epoch, "c", "t", ranges, file.rows, state=state,
                valid_through=valid_through,
            )  # fmt: skip
            self.table.append([file], entry)


@pytest.fixture
def stream(lake):
    return Stream(lake)


@pytest.fixture
def shuffled():
    """The numbers below ``count`` in random parts."""

    def parts(count, pieces, seed):
        numbers = list(range(count))
        random.Random(seed).shuffle(numbers)
        return [numbers[i::pieces] for i in range(pieces)]

    return parts


@pytest.fixture
def make_stream():
    return Stream
