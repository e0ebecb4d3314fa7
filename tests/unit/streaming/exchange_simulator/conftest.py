"""A simulator in the test's own loop, with a clock that the test moves."""

import asyncio
import contextlib
import json
import time

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streaming.exchange_simulator.exchange import open_exchange
from streaming.exchange_simulator.service import build_app

NOW = 1_795_200_000_000


class Simulation:
    """The client of a running simulator, its exchange, and the hand of its clock."""

    def __init__(self, client: TestClient, exchange, clock: list[int]) -> None:
        self.client, self.exchange, self._clock = client, exchange, clock

    @property
    def now(self) -> int:
        return self._clock[0]

    def pass_ms(self, milliseconds: int) -> None:
        self._clock[0] += milliseconds

    async def get(self, path: str, status: int = 200, **params):
        async with self.client.get(path, params=params) as answer:
            body = await answer.text()
            assert answer.status == status, (answer.status, body)
            return json.loads(body)

    async def command(self, **fault) -> None:
        async with self.client.post("/sim/faults", json=fault) as answer:
            assert answer.status == 200, await answer.text()

    async def frames(self, socket, *, count: int = 1, where=lambda _: True, step_ms: int = 0, timeout_s: float = 20.0):
        """The next frames that meet a condition; the clock steps while nothing comes."""
        found, deadline = [], time.monotonic() + timeout_s
        while len(found) < count:
            assert time.monotonic() < deadline, f"only {len(found)} of {count} frames came"
            with contextlib.suppress(TimeoutError):
                message = await socket.receive(timeout=0.012)
                assert isinstance(message.data, str), message
                if where(json.loads(message.data)):
                    found.append(json.loads(message.data))
            self.pass_ms(step_ms)
        return found


@pytest.fixture
def simulated():
    """Run a coroutine function with a simulation of its own: ``simulated(body, **options of open_exchange)``."""

    def run(body, **options):
        async def inside():
            clock = [NOW]
            exchange = open_exchange(seed=7, clock=lambda: clock[0], **options)
            exchange.rules.push_s = 0.004
            async with TestClient(TestServer(build_app(exchange))) as client:
                await body(Simulation(client, exchange, clock))

        asyncio.run(inside())

    return run
