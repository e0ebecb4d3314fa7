"""The judge of each clean table."""

from collections.abc import Callable, Mapping

from streaming.spark.judge_book_tickers import judge_book_tickers
from streaming.spark.judge_gaps import judge_gaps
from streaming.spark.judge_instruments import judge_instruments
from streaming.spark.judge_klines import judge_klines
from streaming.spark.judge_quotes import judge_quotes
from streaming.spark.judge_trades import judge_trades
from streaming.spark.judged import Judged

Judge = Callable[..., Judged]
JUDGES: Mapping[str, Judge] = {
    "trades": judge_trades,
    "klines": judge_klines,
    "book_tickers": judge_book_tickers,
    "quotes": judge_quotes,
    "instruments": judge_instruments,
    "gaps": judge_gaps,
}
