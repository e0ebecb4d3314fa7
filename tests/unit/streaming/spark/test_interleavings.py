"""Any interleaving of live, repair, history and restarts gives the same clean table.

The producer's continuity decides what is published, restarts read their position from the topic, and the clean query's
own task judges the topic in batches of any size, some of them twice, as after a crash before the commit.
"""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.id_set import IdSet
from cryptoviz.lake.ledger import signed
from cryptoviz.lake.locations import Location
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.tables import TRADES
from cryptoviz.lake.topics import Source
from cryptoviz.storage.objects import Objects
from streaming.feeds.continuity import Continuity
from streaming.feeds.record import Record
from streaming.spark.clean_task import Kind, clean_topic
from streaming.spark.judge_trades import judge_trades

BTC = Instrument(Venue.BINANCE, "BTC-USDT")
FIRST = Hour(datetime(2026, 1, 1, tzinfo=UTC))
BEGIN = datetime(2026, 11, 20, 8, 59, 58, tzinfo=UTC)
SAID = ["trade_id", "last_trade_id", "event_time", "price", "quantity", "quote_quantity", "side"]


class Market:
    """What was traded, in ranges of ids (of one id, but for aggregates), as socket and REST say it."""

    def __init__(self, sizes, *, is_aggregated):
        firsts = [1 + sum(sizes[:n]) for n in range(len(sizes))]
        self.spans = [(first, first + size - 1) for first, size in zip(firsts, sizes, strict=True)]
        self.is_aggregated = is_aggregated

    def record(self, span, source):
        """A trade as a source brings it; its price and time follow from its id."""
        is_live = source is Source.WS
        kind = "aggTrade" if self.is_aggregated else "trade"
        value = json.dumps(self._said(span, is_live=is_live)).encode()
        return Record(
            instrument=BTC, first_id=span[0], last_id=span[1], time_us=0, value=value,
            schema=f"binance.{'ws' if is_live else 'rest'}.{kind}", source=source, connection="", received_ns=1,
        )  # fmt: skip

    def page(self, first_id, count, source):
        return [self.record(span, source) for span in self.spans if span[0] >= first_id][:count]

    def _said(self, span, *, is_live):
        at = int((BEGIN + timedelta(milliseconds=137 * span[0])).timestamp() * 1000)
        price, quantity, is_sold = f"{100 + span[0] % 7}.50", str(span[1] - span[0] + 1), span[0] % 3 == 0
        if self.is_aggregated:
            symbol = {"s": "BTCUSDT"} if is_live else {}
            return {
                "a": span[0],
                "p": price,
                "q": quantity,
                "f": span[0],
                "l": span[1],
                "T": at,
                "m": is_sold,
                **symbol,
            }
        if is_live:
            return {"e": "trade", "s": "BTCUSDT", "t": span[0], "p": price, "q": quantity, "T": at, "m": is_sold}
        return {"id": span[0], "price": price, "qty": quantity, "time": at, "isBuyerMaker": is_sold}


def publish(market, dice, lives):
    """The topic after some lives of the producer; only the last one lives until all is whole."""
    topic = []
    for life in range(lives):
        last = max((record.last_id for record in topic if record.source != Source.HISTORY), default=0)
        state = Continuity(next_id=last + 1, max_waiting=dice.randint(2, 20))
        for _ in range(dice.randint(5, 40)):
            topic += happen(market, dice, state, topic)
        if life == lives - 1:
            topic += state.offer(market.record(market.spans[-1], Source.WS))
            while hole := state.missing():
                topic += state.fill(market.page(hole[0], dice.randint(1, 9), Source.REPAIR))
    return topic


def happen(market, dice, state, topic):
    """One thing that happens, and what it brings to the topic."""
    match dice.choice(("live", "live", "live", "flood", "repair", "history", "again")):
        case "live":
            return state.offer(market.record(dice.choice(market.spans), Source.WS))
        case "flood":
            state.hear(market.record(dice.choice(market.spans), Source.WS))
            return []
        case "repair":
            return state.fill(market.page(state.next_id, dice.randint(1, 9), Source.REPAIR))
        case "history":
            return market.page(dice.choice(market.spans)[0], dice.randint(1, 9), Source.HISTORY)
        case _:
            # A producer that dies before Kafka's answer sends its last records again, in their order.
            return [record for record in topic[-dice.randint(1, 5) :] if record.source != Source.HISTORY]


def clean(topic, dice, folder):
    """The clean table that batches of any size make of a topic, and how many records it refused."""
    objects, kind = Objects(Location(uri=str(folder))), Kind(table=TRADES, judge=judge_trades)
    seen, files, refused, at = {}, [], 0, 0
    while at < len(topic):
        count = dice.randint(1, len(topic) - at)
        for _ in range(dice.choice((1, 1, 2))):
            # Only the last try is committed: what an earlier one wrote, nobody knows of.
            report = clean_topic("trades", arrow(topic, at, count), kind, objects, seen, FIRST)
        files += [file for file in report.files if file.table == "trades"]
        refused += report.refused
        seen = {key: seen.get(key, IdSet()).union(found) for key, found in report.ids.items()} or seen
        at += count
    rows = pl.concat([pl.read_parquet(folder / "trades" / file.path, hive_partitioning=False) for file in files])
    return rows.select(SAID).sort("trade_id"), refused


def arrow(topic, at, count):
    records = topic[at : at + count]
    values = [record.value for record in records]
    return pa.table({
        "topic": ["trades"] * count, "partition": pa.array([0] * count, pa.int32()),
        "offset": pa.array(range(at, at + count), pa.int64()),
        "kafka_time": pa.array([BEGIN + timedelta(hours=1)] * count, pa.timestamp("us", "UTC")),
        "key": pa.array([BTC.key] * count, pa.string()), "schema": [record.schema for record in records],
        "source": [str(record.source) for record in records],
        "received_time": pa.array([BEGIN] * count, pa.timestamp("us", "UTC")), "connection": ["1"] * count,
        "value": pa.array(values, pa.binary()),
        "row_hash": pa.array([signed(xxhash.xxh64_intdigest(v, seed=42)) for v in values], pa.int64()),
    })  # fmt: skip


@pytest.mark.parametrize("is_aggregated", [False, True], ids=["trades", "aggregates"])
@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=40), dice=st.randoms(use_true_random=False),
       lives=st.integers(1, 4))  # fmt: skip
def test_any_interleaving_gives_the_same_clean_table(is_aggregated, sizes, dice, lives):
    market = Market(sizes if is_aggregated else [1] * len(sizes), is_aggregated=is_aggregated)
    with tempfile.TemporaryDirectory() as folder:
        table, refused = clean(publish(market, dice, lives), dice, Path(folder) / "any")
        straight = [market.record(span, Source.WS) for span in market.spans]
        expected, _ = clean(straight, dice, Path(folder) / "straight")
    assert refused == 0
    assert table.equals(expected)
    assert list(table.select("trade_id", "last_trade_id").iter_rows()) == market.spans
