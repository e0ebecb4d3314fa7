"""A recording played by the simulator is the recording: its trades in the venue's words, the venue's own candles."""

import asyncio
import contextlib
import gzip
import json
from decimal import Decimal

import pyarrow.feather
import pytest
from aiohttp.test_utils import TestClient, TestServer

from streaming.exchange_simulator.exchange import open_exchange
from streaming.exchange_simulator.recorded import UnknownRecording, read_market
from streaming.exchange_simulator.service import build_app

MINUTE = 60_000


def played(markets, now_ms, body):
    async def inside():
        clock = [now_ms]
        exchange = open_exchange(seed=7, clock=lambda: clock[0], recorded=markets)
        exchange.rules.push_s = 0.004
        async with TestClient(TestServer(build_app(exchange))) as client:
            return await body(client, clock)

    return asyncio.run(inside())


async def get(client, path, **params):
    async with client.get(path, params=params) as answer:
        assert answer.status == 200
        return await answer.json(loads=lambda text: json.loads(text, parse_float=Decimal))


@pytest.fixture
def kraken(recordings):
    return recordings / "kraken_xbtusdt"


@pytest.fixture
def binance(recordings):
    folder = recordings / "binance_btcusdt_ws"
    return [read_market(path) for path in sorted(folder.glob("btcusdt_*.gz"))], folder


def test_kraken_rows_are_the_recorded_ones_to_the_last_digit(kraken):
    rows = json.loads((kraken / "http_trades.json").read_text(), parse_float=Decimal)["result"]["XBTUSDT"]
    market = read_market(kraken / "http_trades.json")

    async def body(client, _):
        since = market.span_ms[0] * 1_000_000 - 1
        return (await get(client, "/0/public/Trades", pair="XBTUSDT", since=since))["result"]["XBTUSDT"]

    assert played([market], market.span_ms[1] + 1, body) == rows


def test_kraken_candles_of_409_full_minutes_are_the_venues_own(kraken):
    own = json.loads((kraken / "http_ohlc.json").read_text())["result"]["XBTUSDT"]
    market = read_market(kraken / "http_trades.json")
    first, last = market.span_ms[0] // 1000 + 1, (market.span_ms[1] - MINUTE) // 1000

    async def body(client, _):
        result = await get(client, "/0/public/OHLC", pair="XBTUSDT", interval=1)
        return {row[0]: row for row in result["result"]["XBTUSDT"]}

    ours = played([market], market.span_ms[1] + 1, body)
    full = [row for row in own if first <= row[0] <= last]
    assert len(full) == 409
    for row in full:
        mine = ours[row[0]]
        assert [Decimal(mine[i]) for i in (1, 2, 3, 4, 6, 7)] == [Decimal(row[i]) for i in (1, 2, 3, 4, 6, 7)]
        assert abs(Decimal(mine[5]) - Decimal(row[5])) <= Decimal("0.1")


def test_binance_trades_come_over_the_socket_as_recorded_and_the_minutes_are_the_venues_own(binance):
    markets, folder = binance
    lines = gzip.decompress((folder / "btcusdt_20240808.gz").read_bytes()).splitlines()
    recorded = [json.loads(line.partition(b" ")[2])["data"] for line in lines if b'@trade"' in line]
    market = markets[0]

    async def body(client, clock):
        told = []
        async with client.ws_connect("/stream?streams=btcusdt@trade") as socket:
            while len(told) < len(recorded):
                with contextlib.suppress(TimeoutError):
                    while True:
                        told.append((await socket.receive_json(timeout=0.012))["data"])
                clock[0] += 20_000
        first = -(-market.span_ms[0] // MINUTE) * MINUTE
        params = {"symbol": "BTCUSDT", "interval": "1m", "startTime": first, "endTime": market.span_ms[1] - MINUTE}
        return told, await get(client, "/api/v3/klines", **params)

    told, klines = played([market], market.span_ms[0], body)
    assert [{k: v for k, v in t.items() if k != "E"} for t in told] == [
        {k: v for k, v in t.items() if k != "E"} for t in recorded
    ]
    own = pyarrow.feather.read_table(folder / "klines_1m_2024-07-26_2024-08-25.feather").to_pylist()
    by_time = {int(row["date"].timestamp() * 1000): row for row in own}
    assert len(klines) == 5
    for row in klines:
        expected = [by_time[row[0]][name] for name in ("open", "high", "low", "close", "volume")]
        assert [float(x) for x in row[1:6]] == expected


def test_a_moved_recording_keeps_every_distance(kraken):
    market = read_market(kraken / "http_trades.json")
    moved = market.moved(1_795_200_000_000)
    assert moved.span_ms[0] == 1_795_200_000_000
    shift = moved.span_ms[0] - market.span_ms[0]
    before, after = market.between(*_whole(market)), moved.between(*_whole(moved))
    assert ((after.times - before.times) == shift).all()
    assert (after.nanos == before.nanos).all()
    assert (after.ticks == before.ticks).all()
    assert moved.last_id(moved.span_ms[0]) == 0
    assert moved.last_id(moved.span_ms[0] + 1) == before.ids[0]


def test_what_is_no_recording_is_refused_by_name(tmp_path):
    for name, text in (("empty.txt", ""), ("other.json", '{"result": 5}'), ("page.html", "<html>")):
        (tmp_path / name).write_text(text)
        with pytest.raises(UnknownRecording, match=name):
            read_market(tmp_path / name)


def _whole(market):
    return market.span_ms[0], market.span_ms[1] + 1
