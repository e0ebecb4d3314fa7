"""Interval sets of ids: which trades of a market have been seen, in space proportional to the number of holes."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

Interval = tuple[int, int]


class IdSet:
    """An immutable set of integers kept as disjoint, non-adjacent, sorted closed intervals `[first, last]`."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, intervals: Iterable[Interval] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(intervals):
            if last < first:
                raise ValueError(f"interval ends before it begins: [{first}, {last}]")
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __iter__(self) -> Iterator[Interval]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        """Number of intervals: one more than the number of holes, zero when empty."""
        return len(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdSet) and self._firsts == other._firsts and self._lasts == other._lasts

    def __hash__(self) -> int:
        return hash((tuple(self._firsts), tuple(self._lasts)))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def __repr__(self) -> str:
        return f"IdSet({list(self)})"

    @property
    def firsts(self) -> Sequence[int]:
        """Lower ends, ascending."""
        return self._firsts

    @property
    def lasts(self) -> Sequence[int]:
        """Upper ends, ascending, aligned with :attr:`firsts`."""
        return self._lasts

    @property
    def count(self) -> int:
        """How many ids are in the set."""
        return sum(last - first + 1 for first, last in self)

    def covers(self, first: int, last: int) -> bool:
        """Whether every id of `[first, last]` is in the set."""
        at = bisect_right(self._firsts, first) - 1
        return at >= 0 and last <= self._lasts[at]

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any id of `[first, last]` is in the set."""
        at = bisect_left(self._lasts, first)
        return at < len(self._firsts) and self._firsts[at] <= last

    def union(self, intervals: Iterable[Interval]) -> "IdSet":
        """The set with these intervals added."""
        return IdSet([*self, *intervals])

    def holes(self, first: int | None = None, last: int | None = None) -> list[Interval]:
        """Ids missing between the first and the last one seen, or within the bounds given."""
        if not self._firsts:
            return [(first, last)] if first is not None and last is not None and first <= last else []
        low = self._firsts[0] if first is None else first
        high = self._lasts[-1] if last is None else last
        missing, at = [], low
        for begin, end in self:
            if begin > high:
                break
            if begin > at:
                missing.append((at, begin - 1))
            at = max(at, end + 1)
        if at <= high:
            missing.append((at, high))
        return missing
