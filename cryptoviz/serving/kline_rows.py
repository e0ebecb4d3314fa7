"""Binance's rows for a range: the lake's candles, then those it does not have as final yet."""

from datetime import UTC, datetime

import msgspec

from cryptoviz.lake.symbols import Instrument
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.events import padded
from cryptoviz.serving.forming import Forming
from cryptoviz.serving.intervals import Served
from cryptoviz.serving.parts import Parts


def kline_rows(parts: Parts, instrument: Instrument, interval: Served, wanted: Range) -> list[bytes]:
    """Rows as JSON, by time. Raises StoreUnavailable, OSError."""
    rows = parts.reader.rows(instrument, interval, wanted)
    if wanted.is_from_start and len(rows) == wanted.limit:
        return rows
    tail = live_tail(parts, instrument, interval, wanted)
    if not tail:
        return rows
    first_ms = int(tail[0].start.timestamp() * 1000)
    while rows and _opens(rows[-1]) >= first_ms:
        rows.pop()
    joined = [*rows, *map(_row, tail)]
    return joined[: wanted.limit] if wanted.is_from_start else joined[-wanted.limit :]


def live_tail(parts: Parts, instrument: Instrument, interval: Served, wanted: Range) -> list[Forming]:
    """Candles of the range after the lake's last final one."""
    now = parts.clock()
    begin = parts.reader.final_until(instrument, interval)
    if begin is None:
        begin = datetime.fromtimestamp(parts.live.whole_from(instrument) / 1_000_000, UTC)
    if wanted.first is not None:
        begin = max(begin, interval.start_of(wanted.first))
    if begin > now or (wanted.end is not None and begin >= wanted.end):
        return []
    found = parts.forming.after(instrument, interval, begin, now)
    return [
        one
        for one in found
        if (wanted.end is None or one.start < wanted.end) and (wanted.first is None or one.start >= wanted.first)
    ]


def _row(candle: Forming) -> bytes:
    part = candle.part
    return msgspec.json.encode(
        [
            int(candle.start.timestamp() * 1000), padded(part.open), padded(part.high), padded(part.low),
            padded(part.close), padded(part.volume), int(candle.end.timestamp() * 1000) - 1,
            padded(part.quote_volume), part.trade_count, padded(part.taker_buy_volume),
            padded(part.taker_buy_quote_volume), "0",
        ]
    )  # fmt: skip


def _opens(row: bytes) -> int:
    return int(row[1 : row.index(b",")])
