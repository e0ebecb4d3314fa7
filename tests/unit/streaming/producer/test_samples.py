"""What the status says of sampled sources that do not run, or have nothing to say."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from cryptoviz.lake.symbols import Venue
from cryptoviz.settings import Settings
from streaming.feeds.binance import Binance
from streaming.producer import samples as module
from streaming.producer.samples import Samples


class Topic:
    async def publish(self, topic, records):
        pass


def told(**settings):
    feeds = {Venue.BINANCE: Binance(rest_url="http://nowhere", socket_url="", instruments=[])}
    return Samples(Settings(**settings), feeds, Topic()).as_dict()


def test_what_has_no_key_is_disabled_and_says_so():
    said = told(coinmarketcap_api_key=SecretStr(""), finnhub_api_key=SecretStr(""))
    assert said["coinmarketcap"]["state"] == "disabled: no COINMARKETCAP_API_KEY"
    assert said["finnhub"]["state"] == "disabled: no FINNHUB_API_KEY"
    assert said["finnhub_socket"] == {"state": "disabled: no FINNHUB_API_KEY"}
    assert said["coingecko"]["state"] == "starting"


def test_a_socket_without_stocks_is_disabled():
    assert told(finnhub_api_key=SecretStr("key"), stocks=())["finnhub_socket"] == {"state": "disabled: no stocks"}


@pytest.mark.parametrize(
    ("at", "state"), [("2026-11-20T15:00", "starting"), ("2026-11-21T15:00", "the exchange is closed")]
)
def test_a_closed_exchange_is_no_silent_source(at, state, monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromisoformat(at).replace(tzinfo=tz or UTC)

    monkeypatch.setattr(module, "datetime", Clock)
    assert told(finnhub_api_key=SecretStr("key"))["finnhub_socket"]["state"] == state
