from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from cryptoviz.inspect.instruments import instruments
from cryptoviz.lake.tables import INSTRUMENTS
from cryptoviz.storage.frames import append_rows, empty

FIRST, LATER = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)


def version(symbol, at, *, tick="0.01", status="trading", offset=0):
    base, quote = symbol.split("-")
    return {
        **dict.fromkeys(INSTRUMENTS.column_names), "venue": "binance", "symbol": symbol, "venue_symbol": base + quote,
        "base": base, "quote": quote, "tick_size": Decimal(tick), "status": status, "event_time": at,
        "topic": "instruments", "partition": 0, "offset": offset, "kafka_time": at, "row_hash": 0,
    }  # fmt: skip


def test_what_held_at_an_instant_is_told_and_a_table_nobody_wrote_has_none(lake):
    assert instruments(lake).is_empty()
    rows = [version("BTC-USDT", FIRST), version("BTC-USDT", LATER, tick="0.1", offset=1), version("SOL-USDT", LATER)]
    append_rows(INSTRUMENTS, lake, pl.DataFrame(rows, schema=empty(INSTRUMENTS).schema))
    assert instruments(lake)["symbol"].to_list() == ["BTC-USDT", "BTC-USDT", "SOL-USDT"]
    then = instruments(lake, at=datetime(2026, 1, 20, tzinfo=UTC))
    assert then.select("symbol", "tick_size", "valid_until").rows() == [("BTC-USDT", Decimal("0.01"), LATER)]
    assert instruments(lake, symbol="SOL-USDT", at=LATER)["listing"].to_list() == [1]
