"""Judged rows split by what their ids say: new, repeats of what is in the lake, overlaps with it."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from cryptoviz.lake.id_set import IdSet, Interval
from streaming.spark.novelty import Novelty, classify, intervals

Split = tuple[dict[Novelty, pl.DataFrame], dict[str, list[Interval]]]
"""Rows by novelty, and the ids that are new by record key."""


def all_new(rows: pl.DataFrame, seen: Mapping[str, IdSet], refusals: dict[int, tuple[str, str]]) -> Split:
    """Sampled states: no id is known, none is a repeat."""
    del seen, refusals
    return {Novelty.NEW: rows, Novelty.REPEAT: rows.clear()}, {}


def split_by_novelty(rows: pl.DataFrame, seen: Mapping[str, IdSet], refusals: dict[int, tuple[str, str]]) -> Split:
    """Rows by novelty, and the ids that are new. Partial overlaps join the refusals."""
    if not rows.height:
        return dict.fromkeys(Novelty, rows), {}
    rows = rows.sort("partition", "offset")
    fates = np.zeros(rows.height, np.int8)
    firsts, lasts = rows["first_id"].to_numpy(), rows["last_id"].to_numpy()
    ids = {}
    for (key,), group in rows.with_row_index("at").group_by("key"):
        at = group["at"].sort().to_numpy()
        fates[at] = classify(firsts[at], lasts[at], seen.get(str(key), IdSet()))
        fresh = at[fates[at] == Novelty.NEW]
        ids[str(key)] = intervals(firsts[fresh], lasts[fresh])
    parts = {fate: rows.filter(pl.Series(fates == fate)) for fate in Novelty}
    for record, first, last in parts[Novelty.OVERLAP].select("record", "first_id", "last_id").iter_rows():
        refusals[record] = ("partial_overlap", f"some but not all of the ids {first} to {last} are in the lake")
    return parts, {key: found for key, found in ids.items() if found}
