"""The simulator as a server: all venues and vendors on one port, faults by command, the truth on request."""

import asyncio
import signal
from pathlib import Path

from aiohttp import web

from cryptoviz.settings import Settings
from streaming.exchange_simulator.binance.rest import BinanceRest
from streaming.exchange_simulator.binance.sockets import BinanceSockets
from streaming.exchange_simulator.coinbase.advanced import CoinbaseAdvanced
from streaming.exchange_simulator.coinbase.feed import CoinbaseFeed
from streaming.exchange_simulator.coinbase.rest import CoinbaseRest
from streaming.exchange_simulator.control import Control
from streaming.exchange_simulator.exchange import Exchange, open_exchange, wall_ms
from streaming.exchange_simulator.kraken.rest import KrakenRest
from streaming.exchange_simulator.kraken.sockets import KrakenSockets
from streaming.exchange_simulator.recorded import RecordedMarket, read_market
from streaming.exchange_simulator.vendors.coingecko import CoinGecko
from streaming.exchange_simulator.vendors.coinmarketcap import CoinMarketCap
from streaming.exchange_simulator.vendors.cryptocompare import CryptoCompare
from streaming.exchange_simulator.vendors.finnhub import Finnhub

_PARTS = (
    *(BinanceRest, BinanceSockets, KrakenRest, KrakenSockets, CoinbaseRest, CoinbaseFeed, CoinbaseAdvanced),
    *(CoinGecko, CoinMarketCap, CryptoCompare, Finnhub, Control),
)


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; always exits 0."""
    recorded = recorded_markets(settings.exchange_recordings, now_ms=wall_ms())
    exchange = open_exchange(seed=settings.exchange_seed, rate=settings.exchange_rate, recorded=recorded)
    asyncio.run(_serve(exchange, settings.ports.of("exchange")))
    return 0


def recorded_markets(described: str, *, now_ms: int) -> list[RecordedMarket]:
    """Markets of ``FILE,…`` at their own time, of ``FILE@now`` with the first trade now. Raises UnknownRecording."""
    parts = (part.strip().partition("@") for part in described.split(",") if part.strip())
    found = ((read_market(Path(path)), when) for path, _, when in parts)
    return [market.moved(now_ms) if when == "now" else market for market, when in found]


def build_app(exchange: Exchange) -> web.Application:
    """The application: venues, vendors, ``/sim/*``, ``/healthz``."""
    app = web.Application()
    for part in _PARTS:
        app.add_routes(part(exchange).routes())
    return app


async def _serve(exchange: Exchange, port: int) -> None:
    runner = web.AppRunner(build_app(exchange), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=1).start()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await runner.cleanup()
