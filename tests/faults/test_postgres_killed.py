"""PostgreSQL killed in the middle of loads: every hour is the old one or the new one, and the ledger says which."""

import itertools
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import polars as pl
import psycopg
import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Type
from cryptoviz.storage.frames import empty
from cryptoviz.storage.partition_files import PartitionState
from cryptoviz.warehouse.load import load_partition
from cryptoviz.warehouse.publications import BY_NAME
from cryptoviz.warehouse.server import Role

pytestmark = pytest.mark.slow

KILLS, FULL_KILLS = 20, 100
HOURS = [Hour(datetime(2026, 5, 1, tzinfo=UTC)).next(n) for n in range(4)]
SYMBOLS = [f"{base}-USDT" for base in ("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOT")]
ROWS = 60 * len(SYMBOLS)
_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal(1)}


def version_of_hour(hour: Hour, number: int) -> pl.DataFrame:
    """All candles of an hour, closing at the number of the version."""
    filled = {c.name: None if c.nullable else _FILLED.get(c.type) for c in OHLC_1M.columns}
    rows = [
        {
            **filled,
            "symbol": symbol,
            "window_start": hour.start + timedelta(minutes=n),
            "window_end": hour.start + timedelta(minutes=n + 1),
            "close": Decimal(number),
        }
        for symbol, n in itertools.product(SYMBOLS, range(60))
    ]
    return pl.DataFrame(rows, schema=empty(OHLC_1M).schema)


class Loader(threading.Thread):
    """Loads version after version of every hour; a load that lost its server is made again, as a run would be."""

    def __init__(self, postgres) -> None:
        super().__init__(daemon=True)
        self._postgres = postgres
        self.stopped, self.loading = threading.Event(), threading.Event()
        self.loads = self.interrupted = 0

    def run(self) -> None:
        for number in itertools.count(1):
            for hour in HOURS:
                self._load(hour, number)
                if self.stopped.is_set():
                    return

    def is_past(self, loads: int) -> bool:
        """Whether it is in a load after so many."""
        return self.loads > loads and self.loading.is_set()

    def _load(self, hour: Hour, number: int) -> None:
        state = PartitionState(table_id="t", lake_version=number, digest=str(number))
        rows = version_of_hour(hour, number)
        while not self.stopped.is_set():
            try:
                with self._postgres.connect(Role.LOADER) as connection:
                    self.loading.set()
                    load_partition(connection, BY_NAME["ohlc_1m"], hour, state, rows)
                    self.loading.clear()
            except psycopg.OperationalError:
                self.interrupted += self.loading.is_set()
                self.loading.clear()
                time.sleep(0.01)
            else:
                self.loads += 1
                return


def mixed_hours(postgres) -> list[str]:
    """What contradicts itself: rows, facts and ledger of each hour must tell the same version."""
    problems = []
    with postgres.connect() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for hour in HOURS:
            rows, facts = (
                connection.execute(
                    f"SELECT close, count(*) FROM {table} WHERE {time} >= %s AND {time} < %s GROUP BY 1",
                    [hour.start, hour.end],
                ).fetchall()
                for table, time in (("crypto.ohlc_1m", "window_start"), ("crypto_bi.fact_ohlc_1m", "time_utc"))
            )
            said = connection.execute(
                "SELECT digest::numeric, row_count FROM crypto_load.partitions WHERE partition = %s", [hour.key]
            ).fetchall()
            if not rows == facts == said or (rows and rows[0][1] != ROWS):
                problems.append(f"{hour.key}: rows {rows}, facts {facts}, ledger {said}")
    return problems


def test_every_hour_is_old_or_new_however_often_postgres_is_killed(own_postgres, is_full, wait_for):
    dice = random.Random(7)
    own_postgres.start()
    own_postgres.create_relations()
    loader = Loader(own_postgres)
    loader.start()
    kills = answered = 0
    while kills < (FULL_KILLS if is_full else KILLS):
        wait_for(partial(loader.is_past, answered), timeout_s=60, what="the next load")
        time.sleep(dice.uniform(0, 0.06))
        if not loader.loading.is_set():
            continue
        own_postgres.kill()
        kills, answered = kills + 1, loader.loads
        own_postgres.restart()
        assert mixed_hours(own_postgres) == []
    loader.stopped.set()
    loader.join(timeout=60)
    print(f"{kills} kills, {loader.interrupted} of them during a load, {loader.loads} loads answered")
    assert loader.interrupted >= kills // 2
    assert loader.loads >= kills
