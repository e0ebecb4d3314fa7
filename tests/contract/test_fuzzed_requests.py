"""Requests by schemathesis, valid and not, over every operation: none may fail as a fault of the server.

At least 2,000 cases; 10,000 with ``--full``.
"""

import contextlib
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from benchmarks.inputs.candle_lake import write_candles
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.serving.app import create_app
from cryptoviz.serving.live import Live
from cryptoviz.serving.parts import Parts
from cryptoviz.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NOW = datetime(2026, 11, 20, 10, 20, 30, tzinfo=UTC)
MARKETS = (Instrument(Venue.BINANCE, "BTC-USDT"), Instrument(Venue.KRAKEN, "BTC-USD"))
NASTY = ["' OR 1=1;--", "\x00", "../../etc/passwd", "<script>alert(1)</script>", "%00", "9" * 400, "-1", "NaN", "[]",
         "\uff11\uff12", "A" * 60_000, "\u202e", "{{7*7}}", "BTCUSDT\r\nX: y", "1e400", "true", "null"]  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    own = Settings(store="local", lake_uri=str(tmp_path_factory.mktemp("lake")), instruments=MARKETS)
    write_candles(own.lake, MARKETS, end=NOW.replace(second=0), days=1)
    live = Live(listening_since=NOW - timedelta(minutes=5), clock=NOW.timestamp)
    app = create_app(Parts(settings=own, live=live, clock=lambda: NOW))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def operations(address):
    """Every operation but the stream, which does not end."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return [operation for operation in found if operation.path != "/api/v1/stream"]


def is_fault(response):
    return response.status_code >= 500 or (response.status_code >= 400 and set(response.json()) != {"code", "msg"})


def test_no_request_is_a_fault_of_the_server(operations, is_full):
    wanted, statuses = (10_000 if is_full else 2_000), Counter()
    varied = [operation for operation in operations if operation.query]
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with contextlib.suppress(Unsatisfiable):
                _drive(operation, mode, wanted // len(varied), statuses)
    print(statuses.total(), "answers by status:", dict(statuses))
    assert statuses.total() >= wanted, statuses
    assert not [status for status in statuses if status >= 500]


def _drive(operation, mode, examples, statuses):
    strategy = operation.as_strategy(generation_mode=mode)

    @seed(7)
    @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=strategy)
    def drive(case):
        response = case.call(timeout=20)
        statuses[response.status_code] += 1
        assert not is_fault(response), (case.as_curl_command(), response.status_code, response.text[:300])

    drive()


def test_nasty_values_are_refused_or_understood(operations, address):
    import httpx  # noqa: PLC0415 - schemathesis brings its own client for all else

    with httpx.Client(base_url=address, timeout=20) as client:
        for operation in operations:
            names = [parameter.name for parameter in operation.query]
            for name in names:
                for value in NASTY:
                    others = {"symbol": "BTCUSDT", "interval": "1m", "window_start": "0"}
                    query = {n: v for n, v in others.items() if n in names} | {name: value}
                    path = operation.path.replace("{name}", "trades")
                    try:
                        response = client.get(path, params=query)
                    except httpx.InvalidURL:
                        continue
                    assert response.status_code < 500, (path, query, response.text[:300])
                    assert "<script>" not in response.text or response.headers["content-type"] == "application/json"
