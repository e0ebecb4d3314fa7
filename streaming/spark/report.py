"""What a task tells the driver: the offsets it read, the files it wrote, the ids it found."""

from collections.abc import Iterable

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cryptoviz.lake.id_set import Interval
from cryptoviz.lake.ledger import WRAP, DataFile, OffsetRange

REPORT_SCHEMA = "report binary"


class TopicReport(msgspec.Struct):
    """A task's share of one topic in one batch."""

    topic: str
    ranges: list[OffsetRange] = []
    files: list[DataFile] = []
    ids: dict[str, list[Interval]] = {}
    refused: int = 0
    repeated: int = 0
    oldest_us: int = 0


def encode(reports: list[TopicReport]) -> pa.RecordBatch:
    """One row for the driver."""
    return pa.RecordBatch.from_arrays([pa.array([msgspec.msgpack.encode(reports)], pa.binary())], names=["report"])


def decode(rows: Iterable[bytes]) -> dict[str, list[TopicReport]]:
    """Reports of all tasks, by topic."""
    by_topic: dict[str, list[TopicReport]] = {}
    for row in rows:
        for report in msgspec.msgpack.decode(row, type=list[TopicReport]):
            by_topic.setdefault(report.topic, []).append(report)
    return by_topic


def offset_ranges(records: pa.Table, topic: str) -> list[OffsetRange]:
    """Range, count and hash sum of the records of each partition. ``records`` holds one topic."""
    partitions = records["partition"].to_numpy()
    offsets = records["offset"].to_numpy()
    hashes = records["row_hash"].to_numpy().view(np.uint64)
    ranges = []
    for partition in np.unique(partitions):
        mine = partitions == partition
        own = offsets[mine]
        ranges.append(
            OffsetRange(
                topic=topic,
                partition=int(partition),
                start=int(own.min()),
                end=int(own.max()) + 1,
                rows=int(mine.sum()),
                hash_sum=hash_sum(hashes[mine]),
            )
        )
    return ranges


def hash_sum(hashes: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> int:
    """Sum of row hashes modulo 2^64; numpy's unsigned addition wraps by itself."""
    return int(hashes.sum(dtype=np.uint64)) % WRAP


def oldest_us(records: pa.Table) -> int:
    """Kafka timestamp of the oldest record, microseconds since 1970."""
    return int(pc.min(records["kafka_time"]).cast(pa.int64()).as_py() or 0)
