import itertools

from hypothesis import given
from hypothesis import strategies as st

from streaming.feeds.windows import Window


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@given(
    limit=st.integers(1, 20),
    seconds=st.integers(1, 10),
    asked=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3)), max_size=60),
)
def test_no_window_however_placed_holds_more_than_its_limit(limit, seconds, asked):
    clock, spent = Clock(), []
    window = Window(limit=limit, seconds=seconds, clock=clock)
    for wanted, pause in asked:
        clock.now += pause
        weight = min(wanted, limit)
        for _ in range(len(spent) + 2):
            if not (delay := window.delay(weight)):
                break
            clock.now += delay
        assert window.delay(weight) == 0
        window.spend(weight)
        spent.append((clock.now, weight))
    for start, _ in spent:
        assert sum(w for at, w in spent if start <= at < start + seconds) <= limit


def test_what_is_heavier_than_the_limit_waits_for_an_empty_window():
    clock = Clock()
    window = Window(limit=10, seconds=60, clock=clock)
    window.spend(1)
    assert window.delay(25) == 60
    clock.now += 60
    assert window.delay(25) == 0


def test_what_is_used_is_told():
    clock = Clock()
    window = Window(limit=10, seconds=60, clock=clock)
    for weight in itertools.repeat(2, 3):
        window.spend(weight)
        clock.now += 25
    assert window.used == 4
