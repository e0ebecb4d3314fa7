"""Candles over HTTP: this server beside a plain FastAPI over PostgreSQL with the same candles, in one run.

Measured: `klines?limit=1000` with 32 clients, 43,200 candles as Arrow, and how 1,000 clients of the stream hear of
trades. Each server is one process, the clients are another; all share the machine.
"""

import argparse
import asyncio
import json
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil

from benchmarks.inputs.candle_lake import write_candles
from benchmarks.inputs.markets import MARKETS
from benchmarks.inputs.plain_server import fill
from cryptoviz.settings import Settings
from cryptoviz.stack import probes
from cryptoviz.stack.database import Database
from cryptoviz.warehouse.server import Role, Server

_DAYS, _CLIENTS, _ARROW_ROWS = 30, 32, 43_200
_KLINES = "/api/v3/klines?symbol={}&interval=1m&limit=1000"
_ARROW = f"/api/v1/candles?symbol=BTC-USDT&interval=1m&limit={_ARROW_ROWS}&format=arrow"
_STREAM = "/api/v1/stream?symbol=BTC-USDT&interval=1m"


def main() -> None:
    """Run everything and print one JSON object."""
    options = argparse.ArgumentParser(prog="benchmarks serving", description=__doc__)
    options.add_argument("--seconds", type=float, default=8.0, help="of each load")
    options.add_argument("--streams", type=int, default=1000, help="clients of the stream")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(store="local", lake_uri=f"{name}/lake", instruments=MARKETS)
        end = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        write_candles(settings.lake, MARKETS, end=end, days=_DAYS)
        found: dict[str, Any] = {"candles": _DAYS * 1440 * len(MARKETS)}
        with _process("benchmarks.inputs.lake_server", settings.lake.uri) as (port, process):
            found["cryptoviz"] = _candles(port, process, asked.seconds)
            found["streams"] = asyncio.run(_streams(port, process, asked.streams, asked.seconds))
        with _database(Path(name) / "postgres") as link:
            fill(link, settings.lake)
            with _process("benchmarks.inputs.plain_server", link) as (port, process):
                found["plain_postgresql"] = _candles(port, process, asked.seconds)
    print(json.dumps(found, indent=2))


def _candles(port: int, process: psutil.Process, seconds: float) -> dict[str, Any]:
    asyncio.run(_load(port, 1.0))
    latencies = asyncio.run(_load(port, seconds))
    cuts = statistics.quantiles(latencies, n=100)
    arrow = [_arrow(port) for _ in range(12)]
    return {
        "klines_per_s": round(len(latencies) / seconds),
        "klines_p50_ms": round(cuts[49] * 1000, 1),
        "klines_p99_ms": round(cuts[98] * 1000, 1),
        "arrow_first_ms": round(arrow[0][0] * 1000, 1),
        "arrow_median_ms": round(statistics.median(one[0] for one in arrow[1:]) * 1000, 1),
        "arrow_bytes": arrow[0][1],
        "rss_mb": round(process.memory_info().rss / 1e6),
    }


async def _load(port: int, seconds: float) -> list[float]:
    """Latencies of as many requests as 32 clients make, each on one connection, one market after the other."""
    deadline, latencies = time.perf_counter() + seconds, []

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < deadline:
            number += 1
            began = time.perf_counter()
            symbol = MARKETS[number % len(MARKETS)].symbol.replace("-", "")
            writer.write(_request(_KLINES.format(symbol)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            if b" 200 " not in head or body.count(b"],[") != 999:
                raise RuntimeError(f"not 1,000 candles: {head!r} {body[:200]!r}")
        writer.close()

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    return latencies


def _arrow(port: int) -> tuple[float, int]:
    began = time.perf_counter()
    with urlopen(f"http://127.0.0.1:{port}{_ARROW}") as answer:
        size = len(answer.read())
    return time.perf_counter() - began, size


async def _streams(port: int, process: psutil.Process, clients: int, seconds: float) -> dict[str, Any]:
    """How long from a trade to each of many clients, and what it costs the server."""
    latencies: list[float] = []
    counted = {"events": 0}
    measuring = asyncio.Event()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_request(_STREAM))
        event = b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip()
                counted["events"] += measuring.is_set()
            elif event == b"trade" and line.startswith(b"data: ") and measuring.is_set():
                latencies.append(time.time() * 1000 - json.loads(line[6:])["time"])

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    await asyncio.sleep(5)
    before = process.cpu_times()
    measuring.set()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    measuring.clear()
    for task in tasks:
        task.cancel()
    failed = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(one, OSError)]
    cuts = statistics.quantiles(latencies, n=100)
    used = after.user + after.system - before.user - before.system
    return {
        "clients": clients - len(failed),
        "events_per_s": round(counted["events"] / seconds),
        "trade_p50_ms": round(cuts[49]),
        "trade_p95_ms": round(cuts[94]),
        "server_cpu_percent": round(100 * used / seconds, 1),
        "rss_mb": round(process.memory_info().rss / 1e6),
    }


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


@contextmanager
def _process(module: str, argument: str) -> Iterator[tuple[int, psutil.Process]]:
    port = _free_port()
    started = subprocess.Popen([sys.executable, "-m", module, str(port), argument])
    try:
        while not _answers(port):
            if started.poll() is not None:
                raise RuntimeError(f"{module} ended with {started.returncode}")
            time.sleep(0.1)
        yield port, psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(20)


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    server = Server(host="127.0.0.1", port=_free_port(), passwords={role: secrets.token_hex(8) for role in Role})
    database = Database(folder=folder, server=server)
    database.prepare()
    started = subprocess.Popen(database.command, stderr=subprocess.DEVNULL)
    try:
        while not _is_ready(server):
            time.sleep(0.1)
        yield server.conninfo(Role.OWNER)
    finally:
        started.send_signal(2)
        started.wait(20)


def _is_ready(server: Server) -> bool:
    try:
        probes.postgres(server)()
    except probes.NotReady:
        return False
    return True


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
