"""Which rows are new, which repeat what the ledger has seen, which overlap it in part. First come, first kept."""

from bisect import bisect_left, bisect_right, insort
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from cryptoviz.lake.id_set import IdSet, Interval

Ids = npt.NDArray[np.int64]


class Novelty(IntEnum):
    """Fate of a row by its ids."""

    NEW = 0
    REPEAT = 1
    OVERLAP = 2


def classify(firsts: Ids, lasts: Ids, seen: IdSet) -> npt.NDArray[np.int8]:
    """Novelty of rows in order of arrival. Ids are closed ranges; a plain trade's range is one id long."""
    fates = _against(firsts, lasts, seen)
    fresh = np.flatnonzero(fates == Novelty.NEW)
    own_firsts, own_lasts = firsts[fresh], lasts[fresh]
    if bool((fates == Novelty.OVERLAP).any()):
        return _one_by_one(firsts, lasts, seen)
    if len(fresh) < 2 or bool((own_firsts[1:] > own_lasts[:-1]).all()):
        return fates
    if bool((own_firsts == own_lasts).all()):
        _, kept = np.unique(own_firsts, return_index=True)
        fates[np.delete(fresh, kept)] = Novelty.REPEAT
        return fates
    return _one_by_one(firsts, lasts, seen)


def intervals(firsts: Ids, lasts: Ids) -> list[Interval]:
    """The ids of disjoint ranges as sorted intervals."""
    if not len(firsts):
        return []
    order = np.argsort(firsts, kind="stable")
    begins, ends = firsts[order], lasts[order]
    cuts = np.flatnonzero(begins[1:] > ends[:-1] + 1)
    starts = begins[np.concatenate(([0], cuts + 1))]
    stops = ends[np.concatenate((cuts, [len(ends) - 1]))]
    return [(int(a), int(b)) for a, b in zip(starts, stops, strict=True)]


def _against(firsts: Ids, lasts: Ids, seen: IdSet) -> npt.NDArray[np.int8]:
    fates = np.zeros(len(firsts), np.int8)
    if not len(seen):
        return fates
    begins, ends = np.array(seen.firsts, np.int64), np.array(seen.lasts, np.int64)
    after = np.searchsorted(ends, firsts)
    inside = after < len(begins)
    at = np.minimum(after, len(begins) - 1)
    touched = inside & (begins[at] <= lasts)
    covered = touched & (begins[at] <= firsts) & (lasts <= ends[at])
    fates[touched] = Novelty.OVERLAP
    fates[covered] = Novelty.REPEAT
    return fates


def _one_by_one(firsts: Ids, lasts: Ids, seen: IdSet) -> npt.NDArray[np.int8]:
    """The general case, ranges that overlap each other or the ledger in part; rare, so plain."""
    fates = np.zeros(len(firsts), np.int8)
    low, high = int(firsts.min()), int(lasts.max())
    taken: list[Interval] = [i for i in seen if i[0] <= high and i[1] >= low]
    for row, (first, last) in enumerate(zip(firsts.tolist(), lasts.tolist(), strict=True)):
        near = IdSet(taken[max(0, bisect_left(taken, (first,)) - 1) : bisect_right(taken, (last, last)) + 1])
        if near.covers(first, last):
            fates[row] = Novelty.REPEAT
        elif near.overlaps(first, last):
            fates[row] = Novelty.OVERLAP
        else:
            insort(taken, (first, last))
    return fates
