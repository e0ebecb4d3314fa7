"""PostgreSQL as the code location sees it: what of the lake it lacks, and a load of one partition."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg

from cryptoviz.lake.locations import Location
from cryptoviz.storage.partition_files import PartitionFiles, read_state
from cryptoviz.warehouse.load import Loaded, Outcome, load_partition, loaded_partitions
from cryptoviz.warehouse.publications import PUBLICATIONS, Publication, Span
from cryptoviz.warehouse.schema import Connection
from cryptoviz.warehouse.server import Role, Server


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

    def lacking(self, *, now: datetime, refresh: timedelta, first: datetime) -> dict[str, dict[Span, str]]:
        """Partitions, by table, whose files are not those they were loaded from, with the digest of the files.

        A partition in progress is named once in ``refresh``. One that is too old for its publication, or has no files
        any more, is named with an empty digest while PostgreSQL has it. Those before ``first`` are left alone.
        """
        with self._connected() as connection:
            return {
                p.name: _lacking(p, self._wanted(p, now, first), loaded_partitions(connection, p.name), now, refresh)
                for p in self.publications
            }

    def publish(self, publication: Publication, span: Span, *, now: datetime) -> tuple[Outcome, int]:
        """Load one partition as the lake has it now; how that ended and how many rows it has."""
        columns = tuple(c.name for c in publication.published)
        state, rows = read_state(publication.table, self._location, span, columns)
        if _is_expired(publication, span, now):
            state, rows = state.emptied(), rows.clear()
        with self._connected() as connection:
            return load_partition(connection, publication, span, state, rows), rows.height

    def _wanted(self, publication: Publication, now: datetime, first: datetime) -> dict[Span, str]:
        files = self._files[publication.name].read()
        return {
            span: digest
            for span, digest in files.items()
            if first < span.end and span.start <= now and not _is_expired(publication, span, now)
        }

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with psycopg.connect(self._server.conninfo(Role.LOADER), autocommit=True) as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
            where = f"PostgreSQL at {self._server.host}:{self._server.port}"
            raise WarehouseDown(f"{where}: {str(error).strip() or type(error).__name__}") from error


def _is_expired(publication: Publication, span: Span, now: datetime) -> bool:
    return publication.keep is not None and span.end <= now - publication.keep


def _lacking(
    publication: Publication, wanted: dict[Span, str], loaded: dict[str, Loaded], now: datetime, refresh: timedelta
) -> dict[Span, str]:
    lacking: dict[Span, str] = {}
    for span, digest in wanted.items():
        known = loaded.get(span.key)
        if known and (known.digest == digest or (span.end > now and now - known.loaded_time < refresh)):
            continue
        lacking[span] = digest
    gone = (publication.span(key) for key in loaded)
    return lacking | {span: "" for span in gone if span not in wanted}
