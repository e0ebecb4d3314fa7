"""Judged rows split by what their ids say: new, repeats of what is in the lake, overlaps with it."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from cryptoviz.lake.id_set import IdSet, Interval
from cryptoviz.lake.imports import IMPORT_KEY
from streaming.spark.novelty import Novelty, classify, intervals

Split = tuple[dict[Novelty, pl.DataFrame], dict[str, list[Interval]]]
"""Rows by novelty, and the ids that are new by record key."""


def split_samples(rows: pl.DataFrame, seen: Mapping[str, IdSet], refusals: dict[int, tuple[str, str]]) -> Split:
    """Sampled states: no id is known, none is a repeat. Those out of an archive have a number, ``import_number``."""
    if "import_number" not in rows.columns or rows["import_number"].null_count() == rows.height:
        return {Novelty.NEW: rows, Novelty.REPEAT: rows.clear()}, {}
    number = pl.col("import_number")
    numbered = rows.filter(number.is_not_null()).with_columns(key=pl.lit(IMPORT_KEY), first_id=number, last_id=number)
    parts, ids = split_by_novelty(numbered, seen, refusals)
    repeats = parts[Novelty.REPEAT].with_columns(trade_id=number, last_trade_id=number, event_time="received_time")
    new = pl.concat([rows.filter(number.is_null()), parts[Novelty.NEW].select(rows.columns)])
    return {Novelty.NEW: new.sort("partition", "offset"), Novelty.REPEAT: repeats}, ids


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
