from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from cryptoviz.arithmetic.fold import MINUTE
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.ledger import HourVersion
from cryptoviz.lake.tables import BOOK_TICKERS, TRADES
from cryptoviz.storage.frames import empty
from cryptoviz_dagster.transforms.candles import HourInputs, build_candles
from cryptoviz_dagster.transforms.revisions import Cause, revise

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
END = START + timedelta(hours=1)
NOTHING = empty(OHLC_1M)


def candles(trade, *ids, symbol="BTC-USDT", now=END, price="100"):
    """Candles of one hour: trade number n in minute n."""
    rows = [trade(n, START + n * MINUTE, price, symbol) for n in ids]
    inputs = HourInputs(
        trades=pl.DataFrame(rows, schema=empty(TRADES).schema),
        quotes=empty(BOOK_TICKERS),
        trades_version=HourVersion(len(ids), sum(ids)),
    )
    return build_candles(inputs, start=START, end=END, now=now).select(OHLC_1M.column_names).sort(OHLC_1M.key)


def numbers(revised):
    return dict(revised.candles.group_by("revision").len().iter_rows())


def test_the_first_final_candles_are_revision_one(trade):
    revised = revise(candles(trade, 1, 2), NOTHING)
    assert (numbers(revised), revised.cause, revised.changed) == ({1: 60}, Cause.FIRST, 60)
    assert (revised.superseded.height, revised.changes) == (0, [])


def test_provisional_candles_are_revision_zero_and_no_news(trade):
    early = candles(trade, 1, 2, now=START + 10 * MINUTE)
    revised = revise(early, revise(early, NOTHING).candles)
    assert set(numbers(revised)) == {0}
    assert not revised.is_news


def test_candles_that_were_provisional_become_revision_one_and_leave_no_trace(trade):
    before = revise(candles(trade, 1, 2, now=START + 10 * MINUTE), NOTHING).candles
    revised = revise(candles(trade, 1, 2, 3), before)
    assert (numbers(revised), revised.cause, revised.superseded.height) == ({1: 60}, Cause.FIRST, 0)


def test_the_same_content_keeps_its_revision_also_when_the_hour_around_it_changes(trade):
    before = revise(candles(trade, 1, 2, 3), NOTHING).candles
    again = revise(candles(trade, 1, 2, 3), before)
    assert (numbers(again), again.is_news) == ({1: 60}, False)
    assert again.candles.equals(before)
    more = revise(pl.concat([candles(trade, 1, 2, 3), candles(trade, 9, symbol="ETH-USDT")]), before)
    assert more.candles.filter(pl.col("symbol") == "BTC-USDT")["revision"].unique().to_list() == [1]


def test_a_late_trade_makes_a_new_revision_of_its_candle_and_keeps_the_old_one(trade):
    before = revise(candles(trade, 1, 2, 4), NOTHING).candles
    revised = revise(candles(trade, 1, 2, 3, 4), before)
    assert (numbers(revised), revised.cause, revised.changed) == ({1: 59, 2: 1}, Cause.TRADES, 1)
    old = revised.superseded.row(0, named=True)
    assert (old["window_start"], old["trade_count"], old["revision"]) == (START + 3 * MINUTE, 0, 1)
    [change] = revised.changes
    assert (change["market"], change["trade_count"], change["volume"]) == ("binance BTC-USDT", "0 -> 1", "0 -> 0.5")
    assert change["status"] == "blind -> traded"


def test_revisions_count_on(trade):
    rows = revise(candles(trade, 1), NOTHING).candles
    for price in ("101", "102", "103"):
        rows = revise(candles(trade, 1, price=price), rows).candles
    assert rows.filter(pl.col("close") == Decimal(103))["revision"].to_list() == [4]


def test_a_market_that_appears_later_leaves_word_that_it_was_not_there(trade):
    before = revise(candles(trade, 1, 2), NOTHING).candles
    revised = revise(pl.concat([candles(trade, 1, 2), candles(trade, 9, symbol="ETH-USDT")]), before)
    assert numbers(revised) == {1: 120}
    assert set(revised.superseded["revision"]) == {0}
    assert revised.superseded.height == 60
    assert {change["is"] for change in revised.changes} == {"new"}


def test_a_market_that_is_gone_is_kept(trade):
    both = pl.concat([candles(trade, 1), candles(trade, 9, symbol="ETH-USDT")])
    revised = revise(candles(trade, 1), revise(both, NOTHING).candles)
    assert revised.superseded["symbol"].unique().to_list() == ["ETH-USDT"]
    assert (revised.is_news, revised.changed) == (True, 60)


def test_new_proof_without_new_trades_has_its_own_cause(trade):
    before = revise(candles(trade, 1, 3), NOTHING).candles
    proven = candles(trade, 1, 3).with_columns(status=pl.col("status").replace("blind", "quiet"))
    assert revise(proven, before).cause is Cause.IDS
    quoted = proven.with_columns(quotes_version=pl.lit("1-0000000000000001"))
    assert revise(quoted, before).cause is Cause.QUOTES
