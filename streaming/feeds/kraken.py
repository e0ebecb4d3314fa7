"""Kraken spot: trades and tickers of socket v2, trades by time, hourly candles.

After https://docs.kraken.com/api: REST Trades pages by ``since`` in nanoseconds, about one call a second.
"""

import json
import time
from collections.abc import Sequence

from cryptoviz.lake.symbols import Instrument, Venue, from_venue, to_venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES, Schema, Source, Topic
from streaming.feeds.budget import Budget, Priority, priority_of
from streaming.feeds.kraken_messages import (
    data_of,
    parse_ohlc,
    parse_rest_trade,
    parse_socket_trade,
    parse_ticker,
    rest_rows,
)
from streaming.feeds.listings import Listing, kraken_listings
from streaming.feeds.parsed import BookTicker, Trade
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient
from streaming.feeds.venue import SocketLimits

_HOUR_MS = 3_600_000
_LIMITS = SocketLimits(
    streams=200, names_a_frame=100, frames_a_second=4, connects=120, connects_seconds=600, silence_s=3
)
"""The venue allows about 150 connections in 10 minutes and sends a heartbeat each second."""
_CHANNELS: dict[Topic, dict[str, object]] = {
    TRADES: {"channel": "trade", "snapshot": False},
    BOOK_TICKERS: {"channel": "ticker", "event_trigger": "bbo"},
}
"""Trades come without a snapshot, as REST brings what was before; tickers with every change of the best prices."""


class Kraken:
    """The venue's feed."""

    name = "kraken"
    limits = _LIMITS
    channels: tuple[Topic, ...] = (TRADES, BOOK_TICKERS)

    def __init__(self, *, rest_url: str, socket_url: str) -> None:
        self.socket_url = socket_url
        self.rest = RestClient(base_url=rest_url, budget=Budget(self.name, limit=10, seconds=10))

    def subscribe_frames(self, channel: Topic, instruments: Sequence[Instrument]) -> list[str]:
        """One subscribe for all symbols."""
        params = {**_CHANNELS[channel], "symbol": [to_venue(i) for i in instruments]}
        return [json.dumps({"method": "subscribe", "params": params})]

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """All trades, or all tickers, of an update."""
        channel, values = data_of(frame)
        if channel == "trade":
            return [_trade(value, parse_socket_trade(value), connection, received_ns) for value in values]
        if channel == "ticker":
            return [_book_ticker(value, parse_ticker(value), connection, received_ns) for value in values]
        return []

    def is_farewell(self, frame: bytes) -> bool:
        """The venue does not say."""
        del frame
        return False

    async def first_id_at(self, instrument: Instrument, time_ms: int) -> int | None:
        """By the first trade since that instant."""
        page = await self._page(instrument, time_ms * 1_000_000 - 1, source=Source.BACKFILL)
        return page[0].first_id if page else None

    async def fetch(self, instrument: Instrument, first_id: int, after_us: int, *, source: str) -> list[Record]:
        """A page since just before the last known trade, so that trades of the same instant are not skipped."""
        page = await self._page(instrument, after_us * 1000 - 1, source=source)
        return [record for record in page if record.first_id >= first_id]

    async def klines(self, instrument: Instrument, *, count: int) -> list[Record]:
        """Closed candles of `OHLC`, at most the 720 that the venue keeps; the one in progress is left out."""
        priority = Priority.BACKFILL if count > 1 else Priority.LIVE
        return (await self._candles(instrument, priority, Source.BACKFILL))[-count:]

    async def klines_between(self, instrument: Instrument, from_ms: int, to_ms: int) -> list[Record]:
        """Of the 720 that the venue keeps."""
        found = await self._candles(instrument, Priority.BACKFILL, Source.HISTORY)
        return [record for record in found if from_ms * 1000 <= record.time_us < to_ms * 1000]

    async def _candles(self, instrument: Instrument, priority: Priority, source: Source) -> list[Record]:
        params: dict[str, str | int] = {"pair": to_venue(instrument).replace("/", ""), "interval": 60}
        rows = rest_rows(await self.rest.get("/0/public/OHLC", params, priority=priority))
        now = time.time_ns()
        closed = [(value, k) for value in rows if (k := parse_ohlc(value)).close_time * 1_000_000 < now]
        return [
            Record(
                instrument=instrument, first_id=k.open_time // _HOUR_MS, last_id=k.open_time // _HOUR_MS,
                time_us=k.open_time * 1000, value=value, schema=Schema.KRAKEN_REST_OHLC, source=source,
                connection="rest", received_ns=now,
            )
            for value, k in closed
        ]  # fmt: skip

    async def listings(self) -> list[Listing]:
        """By `AssetPairs`."""
        return kraken_listings(await self.rest.get("/0/public/AssetPairs", {}, weight=1, priority=Priority.BACKFILL))

    async def close(self) -> None:
        """Close connections."""
        await self.rest.close()

    async def _page(self, instrument: Instrument, since_ns: int, *, source: str) -> list[Record]:
        params: dict[str, str | int] = {"pair": to_venue(instrument).replace("/", ""), "since": since_ns}
        rows = rest_rows(await self.rest.get("/0/public/Trades", params, priority=priority_of(source)))
        now = time.time_ns()
        parsed = ((value, parse_rest_trade(value)) for value in rows)
        return [
            Record(
                instrument=instrument, first_id=t.first_id, last_id=t.last_id, time_us=t.time, value=value,
                schema=Schema.KRAKEN_REST_TRADE, source=source, connection="rest", received_ns=now,
            )
            for value, t in parsed
        ]  # fmt: skip


def _trade(value: bytes, trade: Trade, connection: str, received_ns: int) -> Record:
    return Record(
        instrument=from_venue(Venue.KRAKEN, trade.symbol), first_id=trade.first_id, last_id=trade.last_id,
        time_us=trade.time, value=value, schema=Schema.KRAKEN_WS_TRADE, source=Source.WS, connection=connection,
        received_ns=received_ns,
    )  # fmt: skip


def _book_ticker(value: bytes, ticker: BookTicker, connection: str, received_ns: int) -> Record:
    return Record(
        instrument=from_venue(Venue.KRAKEN, ticker.symbol), first_id=0, last_id=0, time_us=ticker.time_us or 0,
        value=value, schema=Schema.KRAKEN_WS_TICKER, source=Source.WS, connection=connection, received_ns=received_ns,
        topic=BOOK_TICKERS,
    )  # fmt: skip
