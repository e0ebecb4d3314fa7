"""The commit ledger: what every lake commit says about itself, atomically with its data.

A commit names the Kafka offsets it holds, how many rows, the sum of their 64-bit hashes, and the new version of each
hour it touched. End offsets also stand in one Delta transaction id per topic partition (the convention of
delta-io/kafka-delta-ingest), because those survive log checkpoints. The ids seen so far lie in a state object the
commit names. Reading and writing them belongs to :mod:`cryptoviz.storage`.
"""

from collections.abc import Iterable, Mapping

import msgspec

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet, Interval

HASH_SEED = 42
"""Seed of the row hash: xxHash64(value, seed 42) equals Spark's ``xxhash64`` of the same bytes."""
WRAP = 1 << 64
METADATA_KEY = "cryptoviz"
"""Key of the entry in a commit's metadata."""
WRITER_APP = "cryptoviz.writer"
"""Transaction id of the writer's epoch: a commit of an older epoch conflicts, so a zombie cannot write."""


def signed(hash_sum: int) -> int:
    """A sum modulo 2^64 as the signed number an int64 column holds."""
    wrapped = hash_sum % WRAP
    return wrapped - WRAP if wrapped >= WRAP // 2 else wrapped


class HourVersion(msgspec.Struct, frozen=True, order=True):
    """Content of one hour of a table: row count and sum of row hashes modulo 2^64.

    The same rows give the same version in whatever order, files or batches they came, so compaction and replays change
    nothing, and late data always does.
    """

    rows: int = 0
    hash_sum: int = 0

    def plus(self, other: "HourVersion") -> "HourVersion":
        """The version after both sets of rows."""
        return HourVersion(self.rows + other.rows, (self.hash_sum + other.hash_sum) % WRAP)

    @property
    def digest(self) -> str:
        """Text form, ``rows-hash`` in hexadecimal; safe in a run key."""
        return f"{self.rows:x}-{self.hash_sum:016x}"

    @staticmethod
    def from_digest(digest: str) -> "HourVersion":
        """The version a digest names. Raises ValueError for anything else."""
        rows, dash, hash_sum = digest.partition("-")
        if not dash:
            raise ValueError(f"{digest!r} is not the digest of a version, rows-hash in hexadecimal")
        return HourVersion(int(rows, 16), int(hash_sum, 16))


class OffsetRange(msgspec.Struct, frozen=True):
    """Kafka offsets `[start, end)` of one partition, with the count and hash sum of the records in it."""

    topic: str
    partition: int
    start: int
    end: int
    rows: int
    hash_sum: int

    @property
    def app(self) -> str:
        """Transaction id that carries ``end``."""
        return partition_app(self.topic, self.partition)


def partition_app(topic: str, partition: int) -> str:
    """Transaction id of a topic partition; its version is the next offset to read."""
    return f"{topic}/{partition}"


class CommitEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a commit says of itself. ``hours`` maps partition keys to the hour's version after the commit.

    ``topic_id`` is of the topic its ranges are of; ``topic_ids`` of every topic the table has been written from, by
    name.
    """

    table: str
    commit_id: str
    epoch: int
    cluster_id: str
    topic_id: str
    ranges: list[OffsetRange]
    rows: int
    hours: dict[str, HourVersion] = {}
    refused: int = 0
    repeated: int = 0
    state: str = ""
    valid_through: str = ""
    topic_ids: dict[str, str] = {}

    def encode(self) -> dict[str, str]:
        """Commit metadata."""
        return {METADATA_KEY: msgspec.json.encode(self).decode()}

    @staticmethod
    def decode(metadata: Mapping[str, object]) -> "CommitEntry | None":
        """The entry in a commit's metadata; None for commits that carry no data, such as compaction."""
        text = metadata.get(METADATA_KEY)
        return msgspec.json.decode(str(text), type=CommitEntry) if text else None

    def touched(self) -> Iterable[Hour]:
        """Hours the commit changed."""
        return map(Hour.from_key, self.hours)


class DataFile(msgspec.Struct, frozen=True):
    """One Parquet file written and not yet, or just, committed. ``statistics`` is Delta's JSON."""

    table: str
    path: str
    size: int
    rows: int
    hash_sum: int
    statistics: str

    @property
    def hour(self) -> Hour:
        """Hour directory the file lies in."""
        return Hour.from_path(self.path)


class State(msgspec.Struct, frozen=True):
    """State object of a clean table: the ids seen per market, and the side files its commit owes to other tables.

    Side files (quarantine, duplicates) are committed after the clean table; if the process dies between, the next start
    finds them here and commits them, so the tables never disagree for good.
    """

    ids: dict[str, list[Interval]]
    owed: list[DataFile] = []

    def id_sets(self) -> dict[str, IdSet]:
        """Ids seen per record key."""
        return {key: IdSet(intervals) for key, intervals in self.ids.items()}

    def encode(self) -> bytes:
        """Bytes of the state object."""
        return msgspec.json.encode(self)

    @staticmethod
    def decode(payload: bytes) -> "State":
        """Read a state object."""
        return msgspec.json.decode(payload, type=State)
