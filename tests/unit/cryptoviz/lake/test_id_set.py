import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.id_set import IdSet

intervals = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 6)).map(lambda t: (t[0], t[0] + t[1])), max_size=20)


def members(pairs):
    return {i for first, last in pairs for i in range(first, last + 1)}


@given(intervals)
def test_holds_exactly_the_ids_put_in_whatever_their_order(pairs):
    found = IdSet(pairs)
    assert members(found) == members(pairs)
    assert found == IdSet(reversed(pairs))
    assert found.count == len(members(pairs))


@given(intervals)
def test_intervals_are_disjoint_sorted_and_never_adjacent(pairs):
    flat = [end for interval in IdSet(pairs) for end in interval]
    assert all(b > a + 1 for a, b in zip(flat[1::2], flat[2::2], strict=False))


@given(intervals, st.integers(0, 90), st.integers(0, 9))
def test_covers_and_overlaps_agree_with_sets(pairs, first, length):
    ids, asked = members(pairs), set(range(first, first + length + 1))
    assert IdSet(pairs).covers(first, first + length) == (asked <= ids)
    assert IdSet(pairs).overlaps(first, first + length) == bool(asked & ids)
    assert (first in IdSet(pairs)) == (first in ids)


@given(intervals, st.integers(0, 90), st.integers(0, 30))
def test_holes_are_what_is_missing_within_the_bounds(pairs, first, length):
    last = first + length
    assert members(IdSet(pairs).holes(first, last)) == set(range(first, last + 1)) - members(pairs)


@given(intervals, intervals)
def test_union_is_union(one, other):
    assert members(IdSet(one).union(other)) == members(one) | members(other)


def test_an_interval_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="ends before"):
        IdSet([(3, 2)])
