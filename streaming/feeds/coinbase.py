"""Coinbase Exchange: matches and tickers of the socket, trades by id.

After https://docs.cdp.coinbase.com/exchange: REST pages of trades go backwards from an id, newest first; ten public
requests a second. Its candles carry no count of trades and are left alone.
"""

import json
import time
from collections.abc import Sequence

from cryptoviz.lake.symbols import Instrument, Venue, from_venue, to_venue
from cryptoviz.lake.topics import BOOK_TICKERS, TRADES, Schema, Source, Topic
from streaming.feeds.budget import Budget, Priority, priority_of
from streaming.feeds.coinbase_messages import elements, parse_match, parse_rest_trade, parse_ticker, type_of
from streaming.feeds.listings import Listing, coinbase_listings
from streaming.feeds.parsed import Trade
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient
from streaming.feeds.venue import SocketLimits

_PAGE = 1000
_LIMITS = SocketLimits(streams=100, names_a_frame=100, frames_a_second=4, connects=60, connects_seconds=60, silence_s=3)
"""The venue takes 8 connections and 100 messages a second; the heartbeat comes each second."""
_CHANNELS = {TRADES: "matches", BOOK_TICKERS: "ticker"}


class Coinbase:
    """The venue's feed."""

    name = "coinbase"
    limits = _LIMITS
    channels: tuple[Topic, ...] = (TRADES, BOOK_TICKERS)

    def __init__(self, *, rest_url: str, socket_url: str) -> None:
        self.socket_url = socket_url
        self.rest = RestClient(base_url=rest_url, budget=Budget(self.name, limit=8, seconds=1))

    def subscribe_frames(self, channel: Topic, instruments: Sequence[Instrument]) -> list[str]:
        """One subscribe for all products, with the heartbeat that tells silence from quiet."""
        products = [to_venue(instrument) for instrument in instruments]
        channels = [_CHANNELS[channel], "heartbeat"]
        return [json.dumps({"type": "subscribe", "product_ids": products, "channels": channels})]

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """One match or ticker a frame; none for acknowledgements, heartbeats and the match before the first."""
        kind = type_of(frame)
        if kind == "match":
            trade = parse_match(frame)
            product, update, time_us = trade.symbol, trade.first_id, trade.time
            topic, schema = TRADES, Schema.COINBASE_WS_MATCH
        elif kind == "ticker":
            ticker = parse_ticker(frame)
            product, update, time_us = ticker.symbol, ticker.update_id or 0, ticker.time_us or 0
            topic, schema = BOOK_TICKERS, Schema.COINBASE_WS_TICKER
        else:
            return []
        return [
            Record(
                instrument=from_venue(Venue.COINBASE, product), first_id=update, last_id=update, time_us=time_us,
                value=frame, schema=schema, source=Source.WS, connection=connection, received_ns=received_ns,
                topic=topic,
            )
        ]  # fmt: skip

    def is_farewell(self, frame: bytes) -> bool:
        """The venue does not say."""
        del frame
        return False

    async def first_id_at(self, instrument: Instrument, time_ms: int) -> int | None:
        """By bisection: the venue finds trades by id alone, and ids grow with time."""
        newest = await self._newest_below(instrument, None)
        if newest is None or newest.time < time_ms * 1000:
            return None
        step, low, high = _PAGE, newest.first_id, newest.first_id
        while low > 0 and (found := await self._newest_below(instrument, low)) and found.time >= time_ms * 1000:
            low, high, step = max(0, found.first_id - step), found.first_id, step * 2
        while low < high:
            middle = (low + high) // 2
            found = await self._newest_below(instrument, middle + 1)
            if found is None or found.time < time_ms * 1000:
                low = middle + 1
            else:
                high = found.first_id
        return high

    async def fetch(self, instrument: Instrument, first_id: int, after_us: int, *, source: str) -> list[Record]:
        """The page that ends a thousand ids on; the newest one when that is beyond the newest trade."""
        del after_us
        page = await self._page(instrument, first_id + _PAGE, _PAGE, priority_of(source))
        now = time.time_ns()
        return [
            Record(
                instrument=instrument, first_id=t.first_id, last_id=t.last_id, time_us=t.time, value=value,
                schema=Schema.COINBASE_REST_TRADE, source=source, connection="rest", received_ns=now,
            )
            for value, t in reversed(page)
            if t.first_id >= first_id
        ]  # fmt: skip

    async def klines(self, instrument: Instrument, *, count: int) -> list[Record]:
        """None."""
        del instrument, count
        return []

    async def klines_between(self, instrument: Instrument, from_ms: int, to_ms: int) -> list[Record]:
        """None."""
        del instrument, from_ms, to_ms
        return []

    async def listings(self) -> list[Listing]:
        """By `products`."""
        return coinbase_listings(await self.rest.get("/products", {}, weight=1, priority=Priority.BACKFILL))

    async def close(self) -> None:
        """Close connections."""
        await self.rest.close()

    async def _newest_below(self, instrument: Instrument, limit: int | None) -> Trade | None:
        page = await self._page(instrument, limit, 1, Priority.BACKFILL)
        return page[0][1] if page else None

    async def _page(
        self, instrument: Instrument, below: int | None, count: int, priority: Priority
    ) -> list[tuple[bytes, Trade]]:
        """Trades with ids below one, or the newest, newest first."""
        params: dict[str, str | int] = {"limit": count} if below is None else {"limit": count, "after": below}
        body = await self.rest.get(f"/products/{to_venue(instrument)}/trades", params, priority=priority)
        return [(value, parse_rest_trade(value)) for value in elements(body)]
