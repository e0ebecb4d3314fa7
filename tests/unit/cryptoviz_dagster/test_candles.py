from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.tables import OHLC_1H, OHLC_1M
from cryptoviz_dagster.transforms.candles import HOUR, build_candles, fold_candles

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
END = START + HOUR
DECIMAL = pl.Decimal(38, 18)
amounts = st.decimals(Decimal("0.000000001"), Decimal(99999), places=9)
trade = st.tuples(st.integers(0, 3_599), amounts, amounts, st.sampled_from(["buy", "sell"]))


def frame(trades, ids=None):
    rows = [
        {
            "venue": "binance", "symbol": "BTC-USDT", "trade_id": i, "last_trade_id": i,
            "event_time": START + timedelta(seconds=second), "price": price, "quantity": quantity,
            "quote_quantity": price * quantity, "side": side, "row_hash": (i * 7919) << 40, "offset": i,
        }
        for i, (second, price, quantity, side) in zip(ids or range(1, len(trades) + 1), trades, strict=True)
    ]  # fmt: skip
    exact = [pl.col(n).cast(DECIMAL) for n in ("price", "quantity", "quote_quantity")]
    rows = [{k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in row.items()} for row in rows]
    return pl.DataFrame(rows).with_columns(exact).with_columns(pl.col("event_time").cast(pl.Datetime("us", "UTC")))


def build(trades, *, now=END, seen=None):
    return build_candles(trades, start=START, end=END, now=now, seen=seen or {}, version="v")


@settings(deadline=None)
@given(st.lists(trade, min_size=1, max_size=40), st.randoms())
def test_any_order_of_rows_gives_the_same_candles(trades, random):
    rows = frame(trades)
    order = list(range(rows.height))
    random.shuffle(order)
    assert build(rows[order]).equals(build(rows))


@settings(deadline=None)
@given(st.lists(trade, min_size=1, max_size=40))
def test_candles_equal_those_folded_by_hand_and_the_hour_is_their_fold(trades):
    rows = frame(trades)
    candles, hour = build(rows), fold_candles(build(rows), interval=HOUR, version="v").row(0, named=True)
    by_minute = {}
    for number, one in enumerate(trades):
        by_minute.setdefault(one[0] // 60, []).append((one[0], number, one))
    assert candles.height == 60
    for minute, row in enumerate(candles.iter_rows(named=True)):
        mine = [one for _, _, one in sorted(by_minute.get(minute, []))]
        prices = [p for _, p, _, _ in mine]
        expected = (prices[0], max(prices), min(prices), prices[-1]) if mine else (None,) * 4
        assert tuple(row[n] for n in ("open", "high", "low", "close")) == expected
        assert row["volume"] == sum((q for _, _, q, _ in mine), Decimal(0))
        assert row["quote_volume"] == sum((p * q for _, p, q, _ in mine), Decimal(0))
        assert row["trade_count"] == len(mine)
    ordered = [one for _, _, one in sorted((t[0], i, t) for i, t in enumerate(trades))]
    assert (hour["open"], hour["close"]) == (ordered[0][1], ordered[-1][1])
    assert hour["taker_buy_volume"] + hour["taker_sell_volume"] == hour["volume"] == sum(t[2] for t in trades)
    context = Context(prec=80, rounding=ROUND_HALF_EVEN)
    exact = context.divide(hour["quote_volume"], hour["volume"]).quantize(Decimal("1e-18"), context=context)
    assert hour["vwap"] == exact


def test_trades_of_one_instant_are_ordered_by_id_whatever_their_arrival():
    rows = frame(
        [(5, Decimal(3), Decimal(1), "buy"), (5, Decimal(1), Decimal(1), "buy"), (5, Decimal(2), Decimal(1), "buy")]
    )
    first = build(rows.reverse()).row(0, named=True)
    assert (first["open"], first["close"]) == (3, 2)


def status(candles):
    return candles["status"].to_list()


def test_a_minute_without_trades_is_quiet_when_no_id_is_missing_and_blind_when_one_is():
    one = (0, Decimal(1), Decimal(1), "buy")
    later = (180, Decimal(1), Decimal(1), "buy")
    assert status(build(frame([one, later])))[:4] == ["traded", "quiet", "quiet", "traded"]
    assert status(build(frame([one, later], ids=[1, 3])))[:4] == ["traded", "blind", "blind", "traded"]


def test_at_the_edges_of_the_hour_the_ledger_tells_quiet_from_blind():
    rows = frame([(1800, Decimal(1), Decimal(1), "buy")], ids=[10])
    assert set(status(build(rows))) == {"blind", "traded"}
    assert set(status(build(rows, seen={"binance:BTC-USDT": IdSet([(9, 11)])}))) == {"quiet", "traded"}


def test_the_hour_in_progress_ends_with_the_open_minute():
    candles = build(frame([(0, Decimal(1), Decimal(1), "buy")]), now=START + timedelta(minutes=3, seconds=10))
    assert candles.height == 4
    assert status(candles)[-1] == "open"


def test_aggregates_count_the_trades_they_cover_and_missing_ids_are_counted():
    rows = frame([(0, Decimal(1), Decimal(1), "buy"), (1, Decimal(1), Decimal(1), "buy")], ids=[1, 9])
    rows = rows.with_columns(last_trade_id=pl.Series([4, 9]))
    first = build(rows).row(0, named=True)
    assert (first["trade_count"], first["missing_ids"], first["last_trade_id"]) == (5, 4, 9)


def test_candles_have_the_columns_of_the_contract():
    candles = build(frame([(0, Decimal(1), Decimal(1), "buy")]))
    assert set(OHLC_1M.column_names) <= set(candles.columns)
    assert set(OHLC_1H.column_names) <= set(fold_candles(candles, interval=HOUR, version="v").columns)


def test_an_hour_without_trades_has_no_candles():
    assert build(frame([(0, Decimal(1), Decimal(1), "buy")]).clear()).height == 0
