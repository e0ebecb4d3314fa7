from datetime import timedelta
from decimal import Decimal

from cryptoviz.lake.symbols import Venue
from cryptoviz.serving.live import MINUTE_US, Freshness, Live
from cryptoviz.serving.minute import microseconds


def test_a_trade_that_comes_twice_counts_once(live, trade, btc):
    assert live.accept([trade(1, "100"), trade(1, "100"), trade(2, "101")]) == 2
    assert live.accept([trade(2, "101")]) == 0
    minutes = live.minutes(btc, 0, 2**62)
    assert sum(part.trade_count for part in minutes.values()) == 2


def test_listeners_hear_of_new_trades_alone(live, trade):
    heard = []
    live.listen(lambda _instrument, trades, _quote: heard.append([one.first_id for one in trades]))
    live.accept([trade(1, "100")])
    live.accept([trade(1, "100"), trade(2, "100")])
    assert heard == [[1], [2]]


def test_a_minute_listened_to_from_its_middle_is_not_whole(now, trade, btc):
    live = Live(listening_since=now - timedelta(seconds=70), clock=now.timestamp)
    live.accept([trade(1, "100", ago=65), trade(2, "101", ago=5)])
    whole = live.minutes(btc, 0, 2**62)
    assert list(whole) == [microseconds(now) // MINUTE_US * MINUTE_US]
    assert next(iter(whole.values())).open == Decimal(101)


def test_old_minutes_are_let_go_and_no_longer_whole(now, trade, btc):
    live = Live(listening_since=now - timedelta(hours=9), clock=now.timestamp)
    live.accept([trade(n, "100", ago=60 * (300 - n)) for n in range(300)])
    assert len(live.markets[btc].minutes) == 180
    assert live.whole_from(btc) <= min(live.markets[btc].minutes)


def test_an_older_quote_does_not_replace_a_newer_one(live, quote, btc):
    newer = quote("100", "101")
    live.accept([], [newer])
    live.accept([], [quote("90", "91").__class__(**{**as_dict(quote("90", "91")), "time_us": newer.time_us - 1})])
    assert live.markets[btc].quote == newer


def as_dict(value):
    return {name: getattr(value, name) for name in value.__slots__}


def test_a_silent_venue_is_known_by_its_own_pace(live, trade):
    live.accept([trade(1, "100")])
    assert live.venues[Venue.BINANCE].stale_after_s == 5.0
    slow = Freshness(heard=0.0)
    for beat in range(1, 2000):
        slow.hear(beat * 2.0, 0.0)
    assert 15.9 < slow.stale_after_s < 16.1
