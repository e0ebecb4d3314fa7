"""Records after judgement: rows fit for the clean table, and refusals with reason and detail."""

from dataclasses import dataclass

import polars as pl

from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, from_venue, parse_instrument


@dataclass(frozen=True, slots=True)
class Judged:
    """``rows`` have the clean table's columns plus ``first_id``, ``last_id`` and ``record``, its row number."""

    rows: pl.DataFrame
    refusals: dict[int, tuple[str, str]]


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
