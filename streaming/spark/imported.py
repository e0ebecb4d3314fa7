"""The numbers of records that came out of archives: what makes an import the only kind of sample that has ids."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from cryptoviz.lake.id_set import IdSet, Interval
from cryptoviz.lake.imports import IMPORT_KEY, origin_of
from cryptoviz.lake.topics import Source


def numbers_of(records: pa.Table) -> list[int | None]:
    """The number of each record, None of those that are of no import."""
    sources = records["source"].to_pylist()
    if Source.IMPORT not in sources:
        return [None] * len(sources)
    said = zip(sources, records["connection"].to_pylist(), strict=True)
    origins = [origin_of(connection) if source == Source.IMPORT else None for source, connection in said]
    return [origin.number if origin else None for origin in origins]


def with_refused(
    ids: Mapping[str, list[Interval]], records: pa.Table, refused: Iterable[int], seen: Mapping[str, IdSet]
) -> dict[str, list[Interval]]:
    """The ids found, and the numbers of imported records that were refused: they too have come and need not again."""
    numbers = numbers_of(records)
    known = seen.get(IMPORT_KEY, IdSet())
    found = {n for n in (numbers[row] for row in refused) if n is not None and n not in known}
    if not found:
        return dict(ids)
    return {**ids, IMPORT_KEY: list(IdSet([*ids.get(IMPORT_KEY, ()), *((n, n) for n in found)]))}
