from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.tables import QUOTES
from cryptoviz_dagster.transforms.market_overview import (
    build_market_overview,
    latest_market_caps,
    observe_candles,
    observe_quotes,
)

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DECIMAL, US = pl.Decimal(38, 18), pl.Datetime("us", "UTC")
OBSERVATIONS = {"source": pl.String, "asset": pl.String, "quote": pl.String, "time": US, "price": DECIMAL}


def seen(source, price, *, at=60, asset="BTC", quote="USDT"):
    """A price seen so many seconds into the hour."""
    return (source, asset, quote, START + timedelta(seconds=at), None if price is None else Decimal(price))


def overview(*observations, minutes=1, vendors=()):
    starts = pl.Series([START + n * MINUTE for n in range(minutes)], dtype=US)
    venues = pl.DataFrame(list(observations), OBSERVATIONS, orient="row")
    quoted = pl.DataFrame(list(vendors), {**OBSERVATIONS, "market_cap": DECIMAL}, orient="row")
    return build_market_overview(venues, quoted, starts)


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
    found = by_source(overview(*rows, seen("old", 1, at=-241)))
    assert {row["consensus_price"] for row in found.values()} == {median(prices)}
    assert {row["fresh_sources"] for row in found.values()} == {len(prices)}
    for n, price in enumerate(prices):
        assert found[f"s{n}"]["residual_bps"] == pytest.approx(
            1e4 * float(price / median(prices) - 1), rel=1e-9, abs=1e-6
        )


def test_a_price_counts_for_five_minutes_and_is_stale_after_them():
    rows = overview(seen("a", 100, at=60), seen("b", 103, at=360), minutes=7)
    a = rows.filter(pl.col("source") == "a")
    assert a["age_s"].to_list() == [0, 60, 120, 180, 240, 300, 360]
    assert a["is_stale"].to_list() == [False] * 6 + [True]
    assert a["fresh_sources"].to_list() == [1, 1, 1, 1, 1, 2, 1]
    assert a["consensus_price"].to_list() == [100] * 5 + [Decimal("101.5"), 103]


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
    capitalised = (("BTC", 0, 5), ("ETH", 0, 9), ("BTC", 120, 10))
    vendors = [(*seen("vendor", 1, at=at, asset=asset, quote="USD"), Decimal(cap)) for asset, at, cap in capitalised]
    observations = [seen("a", 1, asset=asset) for asset in ("BTC", "ETH", "SOL")]
    rows = overview(*observations, minutes=2, vendors=vendors).filter(pl.col("source") == "a")
    ranks = rows.sort("window_start", "asset").select("market_cap", "market_cap_rank").rows()
    assert ranks == [(5, 2), (9, 1), (None, None), (10, 1), (9, 2), (None, None)]


def quote(*, received=60, said=None, is_stale=False, symbol="BTC-USD", cap=None, venue="coingecko"):
    """A row of the table of quotes, seconds into the hour."""
    times = {"received_time": received, "source_time": said}
    return {
        **{name: None if at is None else START + timedelta(seconds=at) for name, at in times.items()},
        "venue": venue, "symbol": symbol, "price": Decimal(100), "market_cap": cap and Decimal(cap),
        "is_stale": is_stale, "kafka_time": START,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "time"),
    [
        ({"said": None}, 60),
        ({"said": 20}, 20),
        ({"said": 75}, 60),
        ({"said": -541, "is_stale": True}, -541),
        ({"said": -541}, 60),
        ({"said": -540}, -540),
    ],
    ids=["no time of its own", "its own time", "a clock ahead", "stale", "a closed market", "old but not too old"],
)
def test_a_vendors_price_counts_from_its_own_time_and_in_a_closed_market_it_holds(frame_of, facts, time):
    found = observe_quotes(frame_of(QUOTES, quote(**facts)))
    assert found["time"].to_list() == [START + timedelta(seconds=time)]


def test_market_capitalisation_is_the_latest_one_in_us_dollars(frame_of):
    rows = [quote(received=at, symbol=symbol, cap=cap) for at, symbol, cap in (
        (60, "BTC-USD", 5), (120, "BTC-USD", 7), (180, "BTC-USD", None), (240, "BTC-USDT", 9), (60, "ETH-USD", 3),
    )]  # fmt: skip
    assert sorted(latest_market_caps(frame_of(QUOTES, *rows)).rows()) == [("BTC", 7), ("ETH", 3)]


def test_one_ticker_of_two_assets_is_two_and_a_renamed_asset_is_one(frame_of, make_candle):
    candles = [
        make_candle(START, price, length=MINUTE, venue=venue, symbol=symbol)
        for venue, symbol, price in (
            ("binance", "LUNA-USDT", 1),
            ("kraken", "LUNA-USDT", 9),
            ("binance", "POL-USDT", 3),
        )
    ]
    quotes = frame_of(QUOTES, quote(received=30, symbol="MATIC-USDT"))
    rows = build_market_overview(
        observe_candles(frame_of(OHLC_1M, *candles)), observe_quotes(quotes), pl.Series([START], dtype=US)
    )
    found = {(row["asset"], row["source"]): row["fresh_sources"] for row in rows.iter_rows(named=True)}
    assert found == {
        ("LUNA", "binance"): 1, ("LUNC", "kraken"): 1, ("POL", "binance"): 2, ("POL", "coingecko"): 2,
    }  # fmt: skip


def test_candles_are_seen_at_the_end_of_their_minute(frame_of, make_candle):
    candles = [make_candle(START + n * MINUTE, price, length=MINUTE) for n, price in enumerate((7, None))]
    found = observe_candles(frame_of(OHLC_1M, *candles))
    assert found.rows() == [
        ("binance", "BTC", "USDT", START + MINUTE, 7), ("binance", "BTC", "USDT", START + 2 * MINUTE, None),
    ]  # fmt: skip
    rows = build_market_overview(found, observe_quotes(frame_of(QUOTES)), pl.Series([START, START + MINUTE], dtype=US))
    assert rows["age_s"].to_list() == [0, 60]
