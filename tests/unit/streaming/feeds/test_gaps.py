import itertools

from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.gaps import Cause, GapState
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import GAPS
from streaming.feeds.gaps import GapLedger, decode_gap

BTC = Instrument(Venue.BINANCE, "BTC-USDT")


def ledger():
    return GapLedger(BTC, clock=itertools.count(1_795_163_400 * 10**9, 10**9).__next__)


def said(book):
    return [(gap.first_id, gap.last_id, str(gap.state)) for gap in map(decode, book.take())]


def decode(record):
    assert (record.topic, record.instrument, record.schema) == (GAPS, BTC, "cryptoviz.gap")
    return decode_gap(record.value)


def see(book, *holes):
    book.see(holes, cause=Cause.HOLE, since_us=5)


def test_a_gap_is_said_once_when_it_opens_and_once_when_it_is_repaired():
    book = ledger()
    see(book, (5, 7))
    see(book, (5, 7))
    assert said(book) == [(5, 7, "open")]
    book.reach(7)
    assert said(book) == []
    book.reach(8)
    assert said(book) == [(5, 7, "repaired")]
    assert (book.open, book.repaired) == ([], 1)


def test_what_is_left_of_a_gap_is_not_another_gap():
    book = ledger()
    see(book, (5, 9))
    see(book, (8, 9))
    assert said(book) == [(5, 9, "open")]


def test_a_gap_that_grows_ends_where_it_has_grown_to():
    book = ledger()
    see(book, (5, 9))
    see(book, (5, 30))
    book.reach(10)
    book.reach(31)
    assert said(book) == [(5, 9, "open"), (5, 30, "repaired")]


def test_ids_that_the_venue_has_lost_are_told_apart_from_those_around_them():
    book = ledger()
    see(book, (5, 20))
    book.take()
    book.lose((8, 9), evidence="asked five times", since_us=5)
    told = [decode(record) for record in book.take()]
    assert {(g.first_id, g.last_id, str(g.state)) for g in told} == {
        (5, 7, "repaired"), (8, 9, "unrecoverable"), (10, 20, "open"),
    }  # fmt: skip
    assert next(g.evidence for g in told if g.state is GapState.UNRECOVERABLE) == "asked five times"
    assert book.unrecoverable == 2
    book.reach(21)
    assert said(book) == [(10, 20, "repaired")]


def test_a_hole_must_be_there_at_two_looks_before_it_counts():
    book = ledger()
    book.watch([(5, 5)], cause=Cause.HOLE, since_us=0)
    book.watch([], cause=Cause.HOLE, since_us=0)
    book.watch([(7, 8)], cause=Cause.HOLE, since_us=0)
    assert said(book) == []
    book.watch([(7, 8)], cause=Cause.HOLE, since_us=0)
    assert said(book) == [(7, 8, "open")]


def test_a_gap_left_open_by_an_earlier_process_is_closed_by_this_one():
    before, after = ledger(), ledger()
    see(before, (5, 7))
    after.adopt(decode(before.take()[0]))
    after.reach(8)
    assert said(after) == [(5, 7, "repaired")]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("see"), st.integers(0, 40), st.integers(0, 10)),
            st.tuples(st.just("lose"), st.integers(0, 5), st.integers(0, 5)),
            st.tuples(st.just("reach"), st.integers(0, 10), st.just(0)),
        ),
        max_size=40,
    )
)
def test_every_gap_that_opens_ends_and_no_two_open_ones_overlap(steps):
    book, at, states = ledger(), 0, {}
    for kind, start, length in [*steps, ("reach", 1000, 0)]:
        if kind == "see":
            see(book, (at + start, at + start + length))
        elif kind == "lose":
            book.lose((at + start, at + start + length), evidence="x", since_us=0)
            at += start + length + 1
        else:
            at += start
        book.reach(at)
        spans = sorted((gap.first_id, gap.last_id) for gap in book.open)
        assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
        for gap in map(decode, book.take()):
            states[gap.first_id] = gap.state
    assert GapState.OPEN not in states.values()
