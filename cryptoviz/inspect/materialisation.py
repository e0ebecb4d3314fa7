"""The wait after a replay: until the lake holds its messages and candles stand on each of its hours."""

import time
from collections.abc import Iterable, Mapping

import polars as pl

from cryptoviz.inspect.outbox import Progress, Sent
from cryptoviz.inspect.reach import require_lake
from cryptoviz.inspect.replay import Replayed
from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import partition_app
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import TRADES
from cryptoviz.lake.topics import TRADES as TRADES_TOPIC
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import TableNotWritten, open_table, scan_between
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects

_PAUSE_S = 0.5
_CANDLES = (OHLC_1M, OHLC_1H)


class NotMaterialised(TimeoutError):
    """The hours of the recording did not become candles in time."""


def wait_until_candles(done: Replayed, settings: Settings, *, timeout_s: float, progress: Progress) -> None:
    """Wait until the lake holds the offsets and candles stand on each hour's version. Raises NotMaterialised."""
    require_lake(settings.lake)
    deadline, topic = time.monotonic() + timeout_s, settings.topic_name(TRADES_TOPIC)
    while (held := messages_held(done, committed_offsets(settings.lake, topic, done.next_offsets))) < done.messages:
        progress("messages in the lake", held, done.messages)
        _pause(deadline, f"{done.messages - held} of {done.messages} messages are not in the lake", timeout_s)
    progress("messages in the lake", held, done.messages)
    index = HourIndex(Objects(settings.lake), TRADES.name)
    while waiting := waiting_hours(done.hours, settings.lake, index):
        ready, hours = len(done.hours) - len(waiting), len(done.hours)
        progress("hours with candles", ready, hours)
        _pause(deadline, f"{len(waiting)} of {hours} hours have no candles, first {min(waiting).key}", timeout_s)
    progress("hours with candles", len(done.hours), len(done.hours))


def committed_offsets(
    lake: Location, topic: str, partitions: Iterable[int], *, table: Table = TRADES
) -> dict[int, int]:
    """First offset not yet in the clean table, for each partition that has any."""
    try:
        delta = open_table(table, lake)
    except TableNotWritten:
        return {}
    versions = {partition: delta.transaction_version(partition_app(topic, partition)) for partition in partitions}
    return {partition: version for partition, version in versions.items() if version is not None}


def messages_held(done: Sent, reached: Mapping[int, int]) -> int:
    """How many of the published messages lie below the committed offsets.

    Others may publish in between, so a partition counts in proportion until its last message is passed.
    """
    spans = {p: (first, done.next_offsets[p]) for p, first in done.first_offsets.items()}
    total = sum(end - first for first, end in spans.values())
    held = sum(min(max(reached.get(p, 0) - first, 0), end - first) for p, (first, end) in spans.items())
    return done.messages * held // total if total else done.messages


def waiting_hours(hours: Iterable[Hour], lake: Location, index: HourIndex) -> set[Hour]:
    """Hours whose candles do not stand, in every candle table, on the version of their trades."""
    wanted, versions = set(hours), index.read()
    if not wanted:
        return set()
    try:
        standing = [_source_versions(table, lake, min(wanted), max(wanted)) for table in _CANDLES]
    except TableNotWritten:
        return wanted
    return {h for h in wanted if h not in versions or any(s.get(h) != {versions[h].version.digest} for s in standing)}


def _source_versions(table: Table, lake: Location, first: Hour, last: Hour) -> dict[Hour, set[str]]:
    hour = pl.col(table.time_column).dt.truncate("1h")
    rows = scan_between(table, lake, first, last).select(hour, "source_version").unique().collect()
    found: dict[Hour, set[str]] = {}
    for start, version in rows.iter_rows():
        found.setdefault(Hour.containing(start), set()).add(version)
    return found


def _pause(deadline: float, what: str, timeout_s: float) -> None:
    if time.monotonic() > deadline:
        raise NotMaterialised(f"{what} after {timeout_s:.0f} s; see `cryptoviz status` and `cryptoviz logs spark`")
    time.sleep(_PAUSE_S)
