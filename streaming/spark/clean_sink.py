"""The driver's half of the clean query: ids seen, the clean table's commit, and the side tables that follow it.

The clean table's commit decides. Its state object names the side files it owes to quarantine and duplicates; they are
committed right after, or by the next start when the process dies between, so every offset ends in exactly one table.
"""

import uuid
from collections.abc import Mapping, Sequence

from cryptoviz.crash import crash_point
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import CommitEntry, DataFile, State
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.lake.tables import DUPLICATES, QUARANTINE
from cryptoviz.storage.delta import LakeTable
from streaming.spark.raw_sink import Committed, RawSink
from streaming.spark.report import TopicReport
from streaming.spark.topics import TopicIdentity

_STATES_KEPT = 20


class IdsInTwoTasks(RuntimeError):
    """Two tasks of one batch found the same id: the batch must be judged again in one task."""


class SideTables:
    """Quarantine and duplicates, shared by all topics of the clean query."""

    def __init__(self, location: Location) -> None:
        self._tables = {table.name: LakeTable(table, location) for table in (QUARANTINE, DUPLICATES)}
        self._epochs = {name: table.claim() for name, table in self._tables.items()}

    def settle(self, entry: CommitEntry, owed: list[DataFile]) -> None:
        """Commit what a clean commit owes, unless it has been committed already."""
        for name, table in self._tables.items():
            files = [file for file in owed if file.table == name]
            if files and not self._has(table, entry):
                rows = sum(file.rows for file in files)
                side = CommitEntry(
                    table=name,
                    commit_id=entry.commit_id,
                    epoch=self._epochs[name],
                    cluster_id=entry.cluster_id,
                    topic_id=entry.topic_id,
                    ranges=entry.ranges,
                    rows=rows,
                    valid_through=entry.valid_through,
                )
                table.append(files, side)

    @staticmethod
    def _has(table: LakeTable, entry: CommitEntry) -> bool:
        table.refresh()
        for offsets in entry.ranges:
            reached = table.next_offsets(offsets.topic, [offsets.partition]).get(offsets.partition, 0)
            if reached < offsets.end:
                return False
        return True


class CleanSink(RawSink):
    """Commits judged records to one clean table, each id once."""

    def __init__(
        self,
        table: Table,
        topics: Sequence[TopicIdentity],
        location: Location,
        sides: SideTables,
        *,
        guarded: bool = True,
    ) -> None:
        super().__init__(table, topics, location, guarded=guarded)
        self._sides = sides
        self._states: list[str] = []
        self._ids: dict[str, IdSet] = self._resume()

    @property
    def seen(self) -> Mapping[str, IdSet]:
        """Ids in the table, by record key."""
        return self._ids if self.guarded else {}

    def commit(self, reports: list[TopicReport]) -> Committed | None:
        """As for raw tables, with what the batch owes to the side tables. Raises :class:`IdsInTwoTasks`."""
        ranges = self.checked_ranges(reports)
        if not ranges:
            return None
        ids = self._merged(reports)
        name = self.table.table.name
        files = [file for report in reports for file in report.files if file.table == name]
        owed = [file for report in reports for file in report.files if file.table != name]
        versions = self.hours.after(files)
        path = f"_ledger/{name}/states/{uuid.uuid4().hex}.json"
        crash_point("clean.before_state")
        self.objects.put(path, State({key: list(known) for key, known in ids.items()}, owed).encode())
        entry = self.entry(ranges, files, versions, reports, state=path)
        crash_point("clean.before_commit")
        self.table.append(files, entry)
        crash_point("clean.after_commit")
        self._sides.settle(entry, owed)
        crash_point("clean.after_sides")
        self._ids = ids
        self.hours.commit(versions)
        self._forget_states(path)
        return Committed(
            table=name,
            rows=entry.rows,
            files=len(files),
            refused=entry.refused,
            repeated=entry.repeated,
            oldest_us=min(report.oldest_us for report in reports),
        )

    def _resume(self) -> dict[str, IdSet]:
        last = self.table.last_entry()
        if last is None:
            return {}
        payload = self.objects.get(last.state)
        if payload is None:
            raise FileNotFoundError(
                f"table {last.table}: its last commit names the state {last.state}, which is gone from the store; "
                "restore it from a backup"
            )
        state = State.decode(payload)
        self._sides.settle(last, state.owed)
        stale = [info.path for info in self.objects.list(f"_ledger/{last.table}/states") if info.path != last.state]
        self.objects.delete(stale)
        self._states = [last.state]
        return state.id_sets()

    def _merged(self, reports: list[TopicReport]) -> dict[str, IdSet]:
        ids = dict(self._ids)
        for report in reports:
            for key, found in report.ids.items():
                known = ids.get(key, IdSet())
                if self.guarded and any(known.overlaps(first, last) for first, last in found):
                    raise IdsInTwoTasks(f"{key}: ids {found[0][0]} to {found[-1][1]} came in two tasks of one batch")
                ids[key] = known.union(found)
        return ids

    def _forget_states(self, newest: str) -> None:
        self._states.append(newest)
        old, self._states = self._states[:-_STATES_KEPT], self._states[-_STATES_KEPT:]
        self.objects.delete(old)
