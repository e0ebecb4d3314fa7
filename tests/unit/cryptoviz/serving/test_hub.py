import asyncio

import pytest

from cryptoviz.serving.events import Channel
from cryptoviz.serving.hub import Hub, Subscriber

A, B = Channel("a"), Channel("b")


@pytest.fixture
def hub():
    return Hub()


def joined(hub, *channels):
    subscriber = Subscriber(channels)
    hub.join(subscriber)
    return subscriber


async def first_batch(subscriber):
    return await asyncio.wait_for(anext(subscriber.batches()), 5)


def test_a_subscriber_hears_its_channels_in_order(hub):
    subscriber = joined(hub, A)
    for number in range(3):
        hub.publish(A, number)
        hub.publish(B, "not for it")
    assert [event.own for event in asyncio.run(first_batch(subscriber))] == [0, 1, 2]


def test_a_slow_subscriber_loses_its_oldest_events_and_nothing_else(hub):
    subscriber = joined(hub, A)
    for number in range(1000):
        hub.publish(A, number)
    events = asyncio.run(first_batch(subscriber))
    assert [event.own for event in events] == list(range(1000 - len(events), 1000))
    assert subscriber.lost == 1000 - len(events)


def test_who_comes_back_gets_what_was_missed(hub):
    joined(hub, A, B)
    for number in range(5):
        hub.publish(A, number)
        hub.publish(B, -number)
    seen = hub.since("", [A])
    assert seen is None
    last = f"{hub.epoch}-4"
    assert [event.own for event in hub.since(last, [A])] == [2, 3, 4]


def test_an_id_of_another_process_is_not_known(hub):
    joined(hub, A)
    hub.publish(A, 1)
    assert Hub().since(f"{hub.epoch}-1", [A]) is None
    assert hub.since("nonsense", [A]) is None
    assert hub.since(f"{hub.epoch}-one", [A]) is None


def test_an_id_that_is_too_old_is_not_known(hub):
    joined(hub, A)
    for number in range(5000):
        hub.publish(A, number)
    assert hub.since(f"{hub.epoch}-3", [A]) is None
    assert hub.since(f"{hub.epoch}-4999", [A]) is not None


def test_nobody_is_kept_after_leaving(hub):
    subscriber = joined(hub, A)
    hub.leave(subscriber)
    assert hub.channels() == []
    assert not hub.subscribers


def test_an_event_is_a_server_sent_event_of_one_line_of_data(hub):
    event = hub.event(A, {"text": "two\nlines"})
    lines = event.sse.decode().split("\n")
    assert lines[0] == f"id: {hub.epoch}-1"
    assert lines[1:] == ["event: a", 'data: {"text":"two\\nlines"}', "", ""]
