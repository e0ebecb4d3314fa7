"""Kraken spot: the trade channel of socket v2, trades by time.

After https://docs.kraken.com/api: REST Trades pages by ``since`` in nanoseconds, about one call a second.
"""

import json
import time
from collections.abc import Sequence

from cryptoviz.lake.symbols import Instrument, Venue, from_venue, to_venue
from cryptoviz.lake.topics import Schema, Source
from streaming.feeds.kraken_messages import parse_rest_trade, parse_socket_trade, rest_trades, trades_of
from streaming.feeds.record import Record
from streaming.feeds.rest import RestClient

_CALLS_A_MINUTE = 60


class Kraken:
    """The venue's feed."""

    name = "kraken"
    silence_s = 10.0

    def __init__(self, *, rest_url: str, socket_url: str) -> None:
        self.socket_url = socket_url
        self._rest = RestClient(base_url=rest_url, weight_a_minute=_CALLS_A_MINUTE)

    def subscribe_frames(self, instruments: Sequence[Instrument]) -> list[str]:
        """One subscribe for all symbols, without a snapshot: REST brings what came before."""
        params = {"channel": "trade", "symbol": [to_venue(i) for i in instruments], "snapshot": False}
        return [json.dumps({"method": "subscribe", "params": params})]

    def parse_frame(self, frame: bytes, *, connection: str, received_ns: int) -> list[Record]:
        """All trades of an update."""
        parsed = ((value, parse_socket_trade(value)) for value in trades_of(frame))
        return [
            Record(
                instrument=from_venue(Venue.KRAKEN, t.symbol), first_id=t.first_id, last_id=t.last_id, time_us=t.time,
                value=value, schema=Schema.KRAKEN_WS_TRADE, source=Source.WS, connection=connection,
                received_ns=received_ns,
            )
            for value, t in parsed
        ]  # fmt: skip

    async def first_id_at(self, instrument: Instrument, time_ms: int) -> int | None:
        """By the first trade since that instant."""
        page = await self._page(instrument, time_ms * 1_000_000 - 1, source=Source.BACKFILL)
        return page[0].first_id if page else None

    async def fetch(self, instrument: Instrument, first_id: int, after_us: int, *, source: str) -> list[Record]:
        """A page since just before the last known trade, so that trades of the same instant are not skipped."""
        page = await self._page(instrument, after_us * 1000 - 1, source=source)
        return [record for record in page if record.first_id >= first_id]

    async def klines(self, instrument: Instrument, *, count: int) -> list[Record]:
        """None: the venue's candles carry no quote volume."""
        del instrument, count
        return []

    async def close(self) -> None:
        """Close connections."""
        await self._rest.close()

    async def _page(self, instrument: Instrument, since_ns: int, *, source: str) -> list[Record]:
        params: dict[str, str | int] = {"pair": to_venue(instrument).replace("/", ""), "since": since_ns}
        _, rows, _ = rest_trades(await self._rest.get("/0/public/Trades", params, weight=1))
        now = time.time_ns()
        parsed = ((value, parse_rest_trade(value)) for value in rows)
        return [
            Record(
                instrument=instrument, first_id=t.first_id, last_id=t.last_id, time_us=t.time, value=value,
                schema=Schema.KRAKEN_REST_TRADE, source=source, connection="rest", received_ns=now,
            )
            for value, t in parsed
        ]  # fmt: skip
