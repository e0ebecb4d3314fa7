"""A lake of random candles up to a fixed minute, a clock that stands there, and a real server over both."""

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
import uvicorn

from benchmarks.inputs.candle_lake import write_candles
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.app import create_app
from cryptoviz.serving.live import Live
from cryptoviz.serving.minute import LiveQuote, LiveTrade, microseconds
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings

NOW = datetime(2026, 11, 20, 10, 20, 30, tzinfo=UTC)
BTC = Instrument(Venue.BINANCE, "BTC-USDT")
XBT = Instrument(Venue.KRAKEN, "BTC-USD")


@pytest.fixture(scope="session")
def written_lake(tmp_path_factory):
    """Three days of minutes up to 10:18 of the last one."""
    settings = Settings(store="local", lake_uri=str(tmp_path_factory.mktemp("lake")))
    write_candles(settings.lake, [BTC, XBT], end=NOW.replace(second=0) - timedelta(minutes=2), days=3)
    return settings


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def btc():
    return BTC


@pytest.fixture
def settings(written_lake):
    return written_lake.model_copy(update={"instruments": (BTC, XBT)})


@pytest.fixture
def live():
    return Live(listening_since=NOW - timedelta(minutes=10), clock=NOW.timestamp)


@pytest.fixture
def parts(settings, live):
    return Parts(settings=settings, live=live, clock=lambda: NOW)


class Served:
    """An application on a port of its own."""

    def __init__(self, parts):
        config = uvicorn.Config(create_app(parts), port=0, log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def served():
    return Served


@pytest.fixture
def client(parts):
    """Asks from this machine, as a browser here does."""
    with Served(parts) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.fixture
def trade():
    """Makes a trade of BTC-USDT so many seconds before now."""

    def make(trade_id, price, *, ago=1.0, quantity="0.5", instrument=BTC, is_buy=True):
        at = microseconds(NOW - timedelta(seconds=ago))
        return LiveTrade(
            instrument=instrument, first_id=trade_id, last_id=trade_id, time_us=at, price=Decimal(price),
            quantity=Decimal(quantity), is_buyer_aggressor=is_buy,
        )  # fmt: skip

    return make


@pytest.fixture
def quote():
    def make(bid, ask, *, instrument=BTC):
        at = microseconds(NOW)
        one = Decimal(1)
        return LiveQuote(
            instrument=instrument, time_us=at, bid=Decimal(bid), bid_quantity=one, ask=Decimal(ask), ask_quantity=one
        )

    return make
