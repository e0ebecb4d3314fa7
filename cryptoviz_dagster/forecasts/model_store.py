"""Trained models in the lake: weights and card as files, a row in the model's table that names them and their hash.

The files are written first; a row never names what is not there. A model is found by the key of its partition, never
by being the newest.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import polars as pl

from cryptoviz.forecasting.lstm import WrongWeights
from cryptoviz.forecasting.model_file import fingerprint
from cryptoviz.lake.days import Day
from cryptoviz.lake.schema import Table
from cryptoviz.storage.frames import TableNotWritten, empty, read_partition, replace_partition, scan_between
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.resources import Lake

TRAINED = "trained"

_Model = TypeVar("_Model")


class BrokenModel(RuntimeError):
    """The weights of a model are gone or not those its row names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredModel:
    """A row of a model table; ``version`` is empty unless the status is ``trained``."""

    day: Day
    status: str
    version: str = ""
    path: str = ""
    sha256: str = ""


class ModelStore:
    """Models of one table."""

    def __init__(self, lake: Lake, table: Table) -> None:
        self._lake, self._table = lake, table
        self._objects = Objects(lake.location)

    def save(self, day: Day, weights: bytes, *, through: datetime, examples: int, card: Mapping[str, Any]) -> str:
        """Store a trained model and return its version: the key and the start of the hash of its weights."""
        sha = fingerprint(weights)
        version, folder = f"{day.key}+{sha[:12]}", f"models/{self._table.name}/{day.key}"
        text = json.dumps({**card, "version": version, "sha256": sha}, sort_keys=True, indent=1)
        self._objects.put(f"{folder}/weights.safetensors", weights)
        self._objects.put(f"{folder}/card.json", text.encode())
        row = {"version": version, "status": TRAINED, "sha256": sha, "path": f"{folder}/weights.safetensors"}
        self._write(day, row, through=through, examples=examples, card=text)
        return version

    def say_missing(self, day: Day, status: str, *, through: datetime, reason: str) -> None:
        """Record that there is no model of this day, and why."""
        row = {"version": "", "status": status, "sha256": None, "path": None}
        self._write(day, row, through=through, examples=0, card=json.dumps({"status": status, "reason": reason}))

    def find(self, day: Day) -> StoredModel | None:
        """The row of a day; None when nobody has tried."""
        found = _stored(read_partition(self._table, self._lake.location, day))
        return found[0] if found else None

    def between(self, first: Day, last: Day) -> list[StoredModel]:
        """Rows of the days from ``first`` to ``last``, both included."""
        try:
            rows = scan_between(self._table, self._lake.location, first, last).collect()
        except TableNotWritten:
            rows = empty(self._table)
        return _stored(rows)

    def weights(self, model: StoredModel) -> bytes:
        """Weights of a trained model. Raises :class:`BrokenModel` unless they are exactly those its row names."""
        payload = self._objects.get(model.path)
        if payload is None or fingerprint(payload) != model.sha256:
            what = "are gone" if payload is None else f"have the hash {fingerprint(payload)}"
            raise BrokenModel(
                f"{self._table.name} {model.day.key}: the weights at {model.path} {what}, the table says "
                f"{model.sha256}; materialize {self._table.name} of {model.day.key} again"
            )
        return payload

    def load(self, model: StoredModel, decode: Callable[[bytes], _Model]) -> _Model:
        """A trained model. Raises :class:`BrokenModel` when its weights are damaged or of another shape."""
        payload = self.weights(model)
        try:
            return decode(payload)
        except WrongWeights as error:
            raise BrokenModel(
                f"{self._table.name} {model.day.key}: {error}; materialize {self._table.name} of {model.day.key} again"
            ) from None

    def _write(self, day: Day, row: Mapping[str, Any], *, through: datetime, examples: int, card: str) -> None:
        whole = {**row, "day_start": day.start, "trained_through": through, "examples": examples, "card": card}
        frame = pl.DataFrame([whole], schema=empty(self._table).schema)
        replace_partition(self._table, self._lake.location, day, frame, {"cryptoviz.version": str(row["version"])})


def _stored(rows: pl.DataFrame) -> list[StoredModel]:
    return [
        StoredModel(
            day=Day.containing(row["day_start"]), status=row["status"], version=row["version"], path=row["path"] or "",
            sha256=row["sha256"] or "",
        )
        for row in rows.sort("day_start").iter_rows(named=True)
    ]  # fmt: skip
