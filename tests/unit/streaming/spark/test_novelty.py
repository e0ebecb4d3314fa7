import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.id_set import IdSet
from streaming.spark.novelty import Novelty, classify, intervals

ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 4)).map(lambda t: (t[0], t[0] + t[1])), max_size=30)
plain = st.lists(st.integers(0, 40).map(lambda i: (i, i)), max_size=40)
seen_sets = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda t: (t[0], t[0] + t[1])), max_size=5)


def oracle(rows, seen):
    taken = {i for first, last in seen for i in range(first, last + 1)}
    fates = []
    for first, last in rows:
        ids = set(range(first, last + 1))
        if not ids & taken:
            fates.append(Novelty.NEW)
            taken |= ids
        else:
            fates.append(Novelty.REPEAT if ids <= taken else Novelty.OVERLAP)
    return fates


def columns(rows):
    return np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], np.int64)


@given(rows=plain | ranges, seen=seen_sets)
def test_first_come_is_kept_and_every_repeat_is_seen(rows, seen):
    firsts, lasts = columns(rows)
    fates = classify(firsts, lasts, IdSet(seen))
    expected = oracle(rows, seen)
    assert [Novelty(f) for f in fates] == expected


@given(rows=plain | ranges)
def test_the_ids_of_new_rows_are_the_ledger_of_the_batch(rows):
    firsts, lasts = columns(rows)
    new = classify(firsts, lasts, IdSet()) == Novelty.NEW
    kept = [r for r, is_new in zip(rows, new, strict=True) if is_new]
    assert list(IdSet(intervals(firsts[new], lasts[new]))) == list(IdSet(kept))
    assert intervals(firsts[new], lasts[new]) == list(IdSet(kept))


@given(rows=plain, cut=st.integers(0, 40))
def test_any_split_into_batches_keeps_the_same_ids(rows, cut):
    whole = {r for r, f in zip(rows, classify(*columns(rows), IdSet()), strict=True) if f == Novelty.NEW}
    kept, seen = set(), IdSet()
    for part in (rows[:cut], rows[cut:]):
        firsts, lasts = columns(part)
        new = classify(firsts, lasts, seen) == Novelty.NEW
        kept |= {r for r, is_new in zip(part, new, strict=True) if is_new}
        seen = seen.union(intervals(firsts[new], lasts[new]))
    assert kept == whole
