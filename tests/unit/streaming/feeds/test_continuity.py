from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.feeds.continuity import Continuity
from streaming.feeds.record import Record

MARKET = Instrument(Venue.BINANCE, "BTC-USDT")


def record(number, last=None):
    return Record(
        instrument=MARKET, first_id=number, last_id=number if last is None else last,
        time_us=number, value=b"", schema="", source="ws",
        connection="", received_ns=0,
    )  # fmt: skip


def ids(records):
    return [r.first_id for r in records]


@given(
    heard=st.lists(st.integers(0, 60), max_size=120),
    start=st.integers(0, 20),
    page=st.integers(1, 7),
    waiting=st.integers(1, 30),
    fetch_after=st.integers(1, 10),
)
def test_any_interleaving_is_published_once_in_order_without_a_hole(heard, start, page, waiting, fetch_after):
    state, published = Continuity(max_waiting=waiting), []
    for number in heard[: len(heard) // 3]:
        published += state.offer(record(number))
    published += state.start_at(start)
    for turn, number in enumerate(heard[len(heard) // 3 :]):
        published += state.offer(record(number))
        if turn % fetch_after == 0 and state.missing():
            first = state.missing()[0]
            published += state.fill([record(i) for i in range(first, first + page)])
    while hole := state.missing():
        published += state.fill([record(i) for i in range(hole[0], hole[0] + page)])
    assert ids(published) == list(range(start, start + len(published)))
    wanted = [number for number in heard if number >= start]
    assert not wanted or max(wanted) < start + len(published)


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=40),
    start=st.integers(0, 30),
    dice=st.randoms(use_true_random=False),
    page=st.integers(1, 5),
    waiting=st.integers(1, 8),
)
def test_aggregates_are_chained_whatever_is_lost_doubled_or_out_of_order(sizes, start, dice, page, waiting):
    firsts = [sum(sizes[:n]) for n in range(len(sizes))]
    whole = [record(first, first + size - 1) for first, size in zip(firsts, sizes, strict=True)]
    heard = [one for one in dice.choices(whole, k=len(whole) * 2) if dice.random() > 0.2]
    state, published = Continuity(next_id=start, max_waiting=waiting), []
    for one in heard:
        if dice.random() < 0.1:
            state.hear(one)
        else:
            published += state.offer(one)
        if dice.random() < 0.3 and state.missing():
            published += state.fill(answer(whole, state.missing()[0])[:page])
    while hole := state.missing():
        published += state.fill(answer(whole, hole[0])[:page])
    ends = [start - 1, *(one.last_id for one in published)]
    assert [one.first_id for one in published] == [end + 1 for end in ends[:-1]]
    assert ends[-1] >= max((one.last_id for one in heard), default=-1)


def answer(whole, first):
    """What the venue says from an id on: of an aggregate that it lies within, the rest trade by trade."""
    found = []
    for one in whole:
        if one.first_id >= first:
            found.append(one)
        elif one.last_id >= first:
            found += [record(number) for number in range(first, one.last_id + 1)]
    return found


def test_a_hole_holds_back_what_is_beyond_it():
    state = Continuity(next_id=5)
    assert ids(state.offer(record(5))) == [5]
    assert state.offer(record(8)) == []
    assert state.missing() == (6, 7)
    assert ids(state.fill([record(6), record(7)])) == [6, 7, 8]
    assert state.missing() is None


def test_repeats_are_counted_and_skipped():
    state = Continuity(next_id=5)
    state.offer(record(5))
    assert state.offer(record(5)) == []
    assert state.offer(record(3)) == []
    assert state.repeats == 2


def test_too_many_waiting_are_forgotten_and_asked_for():
    state = Continuity(next_id=0, max_waiting=3)
    for number in range(2, 7):
        state.offer(record(number))
    assert state.missing()[0] == 0
    while hole := state.missing():
        state.fill([record(i) for i in range(hole[0], hole[1] + 1)])
    assert state.next_id == 7


def test_ids_that_the_venue_has_lost_are_recorded_and_passed():
    state = Continuity(next_id=1)
    state.offer(record(4))
    assert ids(state.give_up((1, 3))) == [4]
    assert state.lost == [(1, 3)]


def test_all_holes_are_told_with_what_is_beyond_the_last_waiting_record():
    state = Continuity(next_id=5)
    for number in (5, 8, 9, 12):
        state.offer(record(number))
    assert state.holes() == [(6, 7), (10, 11)]
    state.fill([record(6), record(7)])
    assert state.holes() == [(10, 11)]
    assert Continuity().holes() == []


def test_very_many_holes_are_told_as_one_span():
    state = Continuity(next_id=0)
    for number in range(1, 400, 2):
        state.offer(record(number))
    assert state.holes() == [(0, 398)]
