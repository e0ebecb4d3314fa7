"""A lake of random candles up to now, a random feed that can be silenced, the server, and a real browser."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPException

import polars as pl
import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from benchmarks.inputs.candle_lake import write_candles, write_rows
from benchmarks.inputs.judged_lake import write_gaps, write_judgements, write_quotes
from benchmarks.inputs.random_feed import RandomFeed
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.app import create_app
from cryptoviz.serving.candle_reader import Range
from cryptoviz.serving.intervals import INTERVALS
from cryptoviz.serving.live import Live
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Ports, Settings
from cryptoviz.stack import probes
from cryptoviz.stack.bucket import create_bucket
from cryptoviz.stack.object_server import find_object_server

MARKETS = tuple(
    Instrument(venue, symbol)
    for venue, symbol in (
        (Venue.BINANCE, "BTC-USDT"), (Venue.BINANCE, "ETH-USDT"), (Venue.BINANCE, "SOL-USDT"), (Venue.KRAKEN, "BTC-USD")
    )
)  # fmt: skip
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
              "--disable-sync"]  # fmt: skip


_SECRET = uuid.uuid4().hex


class Site:
    """The page over a lake and a feed. The server can be taken away and brought back on the same port."""

    def __init__(self, settings):
        self.settings, self.port = settings, 0
        self.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        live = Live(listening_since=datetime.now(UTC) - timedelta(minutes=3))
        parts = Parts(settings=self.settings, live=live)
        self.feed = RandomFeed(live, {market: last_price(parts, market) for market in MARKETS}, trades_per_s=4)
        app = create_app(parts, background=self.feed.run)
        config = uvicorn.Config(app, port=self.port, log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()), daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self):
        self._server.should_exit = True
        self._thread.join()

    def publish(self, shown, **changes):
        """Give the lake a final candle: what the page showed, but for the changes."""
        row = {name: shown[name] for name in ("open", "high", "low", "close", "volume", "trade_count")} | changes
        start = datetime.fromtimestamp(shown["window_start"] / 1000, UTC)
        known = {"venue": str(MARKETS[0].venue), "symbol": MARKETS[0].symbol, "status": "traded", "revision": 1,
                 "minutes": 1, "window_start": start, "window_end": start + timedelta(minutes=1)}  # fmt: skip
        write_rows(OHLC_1M, self.settings.lake, pl.DataFrame([row | known]))


def last_price(parts, market):
    rows = parts.reader.read(market, INTERVALS["1m"], Range(first=None, end=None, limit=60)).frame
    return Decimal(rows["close"].drop_nulls()[-1])


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    uri = str(tmp_path_factory.mktemp("lake"))
    settings = Settings(store="local", lake_uri=uri, instruments=MARKETS, ports=Ports(offset=20_000))
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    write_candles(settings.lake, MARKETS, end=now, days=2)
    write_judgements(settings.lake, MARKETS[0], now=now)
    write_quotes(settings.lake, "BTC", 64_000.0, now=now)
    write_gaps(settings.lake, MARKETS[0], now=now)
    made = Site(settings)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def own_site(tmp_path):
    """A site whose lake a test may write to."""
    settings = Settings(store="local", lake_uri=str(tmp_path / "lake"), instruments=MARKETS, ports=Ports(offset=20_000))
    write_candles(settings.lake, MARKETS, end=datetime.now(UTC).replace(second=0, microsecond=0), days=0.5)
    made = Site(settings)
    yield made
    made.stop()


class Visit:
    """A page in a fresh profile; what it asked for elsewhere and what it complained of are kept."""

    def __init__(self, browser, site, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        self.page = self.context.new_page()
        self.site, self.complaints, self.strangers = site, [], []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request):
        if not request.url.startswith((self.site.address, "data:")):
            self.strangers.append(request.url)

    def open(self, hash_=""):
        self.page.goto(f"{self.site.address}/{hash_}")
        return self.page

    def wait(self, truth, timeout_s=15):
        self.page.wait_for_function(truth, timeout=timeout_s * 1000)


@pytest.fixture
def visit_to(browser):
    made = []

    def begin(site, **options):
        made.append(Visit(browser, site, **options))
        return made[-1]

    yield begin
    for one in made:
        one.context.close()
        assert not one.strangers


@pytest.fixture
def visit(visit_to, site):
    return lambda **options: visit_to(site, **options)


def free_port():
    """Below the ports that the system hands out to outgoing connections."""
    for port in random.sample(range(23_000, 32_000), 50):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise RuntimeError("no free port found")


class ObjectStore:
    """A MinIO of its own, to kill, to stop in its tracks and to start again over the same data."""

    def __init__(self, program, folder):
        port = free_port()
        self.settings = Settings(
            store="minio", s3_endpoint=f"http://127.0.0.1:{port}", s3_access_key="access-of-a-test",
            s3_secret_key=_SECRET, instruments=MARKETS, ports=Ports(offset=20_000),
        )  # fmt: skip
        self._command = [program, "server", str(folder), "--address", f"127.0.0.1:{port}"]
        self._ready = probes.http(port, "/minio/health/ready")
        self.start()
        create_bucket(self.settings.lake)

    def start(self):
        keys = {"MINIO_ROOT_USER": "access-of-a-test", "MINIO_ROOT_PASSWORD": _SECRET}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        rest = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
        self.process = subprocess.Popen(self._command, env={**os.environ, **keys, **rest}, **quiet)
        while not self._answers():
            assert self.process.poll() is None
            time.sleep(0.05)

    def _answers(self):
        try:
            self._ready()
        except (OSError, HTTPException, probes.NotReady):
            return False
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def object_store(tmp_path):
    program = find_object_server(Settings().cache.expanduser())
    if program is None:
        pytest.skip("no MinIO on this machine; ./run setup builds it")
    made = ObjectStore(program, tmp_path / "minio")
    yield made
    made.process.send_signal(signal.SIGCONT)
    made.kill()


@pytest.fixture
def site_on(object_store):
    """The page over candles of five days in the object store."""
    settings = object_store.settings
    write_candles(settings.lake, MARKETS, end=datetime.now(UTC).replace(second=0, microsecond=0), days=5)
    made = Site(settings)
    yield made
    made.stop()
