from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoviz.arithmetic.fold import HOUR, MINUTE, SumTooLarge, fold_candles
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.tables import BOOK_TICKERS, TRADES
from cryptoviz.storage.frames import empty
from cryptoviz_dagster.transforms.candles import HourInputs, build_candles

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
END = START + HOUR
LATER = END + HOUR
EMPTY, NO_QUOTES = empty(TRADES), empty(BOOK_TICKERS)
UNIT = Decimal("1e-18")


def trade(
    trade_id, at, price="10", quantity="1", *, last_id=None, side="buy", symbol="BTC-USDT", row_hash=1, source="ws"
):
    """One row of the table; ``at`` counts seconds from the start of the hour."""
    time = START + timedelta(seconds=at)
    price, quantity = Decimal(price), Decimal(quantity)
    return {
        "venue": "binance",
        "symbol": symbol,
        "trade_id": trade_id,
        "last_trade_id": last_id or trade_id,
        "event_time": time,
        "price": price,
        "quantity": quantity,
        "quote_quantity": price * quantity,
        "side": side,
        "source": source,
        "received_time": None,
        "lateness_ms": 0,
        "topic": "trades",
        "partition": 0,
        "offset": trade_id,
        "kafka_time": time,
        "row_hash": row_hash,
    }


def frame(*rows):
    return pl.DataFrame(list(rows), schema=EMPTY.schema)


def build(rows, *, now=LATER, quotes=(), **inputs):
    given = HourInputs(trades=frame(*rows), quotes=pl.DataFrame(list(quotes), schema=NO_QUOTES.schema), **inputs)
    candles = build_candles(given, start=START, end=END, now=now)
    return candles.select(OHLC_1M.column_names).sort(OHLC_1M.key)


def minute(candles, number, symbol="BTC-USDT"):
    rows = candles.filter(pl.col("window_start") == START + number * MINUTE, pl.col("symbol") == symbol)
    return rows.row(0, named=True)


def statuses(candles):
    return candles["status"].to_list()


@st.composite
def hours_of_trades(draw):
    rows, first = [], draw(st.integers(0, 2**40))
    count = draw(st.integers(1, 25))
    for _ in range(count):
        first += draw(st.sampled_from([1, 1, 1, 2, 9]))
        last = first + draw(st.sampled_from([0, 0, 3]))
        rows.append(
            trade(
                first,
                draw(st.integers(0, 3_599_999)) / 1000,
                draw(st.integers(1, 10**24)) * UNIT,
                draw(st.integers(1, 10**6)) * Decimal("1e-6"),
                last_id=last,
                side=draw(st.sampled_from(["buy", "sell"])),
                symbol=draw(st.sampled_from(["BTC-USDT", "ETH-USDT"])),
                row_hash=draw(st.integers(-(2**63), 2**63 - 1)),
            )
        )
        first = last
    return [{**row, "quote_quantity": exact_product(row)} for row in rows]


def exact_product(row):
    return (row["price"] * row["quantity"]).quantize(UNIT)


def rounded(value):
    """A fraction to 18 decimals, half to even."""
    return Decimal(round(value * 10**18)).scaleb(-18)


def by_hand(rows, start, end):
    """One candle by definition, in fractions."""
    inside = sorted((r for r in rows if start <= r["event_time"] < end), key=lambda r: (r["event_time"], r["trade_id"]))
    volume = sum(Fraction(r["quantity"]) for r in inside)
    quote = sum(Fraction(r["quote_quantity"]) for r in inside)
    prices = [r["price"] for r in inside]
    first = min((r["trade_id"] for r in inside), default=None)
    last = max((r["last_trade_id"] for r in inside), default=None)
    count = sum(r["last_trade_id"] - r["trade_id"] + 1 for r in inside)
    return {
        "open": prices[0] if prices else None,
        "high": max(prices, default=None),
        "low": min(prices, default=None),
        "close": prices[-1] if prices else None,
        "volume": rounded(volume),
        "quote_volume": rounded(quote),
        "vwap": rounded(quote / volume) if volume else None,
        "trade_count": count,
        "taker_buy_volume": rounded(sum(Fraction(r["quantity"]) for r in inside if r["side"] == "buy")),
        "taker_sell_volume": rounded(sum(Fraction(r["quantity"]) for r in inside if r["side"] == "sell")),
        "taker_buy_quote_volume": rounded(sum(Fraction(r["quote_quantity"]) for r in inside if r["side"] == "buy")),
        "first_trade_id": first,
        "last_trade_id": last,
        "missing_ids": last - first + 1 - count if inside else 0,
        "hash_sum": signed(sum(r["row_hash"] for r in inside)),
        "first_offset": min((r["offset"] for r in inside), default=None),
        "last_offset": max((r["offset"] for r in inside), default=None),
    }


def of_trades(row):
    """What a candle says of its trades."""
    return {name: row[name] for name in by_hand([], START, END)}


@settings(max_examples=60, deadline=None)
@given(hours_of_trades())
def test_every_minute_is_what_a_hand_would_write(rows):
    candles = build(rows)
    symbols = {row["symbol"] for row in rows}
    assert candles.height == 60 * len(symbols)
    for row in candles.iter_rows(named=True):
        mine = [r for r in rows if r["symbol"] == row["symbol"]]
        assert of_trades(row) == by_hand(mine, row["window_start"], row["window_end"])


@settings(max_examples=60, deadline=None)
@given(hours_of_trades(), st.randoms())
def test_the_order_of_rows_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert build(shuffled).equals(build(rows))


@settings(max_examples=60, deadline=None)
@given(hours_of_trades())
def test_the_fold_of_minutes_equals_the_hour_built_from_trades(rows):
    folded = fold_candles(build(rows), interval=HOUR)
    for row in folded.select(OHLC_1M.column_names).iter_rows(named=True):
        mine = [r for r in rows if r["symbol"] == row["symbol"]]
        assert of_trades(row) == by_hand(mine, START, END)


@settings(max_examples=60, deadline=None)
@given(hours_of_trades(), st.sampled_from([2, 5, 15, 30]))
def test_a_fold_of_folds_is_the_fold(rows, minutes):
    candles = build(rows)
    coarse = fold_candles(candles, interval=minutes * MINUTE)
    through = fold_candles(coarse, interval=HOUR).select(OHLC_1M.column_names)
    assert through.equals(fold_candles(candles, interval=HOUR).select(OHLC_1M.column_names))


@settings(max_examples=60, deadline=None)
@given(hours_of_trades())
def test_a_minute_is_quiet_only_if_no_id_is_missing_around_it(rows):
    for symbol, candles in build(rows).group_by("symbol"):
        mine = [r for r in rows if r["symbol"] == symbol[0]]
        ids = {i for r in mine for i in range(r["trade_id"], r["last_trade_id"] + 1)}
        traded = candles.filter(pl.col("trade_count") > 0).sort("window_start")
        for row in candles.filter(pl.col("trade_count") == 0).iter_rows(named=True):
            before = traded.filter(pl.col("window_start") < row["window_start"])["last_trade_id"].to_list()[-1:]
            after = traded.filter(pl.col("window_start") > row["window_start"])["first_trade_id"].to_list()[:1]
            if before and after:
                low, high = sorted(before + after)
                assert (row["status"] == "quiet") == (set(range(low, high + 1)) <= ids)


def test_trades_of_one_millisecond_are_ordered_by_id_whatever_their_arrival():
    candle = minute(build([trade(3, 1, "12"), trade(1, 1, "10"), trade(2, 1, "15")]), 0)
    assert (candle["open"], candle["close"]) == (10, 12)


def test_a_minute_between_neighbouring_ids_is_quiet_and_one_beside_a_hole_is_blind():
    candles = build([trade(10, 30), trade(11, 150), trade(13, 270)])
    assert statuses(candles)[:5] == ["traded", "quiet", "traded", "blind", "traded"]
    empty = minute(candles, 1)
    assert (empty["open"], empty["close"], empty["volume"], empty["trade_count"], empty["vwap"]) == (
        None,
        None,
        0,
        0,
        None,
    )


def test_an_id_that_was_traded_in_another_hour_is_not_missing():
    seen = {"binance:BTC-USDT": IdSet([(12, 12)])}
    assert statuses(build([trade(11, 150), trade(13, 270)], seen=seen))[3] == "quiet"


def test_the_edges_of_an_hour_are_quiet_when_the_ids_beyond_them_are_in_the_lake():
    rows = [trade(10, 600), trade(11, 1800)]
    assert {minute(build(rows), n)["status"] for n in (0, 9, 31, 59)} == {"blind"}
    before = build(rows, seen={"binance:BTC-USDT": IdSet([(5, 9)])})
    assert (minute(before, 0)["status"], minute(before, 59)["status"]) == ("quiet", "blind")
    both = build(rows, seen={"binance:BTC-USDT": IdSet([(5, 12)])})
    assert (minute(both, 0)["status"], minute(both, 59)["status"]) == ("quiet", "quiet")


def test_ids_of_another_market_prove_nothing():
    seen = {"binance:ETH-USDT": IdSet([(1, 100)]), "kraken:BTC-USDT": IdSet([(1, 100)])}
    assert minute(build([trade(10, 600)], seen=seen), 0)["status"] == "blind"


def test_an_hour_in_progress_ends_with_its_open_minute():
    candles = build([trade(1, 30), trade(2, 600)], now=START + timedelta(minutes=12, seconds=20))
    assert candles.height == 13
    assert statuses(candles)[-3:] == ["traded", "blind", "open"]
    assert fold_candles(candles, interval=HOUR)["status"].to_list() == ["open"]


def test_an_hour_in_progress_is_open_also_when_the_clock_strikes_a_minute():
    candles = build([trade(1, 30)], now=START + timedelta(minutes=5))
    assert (candles.height, statuses(candles)[-1]) == (6, "open")


def test_a_trade_ahead_of_our_clock_is_counted():
    candles = build([trade(1, 30), trade(2, 185)], now=START + timedelta(seconds=100))
    assert candles["trade_count"].sum() == 2
    assert statuses(candles) == ["traded", "open", "open", "open"]


def test_an_aggregate_counts_the_trades_it_covers_and_holes_are_counted():
    candle = minute(build([trade(10, 1, last_id=14), trade(17, 2)]), 0)
    assert (candle["trade_count"], candle["first_trade_id"], candle["last_trade_id"], candle["missing_ids"]) == (
        6,
        10,
        17,
        2,
    )


def test_the_mean_price_is_rounded_half_to_even_in_the_last_digit():
    rows = [trade(1, 1, "0.000000000000000001"), trade(2, 1, "0.000000000000000002")]
    assert minute(build(rows), 0)["vwap"] == Decimal("0.000000000000000002")
    rows = [trade(1, 1, "0.000000000000000002"), trade(2, 1, "0.000000000000000003")]
    assert minute(build(rows), 0)["vwap"] == Decimal("0.000000000000000002")


def test_hashes_add_up_as_signed_64_bit_numbers():
    rows = [trade(n, 1, row_hash=2**63 - 1) for n in (1, 2, 3)]
    assert minute(build(rows), 0)["hash_sum"] == signed(3 * (2**63 - 1))


def test_a_sum_that_does_not_fit_is_refused_rather_than_wrapped():
    rows = [{**trade(n, 1), "quantity": Decimal(99999999999999999999)} for n in (1, 2)]
    with pytest.raises(SumTooLarge):
        build(rows)


def test_an_hour_without_trades_has_no_candles():
    assert build([]).height == 0
    assert fold_candles(build([]), interval=HOUR).height == 0


def test_a_minute_with_a_trade_that_was_fetched_afterwards_is_repaired():
    candles = build([trade(1, 30), trade(2, 45, source="repair"), trade(3, 90)])
    assert statuses(candles)[:2] == ["repaired", "traded"]


def test_a_market_without_trades_has_its_rows_quiet_once_the_next_id_is_known():
    eth = {("binance", "ETH-USDT"): 7}
    blind = build([trade(1, 30)], carried=eth)
    assert {minute(blind, n, "ETH-USDT")["status"] for n in range(60)} == {"blind"}
    quiet = build([trade(1, 30)], carried=eth, seen={"binance:ETH-USDT": IdSet([(1, 8)])})
    assert {minute(quiet, n, "ETH-USDT")["status"] for n in range(60)} == {"quiet"}


def test_an_hour_of_which_the_venue_made_no_candle_is_halted():
    eth = ("binance", "ETH-USDT")
    candles = build([trade(1, 30)], carried={eth: 7}, halted={eth})
    assert {minute(candles, n, "ETH-USDT")["status"] for n in range(60)} == {"halted"}


def test_candles_are_provisional_until_their_hour_ends():
    assert set(build([trade(1, 30)])["revision"]) == {1}
    assert set(build([trade(1, 30)], now=END - timedelta(seconds=1))["revision"]) == {0}


def test_quotes_stand_beside_the_trades_of_their_minute():
    quote = {
        "venue": "binance", "symbol": "BTC-USDT", "event_time": START + timedelta(seconds=30), "partition": 0,
        "bid_price": Decimal(9), "ask_price": Decimal(11), "bid_quantity": Decimal(2), "ask_quantity": Decimal(3),
    }  # fmt: skip
    candles = build([trade(1, 30)], quotes=[quote])
    first, second, third = (minute(candles, n) for n in range(3))
    assert (first["quoted_ms"], second["quoted_ms"], third["quoted_ms"]) == (30_000, 30_000, 0)
    assert (first["spread_mean"], first["mid_mean"], first["depth_mean"]) == (2, 10, 5)
    assert (second["bid_close"], second["ask_close"], second["spread_max"]) == (9, 11, 2)
    assert (third["spread_mean"], third["bid_close"], third["mid_integral"]) == (None, None, 0)
