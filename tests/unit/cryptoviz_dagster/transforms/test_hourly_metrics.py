import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import fmean, stdev

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import SumTooLarge
from cryptoviz.lake.candle_tables import OHLC_1H, OHLC_1M
from cryptoviz.lake.tables import KLINES
from cryptoviz_dagster.transforms.history import account_for_hours, build_history
from cryptoviz_dagster.transforms.hourly_metrics import HOURS_NEEDED, build_hourly_metrics

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
CAPS = pl.DataFrame(schema={"asset": pl.String, "market_cap": pl.Decimal(38, 18)})
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MOST = max(HOURS_NEEDED.values())
EDGES = sorted({hours - less for hours in HOURS_NEEDED.values() for less in (0, 1)})
COUNTS = st.one_of(st.sampled_from(EDGES), st.integers(1, 260))


def walk(count, seed=1):
    steps = random.Random(seed)
    prices, price = [], 100.0
    for _ in range(count):
        price *= math.exp(steps.gauss(0, 0.01))
        prices.append(Decimal(str(round(price, 4))))
    return prices


@pytest.fixture
def metrics(frame_of, make_candle):
    def make(hours, minutes=(), klines=(), caps=None):
        hourly = frame_of(OHLC_1H, *hours)
        history = build_history(account_for_hours(hourly, frame_of(KLINES, *klines)), hour=NOW)
        this = hourly.filter(pl.col("window_start") == NOW)
        return build_hourly_metrics(this, frame_of(OHLC_1M, *minutes), history, CAPS if caps is None else caps)

    return make


@pytest.fixture
def make_hours(make_candle):
    def make(prices, **values):
        first = NOW - (len(prices) - 1) * HOUR
        return [make_candle(first + n * HOUR, price, **values) for n, price in enumerate(prices)]

    return make


@pytest.fixture
def make_minutes(make_candle):
    def make(*prices, **values):
        return [make_candle(NOW + n * MINUTE, p, length=MINUTE, **values) for n, p in enumerate(prices)]

    return make


def only(frame):
    assert frame.height == 1
    return frame.row(0, named=True)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=COUNTS, seed=st.integers(0, 9))
def test_a_column_is_null_exactly_when_its_hours_are_not_there(metrics, make_hours, count, seed):
    volumes = random.Random(seed)
    hours = make_hours(walk(count, seed))
    hours = [{**hour, "volume": Decimal(volumes.randint(1, 10**6))} for hour in hours]
    row = only(metrics(hours))
    assert row["hours"] == count
    assert {name for name in HOURS_NEEDED if row[name] is None} == {n for n, h in HOURS_NEEDED.items() if count < h}
    assert ("hours of history" in (row["reason"] or "")) == (count < MOST)


def test_the_last_day_changes_and_spikes_are_what_a_hand_would_write(metrics, make_hours):
    prices = walk(300)
    hours = make_hours(prices)
    amounts = [Decimal(n % 17 + 1) for n in range(299)] + [Decimal(60)]
    hours = [
        {**h, "volume": v, "high": h["close"] + 1, "low": h["close"] - 1} for h, v in zip(hours, amounts, strict=True)
    ]
    row, price = only(metrics(hours)), float(prices[-1])
    day = prices[-24:]
    assert (row["high_24h"], row["low_24h"]) == (max(day) + 1, min(day) - 1)
    assert row["range_24h_percent"] == pytest.approx(100 * float(max(day) - min(day) + 2) / price)
    assert row["volume_24h"] == sum(amounts[-24:])
    for name, back in (("1h", 1), ("24h", 24), ("7d", 168)):
        assert row[f"price_change_percent_{name}"] == pytest.approx(100 * (price / float(prices[-1 - back]) - 1))
    assert row["log_return"] == pytest.approx(math.log(price / float(prices[-2])))
    before = [float(a) for a in amounts[-169:-1]]
    assert row["volume_z_score"] == pytest.approx((60 - fmean(before)) / stdev(before))
    assert row["is_volume_spike"]


def test_volatility_is_ranked_among_the_days_of_the_look_back(metrics, make_hours):
    prices = walk(300)
    returns = [math.log(b / a) for a, b in pairwise(map(float, prices))]
    days = [math.sqrt(sum(r * r for r in returns[n - 24 : n])) for n in range(24, len(returns) + 1)]
    row = only(metrics(make_hours(prices)))
    assert row["volatility_24h"] == pytest.approx(days[-1])
    rank = sum(day <= days[-1] for day in days) / len(days)
    assert row["volatility_rank"] == pytest.approx(rank, abs=1.5 / len(days))


@pytest.mark.parametrize(("last_step", "regime"), [("0.0001", "calm"), ("60", "extreme")])
def test_a_day_is_calm_or_extreme_by_its_place_in_the_look_back(metrics, make_hours, last_step, regime):
    prices = [100 + n % 2 + n % 3 for n in range(276)] + [100 + n % 2 * Decimal(last_step) for n in range(24)]
    assert only(metrics(make_hours(prices)))["volatility_regime"] == regime


def test_older_hours_than_the_look_back_change_nothing(metrics, make_hours):
    prices = walk(900)
    row, cut = only(metrics(make_hours(prices))), only(metrics(make_hours(prices[-720:])))
    assert row == cut


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shuffle=st.randoms())
def test_the_order_of_rows_changes_nothing(metrics, make_hours, make_minutes, shuffle):
    hours = make_hours(walk(40)) + make_hours(walk(50, 2), symbol="ETH-USDT")
    minutes = make_minutes(*walk(60)) + make_minutes(*walk(60, 2), symbol="ETH-USDT")
    expected = metrics(hours, minutes)
    shuffle.shuffle(hours)
    shuffle.shuffle(minutes)
    assert metrics(hours, minutes).equals(expected)


def test_the_hour_has_the_mean_of_its_minutes_and_their_volatility(metrics, make_hours, make_minutes):
    row = only(metrics(make_hours([103]), make_minutes(None, 100, None, 103)))
    assert row["mean_price"] == 101
    assert row["realised_volatility"] == pytest.approx(math.log(1.03))


def test_a_mean_that_does_not_end_is_rounded_in_the_last_digit(metrics, make_hours, make_minutes):
    assert only(metrics(make_hours([1]), make_minutes(1, 1, 2)))["mean_price"] == Decimal("1.333333333333333333")


def test_nothing_is_carried_over_a_blind_minute_and_its_volatility_is_unknown(metrics, make_hours, make_minutes):
    minutes = make_minutes(100, None, None, 106)
    minutes[1]["status"] = "blind"
    row = only(metrics(make_hours([106], status="blind"), minutes))
    assert row["mean_price"] == 103
    assert row["realised_volatility"] is None


def test_spread_is_a_share_of_the_mid_over_the_time_quoted(metrics, make_hours):
    hours = make_hours([100], spread_integral=Decimal(3000), mid_integral=Decimal(600_000), quoted_ms=3000)
    row = only(metrics(hours))
    assert row["spread_percent"] == pytest.approx(1.0)
    assert "no quotes" not in row["reason"]


def test_a_quiet_hour_is_a_row_whose_price_is_the_one_before(metrics, make_hours):
    row = only(metrics(make_hours([*walk(30), None])))
    assert (row["last_price"], row["volume"], row["log_return"], row["hours"]) == (None, 0, 0.0, 31)
    assert "no trade in the hour" in row["reason"]


def test_a_blind_hour_has_no_indicators_and_says_why(metrics, make_hours):
    hours = make_hours(walk(300))
    hours[-1]["status"] = "blind"
    row = only(metrics(hours))
    assert all(row[name] is None for name in HOURS_NEEDED)
    assert "trades of the hour are missing" in row["reason"]


def test_the_venues_klines_stand_in_for_hours_before_our_trades(metrics, make_hours):
    hours = make_hours(walk(300))
    row = only(metrics(hours[-1:], klines=hours[:-1]))
    assert row["rsi_14"] == only(metrics(hours))["rsi_14"]
    assert row["hours"] == 300


def test_movers_are_ranked_within_their_venue_by_the_size_of_the_move(metrics, make_hours):
    def market(symbol, change, venue="binance"):
        return make_hours([100] * 24 + [100 + change], symbol=symbol, venue=venue)

    hours = market("A-USD", 1) + market("B-USD", -5) + market("C-USD", 5) + market("D-USD", 9, "kraken")
    young = make_hours([100], symbol="E-USD")
    ranks = metrics(hours + young).select("symbol", "mover_rank")
    assert dict(ranks.iter_rows()) == {"A-USD": 3, "B-USD": 1, "C-USD": 2, "D-USD": 1, "E-USD": None}


def test_market_capitalisation_is_that_of_the_base_asset(metrics, make_hours):
    caps = pl.DataFrame(
        {"asset": ["BTC"], "market_cap": [Decimal(5)]}, schema_overrides={"market_cap": pl.Decimal(38, 18)}
    )
    assert only(metrics(make_hours([1]), caps=caps))["market_cap"] == 5
    assert only(metrics(make_hours([1])))["market_cap"] is None


def test_a_day_of_volumes_beyond_the_decimals_is_refused(metrics, make_hours):
    with pytest.raises(SumTooLarge):
        metrics(make_hours([1] * 24, volume="99999999999999999999", quote_volume=Decimal(1)))
