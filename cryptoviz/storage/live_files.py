"""The files a table is made of at one version, by the hour or day they lie in, and their replacement in one commit.

For tables whose writer only appends, as Spark does. Replacing touches neither the writer's epoch nor its offsets, and
appends that come in between stay. delta-rs commits the removal of a file that is gone already without a word, so
replacements exclude each other by a transaction id of their own: one that was prepared before another is refused.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from cryptoviz.lake.days import Day
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import DAY_COLUMNS, Table

FILES_APP = "cryptoviz.files"
"""Transaction id that every replacement of files moves on by one."""

Span = Hour | Day
"""What a partition directory holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveFile:
    """A file of the table; ``path`` is relative to it."""

    path: str
    size: int
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFile:
    """A file written and not yet committed; ``statistics`` is Delta's JSON."""

    path: str
    size: int
    statistics: str


def files_by_span(table: Table, delta: DeltaTable) -> dict[Span, list[LiveFile]]:
    """Every file of the table as of the handle's version."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    names = [f"partition.{name}" for name in table.partition_columns]
    found: dict[Span, list[LiveFile]] = {}
    for file in actions.select([*names, "path", "size_bytes", "num_records"]).to_pylist():
        span = _span([file[name] for name in names])
        entry = LiveFile(path=file["path"], size=file["size_bytes"], rows=file["num_records"] or 0)
        found.setdefault(span, []).append(entry)
    return found


def replace_files(
    delta: DeltaTable,
    table: Table,
    span: Span,
    old: Sequence[LiveFile],
    new: Sequence[NewFile],
    metadata: Mapping[str, str],
    *,
    same_rows: bool,
) -> None:
    """Replace files of one hour or day in one commit. ``same_rows`` tells readers of changes that nothing changed.

    ``old`` are files of the handle's version. Raises CommitFailedError when files were replaced since.
    """
    now_ms = int(time.time() * 1000)
    values = dict(span.values)
    actions: list[AddAction | RemoveAction] = [
        RemoveAction(f.path, not same_rows, now_ms, f.size, dict[str, str | None](values)) for f in old
    ]
    actions += [AddAction(f.path, f.size, values, now_ms, not same_rows, f.statistics) for f in new]
    turn = Transaction(FILES_APP, (delta.transaction_version(FILES_APP) or 0) + 1)
    delta.create_write_transaction(
        actions,
        "append",
        delta.schema(),
        partition_by=list(table.partition_columns),
        commit_properties=CommitProperties(
            custom_metadata=dict(metadata), app_transactions=[turn], max_commit_retries=20
        ),
    )


def _span(values: Sequence[str]) -> Span:
    day = Day(date(*map(int, values[: len(DAY_COLUMNS)])))
    return day if len(values) == len(DAY_COLUMNS) else Hour.from_path(f"{day.path}/hour={values[-1]}")
