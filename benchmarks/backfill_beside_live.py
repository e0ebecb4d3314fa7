"""What a backfill costs those who watch live: lags side by side, without one and beside one, on a whole small stack.

``./run bench backfill_beside_live [--seconds 75] [--days 4]`` starts a stack of its own (Kafka, simulator, producer,
Spark, Dagster; a lake in a directory) and measures for so many seconds twice, the second time while trades of many
past days are being fetched, judged and folded. Two lags: of each live trade, from the venue's clock to the commit that
shows it; and of an hour, from the instant its candles are due to its hourly candle. Hours do not end every few
seconds, so the latter is of single trades put into past hours that are still empty: newer than all of the backfill, as
a just ended hour is. They are due when they have settled; a just ended one is due at once.
"""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from confluent_kafka import Producer

from benchmarks.inputs.small_stack import small_stack, wait_until
from cryptoviz.inspect.history import order
from cryptoviz.lake.candle_tables import OHLC_1H
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.ledger import CommitEntry
from cryptoviz.lake.tables import TRADES
from cryptoviz.lake.topics import Headers, Source
from cryptoviz.settings import Settings
from cryptoviz.storage.frames import open_table, scan
from cryptoviz.storage.hour_index import HourIndex
from cryptoviz.storage.objects import Objects
from cryptoviz_dagster.publishing import SPAN
from cryptoviz_dagster.staleness import Patience

_SERVICES = ("kafka", "exchange", "producer", "spark", "dagster-code", "dagster-webserver", "dagster-daemon")
_MARKETS = ("binance:BTC-USDT", "binance:ETH-USDT", "binance:SOL-USDT")
_BETWEEN_SAMPLES_S = 6.0
_LONGEST_S = 120
_HOURS_A_YEAR = 8_766
_SETTLING = Patience(refresh=timedelta(minutes=2)).settle
_YOUNGEST, _SAMPLES_LIMIT = 3, 40
"""Hours back from now of the newest sample, and how many there may be; the backfill ends a day before the oldest."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of time and the seconds from due to candle of the hours sampled in it."""

    name: str
    begin: datetime
    end: datetime
    hours: Sequence[float]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=90, help="of each of the two measurements")
    parser.add_argument("--days", type=int, default=4, help="of history that are asked for")
    parser.add_argument("--rate", type=float, default=2.0, help="multiplier of the simulator's trade rate")
    options = parser.parse_args()
    newest = Hour.containing(datetime.now(UTC)).next(-_YOUNGEST)
    last = newest.next(-_SAMPLES_LIMIT - 24)
    first = last.next(-24 * options.days)
    with small_stack("demo", *_SERVICES, **_environment(first, options.rate)) as settings:
        samples = _Samples(settings, newest)
        _settle(settings)
        alone = samples.phase("live alone", options.seconds)
        for market in _MARKETS:
            order(settings, kind="trades", market=market, first=first.start, last=last.start)
        wait_until(lambda: _newest_history(settings) is not None, 60)
        beside = samples.phase("beside a backfill", options.seconds)
        _print(settings, [alone, beside], options.rate)


def _environment(first: Hour, rate: float) -> dict[str, str]:
    return {
        "CRYPTOVIZ_STORE": "local", "CRYPTOVIZ_START": f"{first.start:%Y-%m-%dT%H:00}",
        "CRYPTOVIZ_EXCHANGE_RATE": str(rate), "CRYPTOVIZ_INSTRUMENTS": ",".join(_MARKETS),
        "CRYPTOVIZ_BACKFILL_TRADES": "5m", "CRYPTOVIZ_BACKFILL_KLINES": "48",
    }  # fmt: skip


class _Samples:
    """Trades put into past hours, each an hour older than the one before."""

    def __init__(self, settings: Settings, newest: Hour) -> None:
        self._settings, self._hour = settings, newest
        self._index = HourIndex(Objects(settings.lake), TRADES.name)
        self._left = _SAMPLES_LIMIT

    def phase(self, name: str, seconds: float) -> Phase:
        """Sample for so long, then wait for the candles of the last ones."""
        begin, hours = datetime.now(UTC), list[Hour]()
        while self._left and datetime.now(UTC) < begin + timedelta(seconds=seconds):
            hours.append(self._publish())
            time.sleep(_BETWEEN_SAMPLES_S)
        end = datetime.now(UTC)
        wait_until(lambda: _folded_at(self._settings).keys() >= set(hours), _LONGEST_S)
        due, folded = self._index.read(), _folded_at(self._settings)
        return Phase(name, begin, end, [folded[hour] - (due[hour].changed + _SETTLING).timestamp() for hour in hours])

    def _publish(self) -> Hour:
        hour, self._hour, self._left = self._hour, self._hour.next(-1), self._left - 1
        at = int(hour.start.timestamp() * 1000) + 1000
        value = f'{{"e":"trade","E":{at},"s":"LTCUSDT","t":{hour.number},"p":"80.5","q":"1","T":{at},"m":true}}'
        headers = Headers(schema="binance.ws.trade", source="replay", received_ns=time.time_ns(), connection="bench")
        producer = Producer({"bootstrap.servers": self._settings.bootstrap})
        producer.produce(self._settings.topic_trades, key="binance:LTC-USDT", value=value, headers=headers.encode())
        producer.flush()
        return hour


def _folded_at(settings: Settings) -> dict[Hour, float]:
    """When each hour had its first hourly candle."""
    try:
        commits = open_table(OHLC_1H, settings.lake).history()
    except LookupError:
        return {}
    # The newest commit comes first.
    return {Hour.from_key(c[SPAN]): c["timestamp"] / 1000 for c in commits if SPAN in c}


def _settle(settings: Settings) -> None:
    """Until the hour in progress has its first candles, and a while."""
    wait_until(lambda: Hour.containing(datetime.now(UTC)) in _folded_at(settings), 90)
    time.sleep(5)


def _newest_history(settings: Settings) -> datetime | None:
    rows = scan(TRADES, settings.lake).filter(pl.col("source") == Source.HISTORY).select(pl.col("event_time").max())
    return rows.collect().item()  # type: ignore[no-any-return]


def _trade_lags(settings: Settings, phase: Phase) -> pl.Series:
    """Seconds from the venue's time of each live trade of a phase to the commit that made it visible."""
    rows = scan(TRADES, settings.lake).filter(
        pl.col("source") == Source.WS, pl.col("event_time").is_between(phase.begin, phase.end)
    )
    found = rows.select("partition", "offset", "event_time").collect().sort("offset")
    commits = []
    for commit in open_table(TRADES, settings.lake).history():
        entry = CommitEntry.decode(commit)
        commits += [(r.partition, r.start, commit["timestamp"]) for r in (entry.ranges if entry else [])]
    schema = {"partition": pl.Int32, "offset": pl.Int64, "ms": pl.Int64}
    table = pl.DataFrame(commits, schema=schema, orient="row").sort("offset")
    joined = found.join_asof(table, on="offset", by="partition", strategy="backward", check_sortedness=False)
    return joined.select((pl.col("ms") - pl.col("event_time").dt.timestamp("ms")) / 1000).to_series()


def _print(settings: Settings, phases: Sequence[Phase], rate: float) -> None:
    print(f"{os.cpu_count()} cores, {len(_MARKETS)} markets at {rate:g} times the simulator's rate")
    print(f"{'':18} | trades | lag p50 | p99   | hours | due to candle p50 | p99")
    for phase in phases:
        lags, hours = _trade_lags(settings, phase), np.array(phase.hours)
        trades = f"{len(lags):6} | {lags.quantile(0.5):5.1f} s | {lags.quantile(0.99):4.1f} s"
        ended = f"{len(hours):5} | {np.quantile(hours, 0.5):15.1f} s | {np.quantile(hours, 0.99):4.1f} s"
        print(f"{phase.name:18} | {trades} | {ended}")
    beside = phases[-1]
    folds = [
        commit[SPAN]
        for commit in open_table(OHLC_1H, settings.lake).history()
        if SPAN in commit and beside.begin.timestamp() <= commit["timestamp"] / 1000 <= beside.end.timestamp()
    ]
    oldest_sample = Hour.containing(beside.end).next(-_YOUNGEST - _SAMPLES_LIMIT)
    past = [key for key in folds if Hour.from_key(key) < oldest_sample]
    history = scan(TRADES, settings.lake).filter(
        pl.col("source") == Source.HISTORY, pl.col("kafka_time").is_between(beside.begin, beside.end)
    )
    rows = int(history.select(pl.len()).collect().item())
    minutes = (beside.end - beside.begin).total_seconds() / 60
    a_minute = len(set(past)) / minutes
    print(f"beside live: {rows / minutes:,.0f} trades of the past a minute into the lake; {len(set(past))} past hours")
    print(f"folded, {len(past)} times in all: {a_minute:.1f} hours a minute")
    if a_minute:
        print(f"extrapolated, not measured: a year of these markets in {_HOURS_A_YEAR / a_minute / 60:.0f} h")


if __name__ == "__main__":
    main()
