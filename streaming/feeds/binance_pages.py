"""Binance's trades by id over REST, one by one (weight 25 for 1,000) or as aggregates (weight 4 for 1,000).

After https://developers.binance.com/docs/binance-spot-api-docs. Aggregates have ids of their own and cannot be asked
for by a trade's: they are found by time, and chained by the first and last trade that each names.
"""

from typing import NamedTuple

import msgspec

from cryptoviz.lake.symbols import Instrument, to_venue
from cryptoviz.lake.topics import Schema
from streaming.feeds.binance_messages import elements, parse_aggregate, parse_rest_trade
from streaming.feeds.budget import Priority
from streaming.feeds.parsed import Refused, Trade
from streaming.feeds.rest import RestClient

_PAGE = 1000


class Paged(NamedTuple):
    """A trade or aggregate of a page: the venue's bytes, what they say, their schema."""

    value: bytes
    trade: Trade
    schema: Schema


class _Numbered(msgspec.Struct):
    a: int


_numbered = msgspec.json.Decoder(_Numbered)


class Pages:
    """Pages of one client."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def trades(self, market: Instrument, first_id: int, priority: Priority, *, count: int = _PAGE) -> list[Paged]:
        """Trades from an id on, by `historicalTrades`."""
        params: dict[str, str | int] = {"symbol": to_venue(market), "fromId": first_id, "limit": count}
        body = await self._rest.get("/api/v3/historicalTrades", params, weight=25, priority=priority)
        return [Paged(value, parse_rest_trade(value), Schema.BINANCE_REST_TRADE) for value in elements(body)]

    async def aggregates(self, market: Instrument, first_id: int, after_us: int, priority: Priority) -> list[Paged]:
        """Aggregates from a trade's id on. ``after_us`` is at or before its time.

        When the id lies within an aggregate, as after a change from trades to aggregates, the rest of that one comes
        trade by trade. Aggregates that the venue has withdrawn are left out: they are no trades.
        """
        body = await self._get(market, {"startTime": after_us // 1000}, priority)
        while len(body) == _PAGE and _last_id(body) < first_id:
            body = await self._get(market, {"fromId": _numbered.decode(body[-1]).a + 1}, priority)
        found = [paged for paged in map(_paged, body) if paged and paged.trade.last_id >= first_id]
        if not found or found[0].trade.first_id >= first_id:
            return found
        rest = found[0].trade.last_id - first_id + 1
        return [*await self.trades(market, first_id, priority, count=min(rest, _PAGE)), *found[1:]]

    async def first_aggregate(self, market: Instrument, from_ms: int, until_ms: int) -> Trade | None:
        """The first aggregate of a span of time."""
        params = {"startTime": from_ms, "endTime": until_ms, "limit": 1}
        body = await self._get(market, params, Priority.BACKFILL)
        return parse_aggregate(body[0]) if body else None

    async def _get(self, market: Instrument, asked: dict[str, int], priority: Priority) -> list[bytes]:
        params: dict[str, str | int] = {"symbol": to_venue(market), "limit": _PAGE, **asked}
        return elements(await self._rest.get("/api/v3/aggTrades", params, weight=4, priority=priority))


def _paged(value: bytes) -> Paged | None:
    try:
        return Paged(value, parse_aggregate(value), Schema.BINANCE_REST_AGG_TRADE)
    except Refused:
        return None


def _last_id(body: list[bytes]) -> int:
    """The last trade that a page tells of."""
    return max((paged.trade.last_id for paged in map(_paged, body) if paged), default=-1)
