"""Rows of tables in memory, by day (by month for daily tables), keyed by the files they were read from."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from cryptoviz.inspect.reach import require_lake
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.serving.binance_rows import EncodedCandles, encode_candles
from cryptoviz.serving.snapshots import Partition, Snapshot, StoreUnavailable
from cryptoviz.storage.frames import empty

Market = tuple[str, str]
"""Venue and canonical symbol."""
_DIRECTORIES = ("%Y", "%m", "%d")


@dataclass
class Chunk:
    """Rows of one day or month of a table, sorted by its key."""

    frame: pl.DataFrame
    _encoded: dict[Market, EncodedCandles] = field(default_factory=dict)

    @cached_property
    def size(self) -> int:
        """Bytes in memory, estimated."""
        return int(self.frame.estimated_size()) + 1

    @cached_property
    def markets(self) -> Mapping[Market, pl.DataFrame]:
        """Rows of each market, by time."""
        parts = self.frame.partition_by("venue", "symbol", as_dict=True) if self.frame.height else {}
        return {(str(key[0]), str(key[1])): part for key, part in parts.items()}

    def encoded(self, market: Market) -> EncodedCandles:
        """Candles of a market as Binance's rows; made once."""
        if market not in self._encoded:
            self._encoded[market] = encode_candles(self.markets.get(market, self.frame.clear()))
        return self._encoded[market]


_Key = tuple[str, Partition, tuple[str, ...]]


class Chunks:
    """Least recently used chunks up to a budget of bytes. Safe to use from threads."""

    def __init__(self, location: Location, *, budget_bytes: int) -> None:
        self._location = location
        self._budget = budget_bytes
        self._held: OrderedDict[_Key, Chunk] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes held."""
        return self._bytes

    def has(self, table: Table, snapshot: Snapshot, names: Iterable[Partition]) -> bool:
        """Whether all of these can be had without reading."""
        with self._lock:
            return all((table.name, name, snapshot.files[name]) in self._held for name in names)

    def get(self, table: Table, snapshot: Snapshot, names: Sequence[Partition]) -> list[Chunk]:
        """Chunks by name, in the order given; those not held are read together. Raises StoreUnavailable, OSError."""
        keys = [(table.name, name, snapshot.files[name]) for name in names]
        with self._lock:
            held = {key: self._held[key] for key in keys if key in self._held}
            for key in held:
                self._held.move_to_end(key)
        missing = [key for key in keys if key not in held]
        if missing:
            if snapshot.doubt:
                raise StoreUnavailable(f"the lake does not answer: {snapshot.doubt}")
            held |= self._read(table, missing)
        return [held[key] for key in keys]

    def _read(self, table: Table, keys: Sequence[_Key]) -> dict[_Key, Chunk]:
        frame = read_files(table, self._location, [path for _, _, files in keys for path in files])
        formats = _DIRECTORIES[: len(keys[0][1])]
        name = pl.concat_str([pl.col(table.time_column).dt.strftime(form) for form in formats])
        parts = frame.with_columns(chunk=name).partition_by("chunk", as_dict=True, include_key=False)
        chunks = {key: Chunk(parts.get(("".join(key[1]),), frame.clear())) for key in keys}
        with self._lock:
            for key, chunk in chunks.items():
                self._hold(key, chunk)
        return chunks

    def _hold(self, key: _Key, chunk: Chunk) -> None:
        before = self._held.pop(key, None)
        self._bytes += chunk.size - (before.size if before else 0)
        self._held[key] = chunk
        while self._bytes > self._budget and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= dropped.size


def read_files(table: Table, location: Location, paths: Sequence[str]) -> pl.DataFrame:
    """Rows of data files in the table's columns, sorted by its key; a column that older files lack is null."""
    if not paths:
        return empty(table)
    require_lake(location)
    rows = pl.scan_parquet(
        list(paths),
        schema=dict(empty(table).schema),
        storage_options=location.storage_options or None,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
    )
    return rows.sort(table.key).collect()
