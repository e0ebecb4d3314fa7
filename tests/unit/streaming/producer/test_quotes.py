import asyncio
import contextlib

from streaming.feeds.rest import VenueUnreachable
from streaming.producer.quotes import Poller


class Vendor:
    name, interval_s, missing_key, rest = "vendor", 0.05, "", None

    def __init__(self, *answers):
        self.answers, self.times = list(answers), []

    async def poll(self):
        self.times.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        await asyncio.sleep(0.02)
        return answer

    async def close(self):
        pass


class Topic(list):
    async def publish(self, _topic, records):
        self.extend(records)


def poll(vendor, condition):
    async def run():
        topic = Topic()
        poller = Poller(vendor, topic, topic="quotes")
        task = asyncio.create_task(poller.run())
        async with asyncio.timeout(10):
            while not condition(poller, topic):  # noqa: ASYNC110 - what is awaited has no event
                await asyncio.sleep(0.005)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return poller, topic

    return asyncio.run(run())


def test_a_vendor_is_asked_at_its_pace_without_drift():
    vendor = Vendor(["quote"])
    poll(vendor, lambda _, topic: len(topic) == 6)
    assert vendor.times[5] - vendor.times[0] < 6 * 0.05 + 0.04


def test_a_vendor_that_fails_is_seen_and_asked_again():
    vendor, states = Vendor(VenueUnreachable("down"), ["quote"]), []

    def done(poller, topic):
        states.append((poller.state.state, poller.state.error))
        return len(topic) == 1

    poller, _ = poll(vendor, done)
    assert ("failing", "down") in states
    assert (poller.state.state, poller.state.error, poller.state.published) == ("live", "", 1)


def test_a_vendor_without_its_key_says_so_and_is_not_asked():
    vendor = Vendor(["quote"])
    vendor.missing_key = "COINMARKETCAP_API_KEY"
    poller, _ = poll(vendor, lambda poller, _: poller.state.state != "starting")
    assert poller.state.state == "disabled: no COINMARKETCAP_API_KEY"
    assert vendor.times == []
