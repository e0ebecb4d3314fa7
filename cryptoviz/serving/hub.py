"""Who hears what: subscribers with bounded queues, the last events for those who come back, each event made once."""

import asyncio
import itertools
import secrets
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

from cryptoviz.serving.events import Channel, Event

_QUEUE = 256
_KEPT = 4000


class Subscriber:
    """One client. A slow one loses its oldest events, never its connection; ``lost`` counts them."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self.channels = set(channels)
        self.lost = 0
        self._queue: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        """Hand over an event."""
        if len(self._queue) >= _QUEUE:
            self._queue.popleft()
            self.lost += 1
        self._queue.append(event)
        self._wake.set()

    def close(self) -> None:
        """Let the iteration end."""
        self._closed = True
        self._wake.set()

    async def batches(self) -> AsyncIterator[list[Event]]:
        """Events as they come, those waiting together in one list."""
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            events = list(self._queue)
            self._queue.clear()
            if events:
                yield events


class Hub:
    """Channels and their subscribers. Used from one event loop only."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._members: defaultdict[Channel, set[Subscriber]] = defaultdict(set)
        self._kept: deque[Event] = deque(maxlen=_KEPT)
        self.subscribers: set[Subscriber] = set()

    def channels(self) -> list[Channel]:
        """Channels somebody listens to."""
        return list(self._members)

    def join(self, subscriber: Subscriber) -> None:
        """Begin to hand over events of its channels."""
        self.subscribers.add(subscriber)
        for channel in subscriber.channels:
            self._members[channel].add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self.subscribers.discard(subscriber)
        for channel in subscriber.channels:
            members = self._members.get(channel, set())
            members.discard(subscriber)
            if not members:
                self._members.pop(channel, None)

    def change(self, subscriber: Subscriber, channels: Iterable[Channel]) -> None:
        """Give a subscriber other channels."""
        self.leave(subscriber)
        subscriber.channels = set(channels)
        self.join(subscriber)

    def event(self, channel: Channel, own: Any, binance: Any = None) -> Event:
        """The next event."""
        return Event(channel, self.epoch, next(self._numbers), own, binance)

    def publish(self, channel: Channel, own: Any, binance: Any = None) -> None:
        """Tell a channel's subscribers; nothing happens when there are none."""
        members = self._members.get(channel)
        if not members:
            return
        event = self.event(channel, own, binance)
        self._kept.append(event)
        for subscriber in members:
            subscriber.put(event)

    def since(self, last_id: str, channels: Iterable[Channel]) -> list[Event] | None:
        """Events of these channels after the one with this id; None when it is not remembered."""
        epoch, _, number = last_id.partition("-")
        if epoch != self.epoch or not number.isdecimal() or not self._kept:
            return None
        last, wanted = int(number), set(channels)
        if last < self._kept[0].sequence - 1:
            return None
        return [event for event in self._kept if event.sequence > last and event.channel in wanted]

    def close(self) -> None:
        """End every subscriber's iteration."""
        for subscriber in list(self.subscribers):
            subscriber.close()
