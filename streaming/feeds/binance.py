"""Binance spot: combined streams of trades and book tickers, trades by id, hourly klines.

After https://developers.binance.com/docs/binance-spot-api-docs; weights: historicalTrades 25, aggTrades 4, klines 2.
"""

import json
import time
from collections.abc import Sequence

from cryptoviz.lake.symbols import Instrument, Venue, to_venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES, Schema, Source, Topic
from streaming.feeds.binance_messages import (
    elements,
    parse_aggregate,
    parse_book_ticker,
    parse_kline,
    parse_rest_trade,
    parse_socket_trade,
    unwrap,
)
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
_STREAMS = {TRADES: "trade", BOOK_TICKERS: "bookTicker"}


class Binance:
    """The venue's feed."""

    name = "binance"
    limits = _LIMITS
    channels: tuple[Topic, ...] = (TRADES, BOOK_TICKERS)

    def __init__(self, *, rest_url: str, socket_url: str, instruments: Sequence[Instrument]) -> None:
        self.socket_url = f"{socket_url}/stream"
        self.rest = RestClient(base_url=rest_url, budget=Budget(self.name, limit=_WEIGHT_A_MINUTE, seconds=60))
        self._by_symbol = {to_venue(i).lower(): i for i in instruments if i.venue is Venue.BINANCE}

    def subscribe_frames(self, channel: Topic, instruments: Sequence[Instrument]) -> list[str]:
        """One SUBSCRIBE for all symbols."""
        streams = [f"{to_venue(instrument).lower()}@{_STREAMS[channel]}" for instrument in instruments]
        return [json.dumps({"method": "SUBSCRIBE", "params": streams, "id": 1})]

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """One trade or book ticker a frame; none for acknowledgements."""
        if b'"stream"' not in frame[:64]:
            return []
        stream, value = unwrap(frame)
        symbol, _, kind = stream.partition("@")
        if kind == _STREAMS[TRADES]:
            trade = parse_socket_trade(value)
            topic, schema, update, time_us = TRADES, Schema.BINANCE_WS_TRADE, trade.first_id, trade.time * 1000
        elif kind == _STREAMS[BOOK_TICKERS]:
            update, time_us = parse_book_ticker(value).update_id or 0, 0
            topic, schema = BOOK_TICKERS, Schema.BINANCE_WS_BOOK_TICKER
        else:
            return []
        return [
            Record(
                instrument=self._by_symbol[symbol], first_id=update, last_id=update, time_us=time_us, value=value,
                schema=schema, source=Source.WS, connection=connection, received_ns=received_ns, topic=topic,
            )
        ]  # fmt: skip

    def is_farewell(self, frame: bytes) -> bool:
        """The ``serverShutdown`` event."""
        return b'"serverShutdown"' in frame[:256]

    async def first_id_at(self, instrument: Instrument, time_ms: int) -> int | None:
        """By the first aggregate of the hour that begins there."""
        end = time_ms + _HOUR_MS
        params: dict[str, str | int] = {
            "symbol": to_venue(instrument),
            "startTime": time_ms,
            "endTime": end,
            "limit": 1,
        }
        found = elements(await self.rest.get("/api/v3/aggTrades", params, weight=4, priority=Priority.BACKFILL))
        return parse_aggregate(found[0]).first_id if found else None

    async def fetch(self, instrument: Instrument, first_id: int, after_us: int, *, source: str) -> list[Record]:
        """A page of `historicalTrades`."""
        del after_us
        params: dict[str, str | int] = {"symbol": to_venue(instrument), "fromId": first_id, "limit": _PAGE}
        body = await self.rest.get("/api/v3/historicalTrades", params, weight=25, priority=priority_of(source))
        now = time.time_ns()
        parsed = ((value, parse_rest_trade(value)) for value in elements(body))
        return [
            Record(
                instrument=instrument, first_id=t.first_id, last_id=t.last_id, time_us=t.time * 1000, value=value,
                schema=Schema.BINANCE_REST_TRADE, source=source, connection="rest", received_ns=now,
            )
            for value, t in parsed
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
