from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import SumTooLarge
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.tables import QUOTES
from cryptoviz_dagster.transforms.hourly_quotes import build_hourly_quotes

START = datetime(2026, 11, 20, 8, tzinfo=UTC)


def quote(number, price="1", *, symbol="BTC-USD", **values):
    time = START + timedelta(seconds=number)
    return {
        "venue": "coingecko", "symbol": symbol, "price": Decimal(price), "is_stale": False, "received_time": time,
        "kafka_time": time, "offset": number, **values,
    }  # fmt: skip


@pytest.fixture
def rolled(frame_of):
    def make(*quotes):
        rows = build_hourly_quotes(frame_of(QUOTES, *quotes), hour=START, version=HourVersion(len(quotes), 7))
        return rows.to_dicts()

    return make


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prices=st.lists(st.integers(1, 10**9), min_size=1, max_size=8), shuffle=st.randoms())
def test_prices_are_those_of_the_samples_in_the_order_received(rolled, prices, shuffle):
    quotes = [quote(n, str(price)) for n, price in enumerate(prices)]
    shuffle.shuffle(quotes)
    (row,) = rolled(*quotes)
    names = ("first_price", "highest_price", "lowest_price", "last_price", "samples")
    assert [row[name] for name in names] == [prices[0], max(prices), min(prices), prices[-1], len(prices)]
    assert abs(row["mean_price"] * len(prices) - sum(prices)) <= Decimal("5e-17")


def test_what_a_vendor_tells_now_and_then_is_the_latest_it_told(rolled):
    (row,) = rolled(
        quote(1, market_cap=Decimal(5), change_1h=Decimal("0.5")), quote(2, market_cap=Decimal(6)), quote(3)
    )
    assert (row["market_cap"], row["change_1h"], row["change_7d"]) == (6, Decimal("0.5"), None)


def test_stale_samples_are_counted_and_the_oldest_is_told(rolled):
    (row,) = rolled(quote(1, age_ms=700_000, is_stale=True), quote(2, age_ms=400), quote(3))
    assert (row["samples"], row["stale_samples"], row["oldest_ms"]) == (3, 1, 700_000)


def test_each_market_of_each_vendor_is_a_row_that_names_what_it_stands_on(rolled):
    rows = rolled(quote(1), quote(2, symbol="ETH-USD"), quote(3, venue="coinmarketcap"))
    assert [(row["venue"], row["symbol"]) for row in rows] == [
        ("coingecko", "BTC-USD"), ("coingecko", "ETH-USD"), ("coinmarketcap", "BTC-USD"),
    ]  # fmt: skip
    assert {row["source_version"] for row in rows} == {HourVersion(3, 7).digest}


def test_no_quotes_are_no_rows(rolled):
    assert rolled() == []


def test_prices_beyond_the_decimals_are_refused(rolled):
    with pytest.raises(SumTooLarge):
        rolled(quote(1, "99999999999999999999"), quote(2, "99999999999999999999"))
