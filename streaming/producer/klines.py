"""Hourly klines: history once, then each hour's as it closes."""

import asyncio
import time

import structlog

from cryptoviz.lake.symbols import Instrument
from streaming.feeds.rest import VenueUnreachable
from streaming.feeds.venue import VenueFeed
from streaming.producer.publisher import Publisher
from streaming.producer.tail import Position

_HOUR_S = 3600
_AFTER_CLOSE_S = 5.0


async def keep_klines(
    feed: VenueFeed, instrument: Instrument, publisher: Publisher, *, topic: str, position: Position | None, count: int
) -> None:
    """Publish closed klines after the position, at a first start the last ``count``, until cancelled."""
    last = position.last_id if position else -1
    log = structlog.get_logger(market=instrument.key)
    while True:
        missing = min(count, int(time.time()) // _HOUR_S - last) if last >= 0 else count
        try:
            records = await feed.klines(instrument, count=max(1, missing))
        except VenueUnreachable as error:
            log.warning("klines not fetched", reason=str(error))
            records = []
        fresh = [record for record in records if record.first_id > last]
        if fresh:
            await publisher.publish(topic, fresh)
            last = fresh[-1].last_id
            log.info("klines published", count=len(fresh))
        await asyncio.sleep(_HOUR_S - time.time() % _HOUR_S + _AFTER_CLOSE_S)
