from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import BOOK_TICKERS
from streaming.feeds.record import Record
from streaming.feeds.thinning import Thinner

BTC, ETH = Instrument(Venue.BINANCE, "BTC-USDT"), Instrument(Venue.BINANCE, "ETH-USDT")
SECOND = 1_000_000_000


def state(at_ns, *, update=0, time_us=0, instrument=BTC):
    return Record(
        instrument=instrument, first_id=update, last_id=update, time_us=time_us, value=b"%d" % at_ns, schema="",
        source="ws", connection="", received_ns=at_ns, topic=BOOK_TICKERS,
    )  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([BTC, ETH]), st.integers(0, 20 * SECOND)), max_size=60))
def test_of_each_market_and_interval_exactly_the_last_state_leaves(heard):
    thinner, left = Thinner(interval_s=1), []
    for number, (instrument, at) in enumerate(sorted(heard, key=lambda h: h[1])):
        left += thinner.due(at)
        thinner.offer(state(at, update=number, instrument=instrument))
    left += thinner.due(22 * SECOND)
    last = {
        (i, at // SECOND): number for number, (i, at) in enumerate(sorted(heard, key=lambda h: h[1]))
    }  # a later one of the same interval replaces the earlier
    assert {(r.instrument, r.received_ns // SECOND): r.last_id for r in left} == last
    assert len(left) == len(last)
    assert thinner.thinned == len(heard) - len(left)


def test_nothing_leaves_before_its_interval_has_ended():
    thinner = Thinner(interval_s=1)
    thinner.offer(state(5 * SECOND))
    assert thinner.due(5 * SECOND + SECOND - 1) == []
    assert [r.received_ns for r in thinner.due(6 * SECOND)] == [5 * SECOND]
    assert thinner.due(7 * SECOND) == []


def test_an_older_update_of_a_second_connection_does_not_replace_a_newer_one():
    thinner = Thinner(interval_s=1)
    thinner.offer(state(5 * SECOND, update=8))
    thinner.offer(state(5 * SECOND + 1, update=7))
    assert [r.last_id for r in thinner.due(6 * SECOND)] == [8]


def test_without_update_ids_the_venues_time_decides():
    thinner = Thinner(interval_s=1)
    thinner.offer(state(5 * SECOND, time_us=20))
    thinner.offer(state(5 * SECOND + 1, time_us=10))
    assert [r.time_us for r in thinner.due(6 * SECOND)] == [20]
