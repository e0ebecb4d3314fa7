"""PostgreSQL as the code location sees it: what of the lake it lacks, and a load of one partition."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg

from cryptoviz.lake.locations import Location
from cryptoviz.storage.frames import TableNotWritten, empty
from cryptoviz.storage.partition_files import PartitionFiles, TableSnapshot
from cryptoviz.warehouse.counts import Held, count_rows
from cryptoviz.warehouse.load import Loaded, Outcome, ledger_mark, load_partition, loaded_partitions
from cryptoviz.warehouse.publications import PUBLICATIONS, Publication, Span
from cryptoviz.warehouse.schema import Connection
from cryptoviz.warehouse.server import Role, Server

_AT_ONCE = timedelta(0)
_EVER, _EVERMORE = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class WarehouseDown(ConnectionError):
    """PostgreSQL does not answer, or has no tables yet; the message says where and why."""


class Warehouse:
    """Handle on the published tables of one lake. Connections last as long as a call."""

    def __init__(
        self, server: Server, location: Location, *, publications: Sequence[Publication] = PUBLICATIONS
    ) -> None:
        self.publications = publications
        self._server, self._location = server, location
        self._files = {p.name: PartitionFiles(p.table, location) for p in publications}
        self._mark: tuple[int, datetime | None] | None = None
        self._loaded: Mapping[str, Mapping[Span, Loaded]] = {}

    def lacking(self, *, now: datetime, refresh: timedelta = _AT_ONCE) -> dict[str, dict[Span, str]]:
        """Partitions, by table, whose files are not those they were loaded from, each with a name of the change.

        The name stays while the change is not made: so a failing load can be tried again after pauses. A partition in
        progress is named once in ``refresh``. One that is too old for its publication, or has no files any more, is
        named while PostgreSQL has it. Tables that nobody has written yet are left alone.
        """
        wanted = {p.name: self._wanted(p, now) for p in self.publications}
        with self._connected() as connection:
            loaded = self._read_ledger(connection)
        return {
            name: _lacking(files, loaded.get(name, {}), now, refresh)
            for name, files in wanted.items()
            if files is not None
        }

    def off_counts(self, publication: Publication, *, only: Collection[Span] | None = None) -> list[str]:
        """Partitions whose rows in PostgreSQL are more or fewer than the lake's; ``only`` some, or all.

        A partition that was loaded from other files than the lake has now is passed over: it is about to be loaded.
        """
        try:
            snapshot = TableSnapshot(publication.table, self._location)
        except TableNotWritten:
            return []
        if only is not None and not only:
            return []
        start = min(span.start for span in only) if only else _EVER
        end = max(span.end for span in only) if only else _EVERMORE
        with self._connected() as connection:
            held = count_rows(connection, publication, start=start, end=end)
        lake = snapshot.row_counts()
        spans = set(only) if only is not None else {*held.rows, *held.loaded}
        found = (
            (span, _off(held, span, lake.get(span, 0), snapshot.state(span).digest))
            for span in sorted(spans, key=lambda span: span.start)
        )
        return [f"{span.key}: {what}" for span, what in found if what]

    @contextmanager
    def loader(self) -> "Iterator[Loader]":
        """Load within: one connection, and each table as it was when its first partition is asked for.

        Raises :class:`WarehouseDown`, also when PostgreSQL goes away meanwhile.
        """
        with self._connected() as connection:
            yield Loader(connection, self._location)

    def _read_ledger(self, connection: Connection) -> Mapping[str, Mapping[Span, Loaded]]:
        """What is loaded of each table, read again only when something was."""
        mark = ledger_mark(connection)
        if mark != self._mark:
            found = loaded_partitions(connection)
            self._mark, self._loaded = (
                mark,
                {
                    p.name: {p.span(key): loaded for key, loaded in found.get(p.name, {}).items()}
                    for p in self.publications
                },
            )
        return self._loaded

    def _wanted(self, publication: Publication, now: datetime) -> dict[Span, str] | None:
        files = self._files[publication.name].read()
        if files is None:
            return None
        return {
            span: digest
            for span, digest in files.items()
            if span.start <= now and not _is_expired(publication, span, now)
        }

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with psycopg.connect(self._server.conninfo(Role.LOADER), autocommit=True) as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
            where = f"PostgreSQL at {self._server.host}:{self._server.port}"
            raise WarehouseDown(f"{where}: {str(error).strip() or type(error).__name__}") from error


class Loader:
    """Loads partitions over one connection."""

    def __init__(self, connection: Connection, location: Location) -> None:
        self._connection, self._location = connection, location
        self._snapshots: dict[str, TableSnapshot] = {}

    def load(self, publication: Publication, span: Span, *, now: datetime) -> tuple[Outcome, int]:
        """Load one partition; how that ended and how many rows it has. A partition too old to keep is removed."""
        name = publication.name
        if name not in self._snapshots:
            self._snapshots[name] = TableSnapshot(publication.table, self._location)
        snapshot = self._snapshots[name]
        state, columns = snapshot.state(span), [c.name for c in publication.published]
        if _is_expired(publication, span, now):
            state, rows = state.emptied(), empty(publication.table).select(columns)
        else:
            rows = snapshot.rows(span, columns)
        return load_partition(self._connection, publication, span, state, rows), rows.height


def _off(held: Held, span: Span, rows: int, digest: str) -> str:
    """What is off about the rows of a partition; empty when they are those of the very files that were loaded."""
    loaded, there = held.loaded.get(span), held.rows.get(span, 0)
    if loaded is None:
        return f"{there} rows that no load accounts for" if there else ""
    return f"{there} rows, the lake has {rows}" if loaded.digest == digest and there != rows else ""


def _is_expired(publication: Publication, span: Span, now: datetime) -> bool:
    return publication.keep is not None and span.end <= now - publication.keep


def _lacking(
    files: Mapping[Span, str], loaded: Mapping[Span, Loaded], now: datetime, refresh: timedelta
) -> dict[Span, str]:
    lacking = {span: "gone" for span in loaded if span not in files}
    for span, digest in files.items():
        known = loaded.get(span)
        is_fresh = known is not None and span.end > now and now - known.loaded_time < refresh
        if not is_fresh and (known is None or known.digest != digest):
            is_settled = span.end <= now
            lacking[span] = digest if is_settled else f"after {known.digest if known else 'nothing'}"
    return lacking
