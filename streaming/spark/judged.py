"""Records after judgement: rows fit for the clean table, and refusals with reason and detail."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, from_venue, parse_instrument
from streaming.feeds.messages import parse_all
from streaming.feeds.parsed import Message, Refusal


@dataclass(frozen=True, slots=True)
class Judged:
    """``rows`` have the clean table's columns and ``record``, its row number; with ids, ``first_id``, ``last_id``."""

    rows: pl.DataFrame
    refusals: dict[int, tuple[str, str]]


def parse_records(records: pa.Table) -> tuple[list[Message | Refusal], dict[int, tuple[str, str]]]:
    """Every record's message or refusal, in order, each schema by its own parser."""
    schemas = records["schema"].to_pylist()
    values = records["value"].to_pylist()
    messages: list[Message | Refusal] = [Refusal("", "")] * len(values)
    for schema in set(schemas):
        mine = [i for i, s in enumerate(schemas) if s == schema]
        for i, message in zip(mine, parse_all(schema, [values[i] for i in mine]), strict=True):
            messages[i] = message
    return messages, {i: (m.reason, m.detail) for i, m in enumerate(messages) if isinstance(m, Refusal)}


def taken(records: pa.Table, numbers: Sequence[int]) -> pl.DataFrame:
    """The records of these row numbers without their values, and ``record``, the number."""
    frame = pl.from_arrow(records.drop_columns(["value", "schema", "connection"]).take(pa.array(numbers, pa.int64())))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - from_arrow of a table is a frame
    return frame.with_columns(pl.Series("record", numbers, pl.Int64))


class Keys:
    """Record keys to instruments, and whether a message's own symbol agrees; each spelling is looked at once."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument | str] = {}
        self._agrees: dict[tuple[str, str], str] = {}

    def instrument(self, key: str | None) -> Instrument | str:
        """The instrument of a key, or what is wrong with the key."""
        if key not in self._instruments:
            try:
                self._instruments[key or ""] = parse_instrument(key or "")
            except UnknownSymbol as error:
                self._instruments[key or ""] = str(error)
        return self._instruments[key or ""]

    def disagreement(self, instrument: Instrument, spelling: str) -> str:
        """Empty when the venue's spelling in the message means the key's instrument, else what it means."""
        if not spelling:
            return ""
        pair = (instrument.key, spelling)
        if pair not in self._agrees:
            self._agrees[pair] = _disagreement(instrument, spelling)
        return self._agrees[pair]


def _disagreement(instrument: Instrument, spelling: str) -> str:
    try:
        said = from_venue(Venue(instrument.venue), spelling)
    except (UnknownSymbol, ValueError) as error:
        return str(error)
    return "" if said == instrument else f"the message is of {said.symbol}, the key of {instrument.symbol}"
