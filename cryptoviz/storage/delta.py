"""One lake table as a Delta table: opened or created, committed to with its ledger entry, fenced by the writer's epoch.

delta-rs is the only committer (ADR 0002). A commit that lost its answer is recognised by its commit id; a commit of a
writer that has been replaced is refused.
"""

import time
from collections.abc import Iterable, Sequence

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import WRITER_APP, CommitEntry, DataFile, OffsetRange, partition_app
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Table
from cryptoviz.storage.contract import contract_schema, follow_contract

_CONFIGURATION: dict[str, str | None] = {
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
    "delta.checkpointInterval": "50",
    # Maintenance cleans the log: it keeps the newest commit that carried data, on which a writer resumes.
    "delta.enableExpiredLogCleanup": "false",
}
_HISTORY_STEPS = (20, 500, 20_000)


class WriterReplaced(RuntimeError):
    """Another process has become the writer of the table; this one must stop."""


class LakeTable:
    """A handle on one table. Not thread-safe; cheap to refresh, so keep one per writer.

    Raises :class:`cryptoviz.storage.contract.ContractBroken` when the stored table is not the contract's.
    """

    def __init__(self, table: Table, location: Location) -> None:
        self.table = table
        self.uri = location.table(table.name)
        self._options = location.storage_options
        self._delta = self._open_or_create()
        follow_contract(self._delta, table)

    @property
    def delta(self) -> DeltaTable:
        """The Delta table as of the last refresh."""
        return self._delta

    def refresh(self) -> None:
        """See commits made since."""
        self._delta.update_incremental()

    def epoch(self) -> int:
        """Epoch of the newest writer, 0 when none has come."""
        return self._delta.transaction_version(WRITER_APP) or 0

    def claim(self) -> int:
        """Become the table's writer: every commit of an earlier writer is refused from here on."""
        while True:
            self.refresh()
            epoch = self.epoch() + 1
            try:
                self._commit([], [Transaction(WRITER_APP, epoch)], {})
            except CommitFailedError:
                continue
            return epoch

    def next_offsets(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """First offset not yet in the table, for each partition that has any."""
        versions = {p: self._delta.transaction_version(partition_app(topic, p)) for p in partitions}
        return {p: v for p, v in versions.items() if v is not None}

    def last_entry(self) -> CommitEntry | None:
        """Entry of the newest commit that carried data; compactions and claims are passed over."""
        for limit in _HISTORY_STEPS:
            commits = self._delta.history(limit)
            for commit in commits:
                entry = CommitEntry.decode(commit)
                if entry is not None:
                    return entry
            if len(commits) < limit:
                return None
        return None

    def has_files(self, hour: Hour) -> bool:
        """Whether any file lies in the hour."""
        return bool(self._delta.file_uris(file_pruning_predicate=[(n, "=", v) for n, v in hour.values.items()]))

    def append(self, files: Sequence[DataFile], entry: CommitEntry) -> None:
        """Commit files with their entry and end offsets, all or nothing.

        Raises :class:`WriterReplaced` when a newer writer has claimed the table.
        """
        self.refresh()
        self._check_epoch(entry)
        transactions = [Transaction(WRITER_APP, entry.epoch), *map(_end_offset, entry.ranges)]
        try:
            self._commit(files, transactions, entry.encode())
        except CommitFailedError:
            self.refresh()
            self._check_epoch(entry)
            last = self.last_entry()
            if last is None or last.commit_id != entry.commit_id:
                raise

    def _check_epoch(self, entry: CommitEntry) -> None:
        if self.epoch() != entry.epoch:
            raise WriterReplaced(
                f"table {self.table.name}: this writer has epoch {entry.epoch}, a newer one has {self.epoch()}"
            )

    def _commit(self, files: Sequence[DataFile], transactions: list[Transaction], metadata: dict[str, str]) -> None:
        now_ms = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = [
            AddAction(f.path, f.size, dict(f.hour.values), now_ms, data_change=True, stats=f.statistics) for f in files
        ]
        properties = CommitProperties(custom_metadata=metadata, app_transactions=transactions, max_commit_retries=20)
        self._delta.create_write_transaction(
            actions,
            "append",
            self._delta.schema(),
            partition_by=list(self.table.partition_columns),
            commit_properties=properties,
        )
        self.refresh()

    def _open_or_create(self) -> DeltaTable:
        try:
            return DeltaTable(self.uri, storage_options=self._options)
        except TableNotFoundError:
            # Delta keeps bounds of decimals as floats: a reader that prunes by them would miss rows.
            bounded = {"delta.dataSkippingStatsColumns": ",".join(self.table.statistics)}
            return DeltaTable.create(
                self.uri,
                schema=contract_schema(self.table),
                mode="ignore",
                partition_by=list(self.table.partition_columns),
                name=self.table.name,
                description=self.table.doc,
                configuration=_CONFIGURATION | bounded,
                storage_options=self._options,
            )


def _end_offset(offsets: OffsetRange) -> Transaction:
    return Transaction(offsets.app, offsets.end)
