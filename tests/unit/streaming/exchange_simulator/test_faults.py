import pytest

from streaming.exchange_simulator.faults import Faults, UnknownFault
from streaming.exchange_simulator.outbox import Outbox
from streaming.exchange_simulator.rules import Frequency, Rules, TokenBucket, UnknownRule, WeightWindow
from streaming.exchange_simulator.streams import Frame


class Time:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def faults(time):
    return Faults(seed=7, clock=time)


def frames(count, symbol="BTC-USDT"):
    return [Frame(f"message {i}", symbol, i, i) for i in range(count)]


def texts(count):
    return [frame.text for frame in frames(count)]


def test_a_fault_ends_with_its_time_and_is_described_until_then(faults, time):
    faults.add(kind="drop", venue="kraken", seconds=5)
    assert [f["seconds_left"] for f in faults.describe()] == [5]
    time.now += 5
    assert faults.active("drop", "kraken") is None
    assert faults.describe() == []


def test_a_fault_hits_its_venue_and_symbol_alone(faults):
    faults.add(kind="drop", venue="binance", symbol="BTC-USDT")
    assert faults.active("drop", "binance", "BTC-USDT")
    assert not faults.active("drop", "binance", "ETH-USDT")
    assert not faults.active("drop", "kraken", "BTC-USDT")
    assert not faults.active("drop", "binance")


@pytest.mark.parametrize(
    "wrong", [{"kind": "rain"}, {"kind": "drop", "probability": 0}, {"kind": "drop", "seconds": -1}]
)
def test_a_fault_that_there_is_not_is_refused(faults, wrong):
    with pytest.raises(UnknownFault):
        faults.add(**wrong)


@pytest.mark.parametrize("probability", [0.001, 0.05, 0.2])
def test_as_many_messages_are_dropped_as_commanded_and_each_is_written_down(faults, time, probability):
    faults.add(kind="drop", probability=probability)
    outbox = Outbox(faults, "binance")
    outbox.put(frames(10_000), time.now)
    sent = set(outbox.due(time.now))
    lost = {strike.first_id for strike in faults.journal}
    assert sent == {text for i, text in enumerate(texts(10_000)) if i not in lost}
    assert len(lost) == faults.struck["drop"] == pytest.approx(10_000 * probability, rel=0.5)


def test_repeats_come_twice_and_nothing_is_missing(faults, time):
    faults.add(kind="repeat", probability=0.2)
    outbox = Outbox(faults, "binance")
    outbox.put(frames(1000), time.now)
    sent = outbox.due(time.now)
    assert set(sent) == set(texts(1000))
    assert len(sent) == 1000 + faults.struck["repeat"] > 1100


def test_reordered_messages_come_after_later_ones_and_all_come(faults, time):
    faults.add(kind="reorder", probability=0.3, amount=2)
    outbox = Outbox(faults, "binance")
    outbox.put(frames(100), time.now)
    early = outbox.due(time.now)
    time.now += 2
    late = outbox.due(time.now)
    assert early + late != texts(100)
    assert sorted(early + late) == sorted(texts(100))
    assert len(late) == faults.struck["reorder"]


def test_delayed_messages_come_in_order_once_their_time_has_passed(faults, time):
    faults.add(kind="delay", amount=3)
    outbox = Outbox(faults, "binance")
    outbox.put(frames(5), time.now)
    time.now += 2.9
    assert outbox.due(time.now) == []
    time.now += 0.2
    assert outbox.due(time.now) == texts(5)


def test_garbage_is_something_else_than_the_message(faults, time):
    faults.add(kind="garbage")
    outbox = Outbox(faults, "binance")
    outbox.put(frames(50), time.now)
    sent = outbox.due(time.now)
    assert not set(sent) & set(texts(50))
    assert len(set(sent)) > 3


def test_weight_is_refused_with_the_time_to_wait_and_insistence_is_banned(time):
    window = WeightWindow(clock=time)
    assert window.spend(60, 100) == 0
    time.now += 20
    assert window.spend(60, 100) == pytest.approx(40)
    for _ in range(9):
        window.spend(60, 100)
    assert window.banned_s == pytest.approx(120)
    time.now += 121
    assert window.banned_s == 0
    assert window.used == 0


def test_a_bucket_takes_a_burst_and_then_its_rate(time):
    bucket = TokenBucket(clock=time)
    assert [bucket.take(rate=1, burst=3) for _ in range(4)] == [True, True, True, False]
    time.now += 1
    assert [bucket.take(rate=1, burst=3) for _ in range(2)] == [True, False]


def test_events_are_counted_within_the_time(time):
    frequency = Frequency(clock=time)
    assert [frequency.exceeds(2, seconds=1) for _ in range(3)] == [False, False, True]
    time.now += 1
    assert not frequency.exceeds(2, seconds=1)


def test_a_rule_that_there_is_not_is_refused():
    rules = Rules()
    rules.change(session_s=3, kraken_burst=5)
    assert (rules.session_s, rules.kraken_burst) == (3, 5)
    with pytest.raises(UnknownRule):
        rules.change(gravity=9.81)
    with pytest.raises(UnknownRule):
        rules.change(session_s="long")
