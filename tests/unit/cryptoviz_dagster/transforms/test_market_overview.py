from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz_dagster.transforms.market_overview import build_market_overview, observe_candles

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DECIMAL, US = pl.Decimal(38, 18), pl.Datetime("us", "UTC")
OBSERVATIONS = {"source": pl.String, "asset": pl.String, "quote": pl.String, "time": US, "price": DECIMAL}


def seen(source, price, *, at=60, asset="BTC", quote="USDT"):
    """A price seen so many seconds into the hour."""
    return (source, asset, quote, START + timedelta(seconds=at), None if price is None else Decimal(price))


def overview(*observations, minutes=1, **more):
    starts = pl.Series([START + n * MINUTE for n in range(minutes)], dtype=US)
    return build_market_overview(pl.DataFrame(list(observations), OBSERVATIONS, orient="row"), starts, **more)


def by_source(frame):
    return {row["source"]: row for row in frame.iter_rows(named=True)}


@settings(deadline=None)
@given(
    prices=st.lists(st.integers(1, 10**12).map(lambda n: Decimal(n).scaleb(-4)), min_size=1, max_size=6),
    shuffle=st.randoms(),
)
def test_the_consensus_is_the_median_of_the_fresh_sources_in_any_order(prices, shuffle):
    rows = [seen(f"s{n}", price) for n, price in enumerate(prices)]
    shuffle.shuffle(rows)
    found = by_source(overview(*rows, seen("old", 1, at=-61)))
    assert {row["consensus_price"] for row in found.values()} == {median(prices)}
    assert {row["fresh_sources"] for row in found.values()} == {len(prices)}
    for n, price in enumerate(prices):
        assert found[f"s{n}"]["residual_bps"] == pytest.approx(
            1e4 * float(price / median(prices) - 1), rel=1e-9, abs=1e-6
        )


def test_a_price_counts_for_two_minutes_and_is_stale_after_them():
    rows = overview(seen("a", 100, at=60), seen("b", 103, at=180), minutes=4)
    a = rows.filter(pl.col("source") == "a")
    assert a["age_s"].to_list() == [0, 60, 120, 180]
    assert a["is_stale"].to_list() == [False, False, False, True]
    assert a["fresh_sources"].to_list() == [1, 1, 2, 1]
    assert a["consensus_price"].to_list() == [100, 100, Decimal("101.5"), 103]


def test_a_later_price_has_no_part_in_a_minute():
    rows = by_source(overview(seen("a", 100, at=60), seen("a", 999, at=61), seen("b", 50, at=61)))
    assert rows["a"]["price"] == 100
    assert (rows["b"]["price"], rows["b"]["is_stale"], rows["b"]["residual_bps"]) == (None, True, None)


def test_quote_currencies_are_apart_and_dollars_come_from_their_own_market():
    rows = overview(
        seen("binance", 100, quote="USDT"),
        seen("kraken", 101, quote="USD"),
        seen("kraken", 90, quote="EUR"),
        seen("kraken", "0.998", asset="USDT", quote="USD"),
    ).filter(pl.col("asset") == "BTC")
    found = {row["quote"]: (row["consensus_price"], row["consensus_usd"]) for row in rows.iter_rows(named=True)}
    assert found == {"USDT": (100, Decimal("99.8")), "USD": (101, 101), "EUR": (90, None)}


def test_assets_are_ranked_by_their_latest_market_capitalisation():
    caps = pl.DataFrame(
        [("BTC", START, Decimal(5)), ("ETH", START, Decimal(9)), ("BTC", START + 2 * MINUTE, Decimal(10))],
        {"asset": pl.String, "time": US, "market_cap": DECIMAL},
        orient="row",
    )
    observations = [seen("a", 1, asset=asset) for asset in ("BTC", "ETH", "SOL")]
    rows = overview(*observations, minutes=2, market_caps=caps)
    ranks = rows.sort("window_start", "asset").select("market_cap", "market_cap_rank").rows()
    assert ranks == [(5, 2), (9, 1), (None, None), (10, 1), (9, 2), (None, None)]


def test_candles_are_seen_at_the_end_of_their_minute(frame_of, make_candle):
    candles = [make_candle(START + n * MINUTE, price, length=MINUTE) for n, price in enumerate((7, None))]
    found = observe_candles(frame_of(OHLC_1M, *candles))
    assert found.rows() == [
        ("binance", "BTC", "USDT", START + MINUTE, 7), ("binance", "BTC", "USDT", START + 2 * MINUTE, None),
    ]  # fmt: skip
    rows = build_market_overview(found, pl.Series([START, START + MINUTE], dtype=US))
    assert rows["age_s"].to_list() == [0, 60]
