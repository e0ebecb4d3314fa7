"""Against a real HTTP server whose answers are scripted."""

import asyncio
import time

import pytest
from aiohttp import web

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.feeds.budget import Budget, Priority
from streaming.feeds.kraken import Kraken
from streaming.feeds.rest import RequestRefused, RestClient, VenueUnreachable


class Provider:
    """Answers in turn with what is scripted, the last answer again and again."""

    def __init__(self, *answers):
        self.answers, self.asked, self.times = list(answers), [], []

    async def __aenter__(self):
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        self.client = RestClient(base_url=self.url, budget=Budget("provider", limit=1000, seconds=60))
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        await self._runner.cleanup()

    async def _answer(self, request):
        self.asked.append(request.path_qs)
        self.times.append(time.monotonic())
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})


GOOD = (200, b"[1]", {})


def get(*answers):
    async def run():
        async with Provider(*answers) as provider:
            try:
                return await provider.client.get("/x", {"a": 1}), provider
            except VenueUnreachable as error:
                return error, provider

    return asyncio.run(run())


def test_what_passes_by_itself_is_tried_again():
    body, provider = get((502, b"<html>", {}), (200, b"<html>", {}), GOOD)
    assert body == b"[1]"
    assert provider.asked == ["/x?a=1"] * 3


def test_a_refused_request_is_said_at_once_with_the_providers_words():
    error, provider = get((400, b'{"code":-1121,"msg":"Invalid symbol."}', {}))
    assert isinstance(error, RequestRefused)
    assert "-1121 Invalid symbol." in str(error)
    assert len(provider.asked) == 1


def test_who_is_barred_asks_no_more():
    error, provider = get((451, b'{"code":0,"msg":"restricted location"}', {}))
    assert "restricted location" in str(error)
    assert provider.client.budget.blocked_seconds > 290
    assert len(provider.asked) == 1


def test_not_one_request_is_sent_during_a_ban_however_many_wait():
    async def run():
        limited = (429, b"{}", {"Retry-After": "1"})
        async with Provider(limited, GOOD) as provider:
            async with asyncio.timeout(20):
                answers = await asyncio.gather(
                    *(provider.client.get("/x", {}, priority=Priority(n % 3)) for n in range(12))
                )
            assert answers == [b"[1]"] * 12
            assert len(provider.times) == 13
            assert provider.times[1] - provider.times[0] >= 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ((418, b'{"code":-1003,"msg":"Way too much request weight used; IP banned"}', {"Retry-After": "1"}), "418"),
        ((200, b'{"error":["EGeneral:Temporary lockout"]}', {}), "lockout"),
        ((200, b'{"Response":"Error","Message":"You are over your rate limit please upgrade"}', {}), "rate limit"),
    ],
    ids=["418", "an error with status 200", "the same of another vendor"],
)
def test_a_limit_of_whatever_shape_is_waited_out_and_said(answer, body, monkeypatch):
    monkeypatch.setattr("streaming.feeds.answers._SHORT_BAN_S", 1.0)

    async def run():
        async with Provider(answer, GOOD) as provider:
            asked = asyncio.create_task(provider.client.get("/x", {}))
            while not provider.client.budget.blocked_seconds:  # noqa: ASYNC110 - a budget has no event for tests
                await asyncio.sleep(0.005)
            assert body in str(provider.client.budget.as_dict()["blocked_because"])
            assert await asked == b"[1]"
            assert provider.times[1] - provider.times[0] >= 0.99

    asyncio.run(run())


def test_a_wall_of_html_with_status_403_stops_all_requests_for_a_while():
    error, provider = get((403, b"<html>Request blocked</html>", {}))
    assert "403" in str(error)
    assert provider.client.budget.blocked_seconds > 290


def test_a_provider_that_is_not_there_is_said_to_be_unreachable(monkeypatch):
    async def run():
        client = RestClient(base_url="http://127.0.0.1:1", budget=Budget("nobody", limit=100, seconds=60))
        try:
            with pytest.raises(VenueUnreachable, match="nobody /x: ConnectError"):
                await client.get("/x", {})
        finally:
            await client.close()

    monkeypatch.setattr("streaming.feeds.rest._LONGEST_PAUSE_S", 0.01)
    asyncio.run(run())


def test_the_candles_of_kraken_are_the_closed_ones_in_the_venues_bytes():
    hour = int(time.time()) // 3600 * 3600
    row = '[%d,"1.0","2.0","0.5","1.5","1.2","10.0",7]'
    rows = [row % (hour + shift * 3600) for shift in (-2, -1, 0)]
    body = ('{"error":[],"result":{"XXBTZUSD":[' + ",".join(rows) + '],"last":' + str(hour - 3600) + "}}").encode()

    async def run():
        async with Provider((200, body, {})) as provider:
            feed = Kraken(rest_url=provider.url, socket_url="ws://127.0.0.1:1")
            records = await feed.klines(Instrument(Venue.KRAKEN, "BTC-USD"), count=720)
            await feed.close()
            return records, provider.asked

    records, asked = asyncio.run(run())
    assert [record.value.decode() for record in records] == rows[:2]
    assert [record.first_id for record in records] == [hour // 3600 - 2, hour // 3600 - 1]
    assert asked == ["/0/public/OHLC?pair=BTCUSD&interval=60"]
