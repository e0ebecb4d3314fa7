from hypothesis import given
from hypothesis import strategies as st

from streaming.feeds.skew import Skew

SECOND = 1_000_000_000
NOW = 1_795_163_400 * SECOND


@given(st.lists(st.integers(0, 5_000_000), min_size=1, max_size=50), st.integers(-3_000_000, 3_000_000))
def test_the_smallest_difference_is_the_skew_and_the_shortest_delay(delays_us, skew_us):
    skew = Skew()
    for n, delay in enumerate(delays_us):
        sent = NOW // 1000 + n * 1_000_000
        skew.hear(time_us=sent, received_ns=(sent + delay + skew_us) * 1000)
    recent = delays_us[-50:]
    assert skew.milliseconds >= (min(delays_us) + skew_us) / 1000
    assert skew.milliseconds <= (max(recent) + skew_us) / 1000


def test_what_is_more_than_a_minute_old_is_forgotten():
    skew = Skew()
    skew.hear(time_us=NOW // 1000, received_ns=NOW)
    for n in range(1, 8):
        skew.hear(time_us=NOW // 1000 + n * 10_000_000, received_ns=NOW + n * 10 * SECOND + 5_000_000)
    assert skew.milliseconds == 5.0


def test_nothing_is_known_of_a_venue_that_says_no_time():
    skew = Skew()
    skew.hear(time_us=0, received_ns=NOW)
    assert skew.milliseconds is None
