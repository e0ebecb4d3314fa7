"""Frames on their way to a client, with what faults do to them: lost, doubled, broken, held back, late."""

import heapq

from streaming.exchange_simulator.faults import Fault, Faults
from streaming.exchange_simulator.streams import Frame

_GARBAGE = ("{}", "null", "[1,2", "\x00", "<html>", '{"stream":1,"data":"NaN"}')


class Outbox:
    """Frames of one connection and when each is due, in seconds of the faults' clock."""

    def __init__(self, faults: Faults, venue: str) -> None:
        self._faults, self._venue = faults, venue
        self._waiting: list[tuple[float, int, str]] = []
        self._ready: list[str] = []
        self._number = 0

    def put(self, frames: list[Frame], now: float) -> None:
        """Take frames, as many as faults let through."""
        if not self._faults.any_active and not self._waiting:
            self._ready += [frame.text for frame in frames]
            return
        delay = self._faults.active("delay", self._venue)
        late = delay.amount if delay else 0.0
        for frame in frames:
            self._put(frame, now + late)

    def due(self, now: float) -> list[str]:
        """Texts to send now, in order."""
        texts, self._ready = self._ready, []
        while self._waiting and self._waiting[0][0] <= now:
            texts.append(heapq.heappop(self._waiting)[2])
        return texts

    def _put(self, frame: Frame, due: float) -> None:
        if self._strikes("drop", frame):
            return
        text = self._broken(frame) if self._strikes("garbage", frame) else frame.text
        held = self._strikes("reorder", frame)
        self._add(text, due + (held.amount if held else 0.0))
        if self._strikes("repeat", frame):
            self._add(text, due)

    def _strikes(self, kind: str, frame: Frame) -> Fault | None:
        return self._faults.strikes(kind, self._venue, frame.symbol, (frame.first_id, frame.last_id))

    def _broken(self, frame: Frame) -> str:
        choice = self._faults.choose(len(_GARBAGE) + 1)
        return _GARBAGE[choice] if choice < len(_GARBAGE) else frame.text[: len(frame.text) // 2]

    def _add(self, text: str, due: float) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (due, self._number, text))
