"""Binance spot: combined streams of trades (or aggregate trades) and book tickers, trades by id, hourly klines.

After https://developers.binance.com/docs/binance-spot-api-docs; weights: klines 2, exchangeInfo 20.
"""

import json
import time
from collections.abc import Sequence

from cryptoviz.lake.symbols import Instrument, Venue, to_venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES, Schema, Source, Topic
from streaming.feeds.binance_messages import (
    aggregate_ids,
    elements,
    parse_book_ticker,
    parse_kline,
    parse_socket_trade,
    unwrap,
)
from streaming.feeds.binance_pages import Pages
from streaming.feeds.budget import Budget, Priority, priority_of
from streaming.feeds.listings import Listing, binance_listings
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient
from streaming.feeds.venue import SocketLimits

_WEIGHT_A_MINUTE = 5000
_PAGE = 1000
_HOUR_MS = 3_600_000
_LIMITS = SocketLimits(
    streams=1000, names_a_frame=100, frames_a_second=4, connects=250, connects_seconds=300, silence_s=15
)
"""The venue's are 1024 streams, 5 messages a second and 300 connections in 5 minutes; some room is left."""
_TRADE, _AGGREGATE, _BOOK_TICKER = "trade", "aggTrade", "bookTicker"


class Binance:
    """The venue's feed. With ``aggregates`` neighbours of one order at one price come as one record."""

    name = "binance"
    limits = _LIMITS
    channels: tuple[Topic, ...] = (TRADES, BOOK_TICKERS)

    def __init__(
        self, *, rest_url: str, socket_url: str, instruments: Sequence[Instrument], aggregates: bool = False
    ) -> None:
        self.socket_url = f"{socket_url}/stream"
        self.rest = RestClient(base_url=rest_url, budget=Budget(self.name, limit=_WEIGHT_A_MINUTE, seconds=60))
        self._pages, self._aggregates = Pages(self.rest), aggregates
        self._streams = {TRADES: _AGGREGATE if aggregates else _TRADE, BOOK_TICKERS: _BOOK_TICKER}
        self._by_symbol = {to_venue(i).lower(): i for i in instruments if i.venue is Venue.BINANCE}

    def subscribe_frames(self, channel: Topic, instruments: Sequence[Instrument]) -> list[str]:
        """One SUBSCRIBE for all symbols."""
        streams = [f"{to_venue(instrument).lower()}@{self._streams[channel]}" for instrument in instruments]
        return [json.dumps({"method": "SUBSCRIBE", "params": streams, "id": 1})]

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """One trade, aggregate or book ticker a frame, or none. An aggregate that is withdrawn comes without ids."""
        if b'"stream"' not in frame[:64]:
            return []
        stream, value = unwrap(frame)
        symbol, _, kind = stream.partition("@")
        if kind == _TRADE:
            trade, topic, schema = parse_socket_trade(value), TRADES, Schema.BINANCE_WS_TRADE
            first, last, time_us = trade.first_id, trade.last_id, trade.time * 1000
        elif kind == _AGGREGATE:
            topic, schema = TRADES, Schema.BINANCE_WS_AGG_TRADE
            first, last, time_us = aggregate_ids(value)
        elif kind == _BOOK_TICKER:
            topic, schema = BOOK_TICKERS, Schema.BINANCE_WS_BOOK_TICKER
            first = last = parse_book_ticker(value).update_id or 0
            time_us = 0
        else:
            return []
        return [
            Record(
                instrument=self._by_symbol[symbol], first_id=first, last_id=last, time_us=time_us, value=value,
                schema=schema, source=Source.WS, connection=connection, received_ns=received_ns, topic=topic,
            )
        ]  # fmt: skip

    def is_farewell(self, frame: bytes) -> bool:
        """The ``serverShutdown`` event."""
        return b'"serverShutdown"' in frame[:256]

    async def first_id_at(self, instrument: Instrument, time_ms: int) -> int | None:
        """By the first aggregate of the hour that begins there."""
        found = await self._pages.first_aggregate(instrument, time_ms, time_ms + _HOUR_MS)
        return found.first_id if found else None

    async def fetch(self, instrument: Instrument, first_id: int, after_us: int, *, source: str) -> list[Record]:
        """A page of trades, or of aggregates from the time of the last one known."""
        if self._aggregates and after_us:
            page = await self._pages.aggregates(instrument, first_id, after_us, priority_of(source))
        else:
            page = await self._pages.trades(instrument, first_id, priority_of(source))
        now = time.time_ns()
        return [
            Record(
                instrument=instrument, first_id=t.first_id, last_id=t.last_id, time_us=t.time * 1000, value=value,
                schema=schema, source=source, connection="rest", received_ns=now,
            )
            for value, t, schema in page
        ]  # fmt: skip

    async def klines(self, instrument: Instrument, *, count: int) -> list[Record]:
        """Closed klines; the one in progress is left out."""
        params: dict[str, str | int] = {
            "symbol": to_venue(instrument),
            "interval": "1h",
            "limit": min(count + 1, _PAGE),
        }
        priority = Priority.BACKFILL if count > 1 else Priority.LIVE
        return _klines(
            instrument, await self.rest.get("/api/v3/klines", params, weight=2, priority=priority), Source.BACKFILL
        )

    async def klines_between(self, instrument: Instrument, from_ms: int, to_ms: int) -> list[Record]:
        """At most 1,000 a page."""
        params: dict[str, str | int] = {
            "symbol": to_venue(instrument),
            "interval": "1h",
            "startTime": from_ms,
            "endTime": to_ms - 1,
            "limit": _PAGE,
        }
        body = await self.rest.get("/api/v3/klines", params, weight=2, priority=Priority.BACKFILL)
        return _klines(instrument, body, Source.HISTORY)

    async def listings(self) -> list[Listing]:
        """By `exchangeInfo`."""
        return binance_listings(await self.rest.get("/api/v3/exchangeInfo", {}, weight=20, priority=Priority.BACKFILL))

    async def close(self) -> None:
        """Close connections."""
        await self.rest.close()


def _klines(instrument: Instrument, body: bytes, source: Source) -> list[Record]:
    """Closed klines of a body."""
    now = time.time_ns()
    parsed = ((value, parse_kline(value)) for value in elements(body))
    return [
        Record(
            instrument=instrument, first_id=k.open_time // _HOUR_MS, last_id=k.open_time // _HOUR_MS,
            time_us=k.open_time * 1000, value=value, schema=Schema.BINANCE_REST_KLINE, source=source,
            connection="rest", received_ns=now,
        )
        for value, k in parsed
        if k.close_time * 1_000_000 < now
    ]  # fmt: skip
