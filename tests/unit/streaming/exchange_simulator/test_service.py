from dataclasses import fields
from pathlib import Path

import pytest

from streaming.exchange_simulator.faults import KINDS
from streaming.exchange_simulator.recorded import UnknownRecording
from streaming.exchange_simulator.rules import Rules
from streaming.exchange_simulator.service import recorded_markets

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "simulator.md"
LINE = (
    '{receive} {{"stream":"btcusdt@trade","data":{{"e":"trade","s":"BTCUSDT","t":{id},"p":"5.10","q":"2","T":{time},'
    '"m":true}}}}\n'
)


@pytest.mark.parametrize("name", [*KINDS, *(entry.name for entry in fields(Rules))])
def test_the_reference_names_every_fault_and_rule(name):
    assert f"`{name}`" in PAGE.read_text()


def test_recordings_are_played_at_their_own_time_or_from_now_on(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("".join(LINE.format(receive=1, id=7 + i, time=1_000_000 + 500 * i) for i in range(3)))
    own, moved = recorded_markets(f"{file}, {file}@now", now_ms=9_000_000)
    assert own.span_ms == (1_000_000, 1_001_000)
    assert moved.span_ms == (9_000_000, 9_001_000)
    assert own.listing.key == moved.listing.key == "binance:BTC-USDT"
    assert list(own.from_id(8, 5, 2_000_000).ids) == [8, 9]
    assert recorded_markets("", now_ms=0) == []


def test_a_recording_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "other.txt").write_text("nothing")
    with pytest.raises(UnknownRecording, match=r"other\.txt"):
        recorded_markets(str(tmp_path / "other.txt"), now_ms=0)


def test_a_recording_takes_the_place_of_the_seeded_market(simulated, tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("".join(LINE.format(receive=1, id=7 + i, time=1_000_000 + 500 * i) for i in range(3)))

    async def body(simulation):
        rows = await simulation.get("/api/v3/trades", symbol="BTCUSDT")
        assert [(r["id"], r["price"], r["qty"]) for r in rows] == [(i, "5.10000000", "2.00000000") for i in (7, 8, 9)]
        book = await simulation.get("/api/v3/ticker/bookTicker", symbol="BTCUSDT")
        assert float(book["bidPrice"]) <= 5.1 <= float(book["askPrice"])
        assert len(await simulation.get("/api/v3/trades", symbol="ETHUSDT")) == 500

    simulated(body, recorded=recorded_markets(str(file), now_ms=0))
