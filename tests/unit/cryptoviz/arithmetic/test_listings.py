from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.arithmetic.listings import as_listed, asset_at, listed
from cryptoviz.lake.assets import MEANINGS, asset_of

US = pl.Datetime("us", "UTC")
SCHEMA = {
    "venue": pl.String, "symbol": pl.String, "venue_symbol": pl.String, "base": pl.String, "quote": pl.String,
    "tick_size": pl.Decimal(38, 18), "lot_size": pl.Decimal(38, 18), "status": pl.String, "event_time": US,
    "offset": pl.Int64,
}  # fmt: skip


def day(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def versions(*told):
    rows = [
        {
            "venue": venue, "symbol": symbol, "venue_symbol": symbol.replace("-", ""), "base": symbol.split("-")[0],
            "quote": symbol.split("-")[1], "tick_size": Decimal(tick), "lot_size": Decimal(1), "status": status,
            "event_time": day(at), "offset": offset,
        }
        for offset, (venue, symbol, at, status, tick) in enumerate(told)
    ]  # fmt: skip
    return pl.DataFrame(rows, SCHEMA)


def trades(*seen):
    return pl.DataFrame([{"venue": v, "symbol": s, "event_time": day(at)} for v, s, at in seen],
                        {"venue": pl.String, "symbol": pl.String, "event_time": US})  # fmt: skip


TERRA = versions(
    ("binance", "LUNA-USDT", "2021-01-01", "trading", "0.001"),
    ("binance", "LUNA-USDT", "2022-05-13", "delisted", "0.001"),
    ("binance", "LUNC-USDT", "2022-09-08", "trading", "0.00000001"),
    ("binance", "LUNA-USDT", "2022-05-31", "trading", "0.0001"),
    ("kraken", "LUNA-USDT", "2021-09-01", "online", "0.01"),
)


def test_two_assets_with_one_ticker_are_told_apart_by_time_and_by_venue():
    rows = as_listed(
        trades(
            ("binance", "LUNA-USDT", "2022-07-01"), ("binance", "LUNA-USDT", "2022-01-01"),
            ("kraken", "LUNA-USDT", "2022-07-01"),
        ),
        TERRA,
    )  # fmt: skip
    assert rows["asset"].to_list() == ["LUNA", "LUNC", "LUNC"]
    assert rows["listing"].to_list() == [2, 1, 1]
    assert rows["tick_size"].to_list() == [Decimal("0.0001"), Decimal("0.001"), Decimal("0.01")]


def test_an_asset_that_was_renamed_is_one_asset_and_its_names_know_each_other():
    registry = versions(
        ("binance", "MATIC-USDT", "2021-01-01", "trading", "0.001"),
        ("binance", "MATIC-USDT", "2024-09-10", "delisted", "0.001"),
        ("binance", "POL-USDT", "2024-09-13", "trading", "0.0001"),
        ("binance", "MATIC-BTC", "2021-01-01", "trading", "0.00000001"),
    )
    rows = as_listed(trades(("binance", "MATIC-USDT", "2024-09-01"), ("binance", "POL-USDT", "2024-10-01")), registry)
    assert rows["asset"].to_list() == ["POL", "POL"]
    by_symbol = {row["symbol"]: row for row in listed(registry).iter_rows(named=True)}
    assert (by_symbol["MATIC-USDT"]["renamed_from"], by_symbol["MATIC-USDT"]["renamed_to"]) == (None, "POL-USDT")
    assert (by_symbol["POL-USDT"]["renamed_from"], by_symbol["POL-USDT"]["renamed_to"]) == ("MATIC-USDT", None)
    assert by_symbol["MATIC-BTC"]["renamed_to"] is None


def test_intervals_follow_each_other_and_the_last_is_open():
    luna = listed(TERRA).filter(venue="binance", symbol="LUNA-USDT")
    assert luna.select("valid_from", "valid_until", "status", "listing").rows() == [
        (day("2021-01-01"), day("2022-05-13"), "trading", 1),
        (day("2022-05-13"), day("2022-05-31"), "delisted", 1),
        (day("2022-05-31"), None, "trading", 2),
    ]


def test_the_grid_is_that_of_the_time_of_the_trade():
    registry = versions(
        ("binance", "BTC-USDT", "2026-01-02", "trading", "0.01"),
        ("binance", "BTC-USDT", "2026-01-05", "break", "0.01"),
        ("binance", "BTC-USDT", "2026-01-06", "trading", "0.1"),
    )
    seen = [("binance", "BTC-USDT", at) for at in ("2026-01-01", "2026-01-05", "2026-01-06", "2026-01-09")]
    rows = as_listed(trades(*seen), registry)
    assert rows["tick_size"].to_list() == [Decimal("0.01"), Decimal("0.01"), Decimal("0.1"), Decimal("0.1")]
    assert rows["status"].to_list() == ["trading", "break", "trading", "trading"]
    assert rows["listing"].to_list() == [1, 1, 1, 1]


def test_a_market_that_no_venue_has_listed_stays_and_says_so():
    rows = as_listed(trades(("binance", "XYZ-USDT", "2026-01-01")), TERRA)
    assert rows.select("symbol", "asset", "listing").rows() == [("XYZ-USDT", None, None)]
    assert as_listed(trades(), TERRA).is_empty()


@given(
    venue=st.sampled_from(["binance", "kraken", "coinbase"]),
    ticker=st.sampled_from(sorted({meaning.ticker for meaning in MEANINGS} | {"BTC", "LUNC", "POL"})),
    at=st.integers(0, 3000).map(lambda days: day("2018-01-01") + timedelta(days=days)),
)
def test_columns_and_single_tickers_mean_the_same(venue, ticker, at):
    row = pl.DataFrame({"venue": [venue], "base": [ticker], "at": [at]}, schema_overrides={"at": US})
    assert row.select(asset_at("base", "at")).item() == asset_of(venue, ticker, at)


@pytest.mark.parametrize(
    ("venue", "ticker", "at", "asset"),
    [
        ("binance", "LUNA", "2022-05-27", "LUNC"), ("binance", "LUNA", "2022-05-28", "LUNA"),
        ("kraken", "LUNA", "2026-01-01", "LUNC"), ("kraken", "LUNA2", "2026-01-01", "LUNA"),
        ("coingecko", "MATIC", "2023-01-01", "POL"), ("binance", "BTC", "2023-01-01", "BTC"),
    ],
)  # fmt: skip
def test_what_a_ticker_meant(venue, ticker, at, asset):
    assert asset_of(venue, ticker, day(at)) == asset
