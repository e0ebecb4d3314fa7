"""The Python client asks the real server over HTTP and gets what it reads from the lake itself."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
import uvicorn

import cryptoviz
from cryptoviz.client import RefusedByServer
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Type
from cryptoviz.serving.app import create_app
from cryptoviz.serving.live import Live
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import empty, replace_partition

HOURS = [Hour(datetime(2026, 1, 2, 3, tzinfo=UTC)).next(n) for n in range(2)]
_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal("0.000000000000000001")}


def minutes(hour: Hour, venue: str, price: str) -> pl.DataFrame:
    filled = {c.name: None if c.nullable else _FILLED.get(c.type) for c in OHLC_1M.columns}
    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal(price))
    market = {"venue": venue, "symbol": "BTC-USDT", "status": "traded", "source_version": "v", **prices}
    starts = [hour.start + timedelta(minutes=n) for n in range(60)]
    rows = [{**filled, **market, "window_start": s, "window_end": s + timedelta(minutes=1)} for s in starts]
    return pl.DataFrame(rows, schema=empty(OHLC_1M).schema)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    made = Settings(home=tmp_path_factory.mktemp("home"), store="local")
    for hour, price in zip(HOURS, ("100.000000000000000001", "101"), strict=True):
        rows = [minutes(hour, "binance", price), minutes(hour, "kraken", "7")]
        replace_partition(OHLC_1M, made.lake, hour, pl.concat(rows), {})
    return made


@pytest.fixture(scope="module")
def url(settings, wait_for):
    parts = Parts(settings=settings, live=Live(listening_since=datetime.now(UTC)))
    config = uvicorn.Config(create_app(parts), port=0, log_level="error")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started, timeout_s=30, what="the start of the server")
    yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_candles_of_the_server_are_those_of_the_lake_to_the_last_digit(settings, url, venue):
    asked = ("BTC-USDT", "1m", HOURS[0].start + timedelta(minutes=7), HOURS[1].end)
    ours = cryptoviz.candles(*asked, venue=venue, source=settings.lake.uri)
    theirs = cryptoviz.candles(*asked, venue=venue, source=url)
    assert ours.height == 113
    assert theirs.equals(ours)
    assert theirs.schema == ours.schema


def test_a_symbol_that_the_server_does_not_know_is_refused_in_its_words(url):
    with pytest.raises(RefusedByServer, match="Invalid symbol"):
        cryptoviz.candles("XYZ-USDT", "1m", HOURS[0].start, HOURS[0].end, source=url)
