"""The venues there are, each with its addresses from the settings."""

from cryptoviz.lake.symbols import Venue
from cryptoviz.settings import Settings
from streaming.feeds.binance import Binance
from streaming.feeds.coinbase import Coinbase
from streaming.feeds.kraken import Kraken
from streaming.feeds.venue import VenueFeed


def build_feeds(settings: Settings) -> dict[Venue, VenueFeed]:
    """A feed of every venue. Making one opens no connection."""
    return {
        Venue.BINANCE: Binance(
            rest_url=settings.binance_rest_url,
            socket_url=settings.binance_ws_url,
            instruments=settings.instruments,
            aggregates=settings.binance_trades == "aggregates",
        ),
        Venue.KRAKEN: Kraken(rest_url=settings.kraken_rest_url, socket_url=settings.kraken_ws_url),
        Venue.COINBASE: Coinbase(rest_url=settings.coinbase_rest_url, socket_url=settings.coinbase_ws_url),
    }
