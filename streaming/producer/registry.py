"""The registry of instruments, kept: what each venue lists is asked every hour, and what has changed is published."""

import asyncio
import time
from collections.abc import Sequence

import msgspec
import structlog

from cryptoviz.lake.symbols import Instrument
from streaming.feeds.listings import Listing, changes
from streaming.feeds.rest import VenueUnreachable
from streaming.feeds.venue import VenueFeed
from streaming.producer.publisher import Publisher

_EVERY_S = 3600.0


async def keep_listings(
    feed: VenueFeed, markets: Sequence[Instrument], publisher: Publisher, *, topic: str, known: dict[str, Listing]
) -> None:
    """Publish changes of a venue's listings until cancelled. ``known`` is what the topic says already."""
    log = structlog.get_logger(venue=feed.name)
    while True:
        try:
            changed = changes(known, await feed.listings(), markets)
        except (VenueUnreachable, msgspec.DecodeError) as error:
            log.warning("listings not fetched", reason=str(error))
            changed = []
        await publisher.publish(topic, [listing.record(time.time_ns()) for listing in changed])
        known |= {listing.instrument.key: listing for listing in changed}
        await asyncio.sleep(_EVERY_S)
