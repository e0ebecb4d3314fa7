"""Kafka to lake under load: lag at a sustained rate, drain of a backlog, CPU and bytes a row, beside a bare loop.

``./run bench stream`` (``--seconds``, ``--rate``, ``--backlog`` to shorten). Starts Kafka and MinIO in its own home,
generates trades of 39 markets, runs the Spark service and, after it, a loop of confluent-kafka and Polars without
de-duplication, ledger or recovery over the same backlog.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from cryptoviz.lake.ledger import CommitEntry
from cryptoviz.lake.tables import QUARANTINE, RAW_TRADES, TRADES
from cryptoviz.lake.topics import Headers
from cryptoviz.settings import Settings, load_settings
from cryptoviz.stack.jars import SPARK_KAFKA, ensure_jars
from cryptoviz.stack.java import find_java, shim_home
from cryptoviz.storage.frames import open_table, scan
from cryptoviz.storage.objects import Objects

CHECKOUT = Path(__file__).parents[1]
_BASES = ("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "LTC", "DOT", "TRX")
_QUOTES = ("USDT", "USDC", "EUR", "BTC")
_MARKETS = [f"{base}-{quote}" for base in _BASES for quote in _QUOTES if base != quote]
_OFFSET = 21_000
_FLOOR = pl.Struct({"s": pl.String, "t": pl.Int64, "p": pl.String, "q": pl.String, "T": pl.Int64, "m": pl.Boolean})


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=20_000, help="trades a second")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--backlog", type=int, default=4_000_000)
    parser.add_argument("--picture", type=Path, default=Path("stream.png"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cryptoviz-bench-") as folder:
        _run(Path(folder), options)


def _run(home: Path, options: argparse.Namespace) -> None:
    environment = {**os.environ, "CRYPTOVIZ_HOME": str(home), "CRYPTOVIZ_PORT_OFFSET": str(_OFFSET)}
    up = [sys.executable, "-m", "cryptoviz.cli.main"]
    launcher = subprocess.Popen(
        [sys.executable, "-m", "cryptoviz.stack", str(home), "live", "kafka", "minio"], cwd=CHECKOUT, env=environment
    )
    try:
        _wait(lambda: (home / "stack.env").exists() and _kafka_ready(home), 900)
        settings = load_settings(home=home)
        generator = _Generator(settings)
        generator.send(options.backlog, rate=0)
        spark = _Spark(home, settings)
        drain = spark.drain(options.backlog)
        spark.mark()
        generator.send(options.rate * options.seconds, rate=options.rate)
        total = options.backlog + options.rate * options.seconds
        _wait(lambda: _rows(settings) >= total, 120)
        steady = spark.since_mark(options.rate * options.seconds)
        spark.stop()
        bare = _bare_loop(settings, options.backlog)
        _print(settings, options, drain, steady, bare, total)
    finally:
        subprocess.run([*up, "down"], cwd=CHECKOUT, env=environment, check=False)
        launcher.wait(60)


class _Generator:
    """Trades of many markets, numbered without a hole, as fast as asked."""

    def __init__(self, settings: Settings) -> None:
        config = {"bootstrap.servers": settings.bootstrap, "enable.idempotence": True, "linger.ms": 20}
        self._producer = Producer({**config, "compression.type": "lz4", "queue.buffering.max.messages": 500_000})
        self._next = dict.fromkeys(_MARKETS, 1)

    def send(self, count: int, *, rate: int) -> None:
        """Send so many trades; a rate of 0 is as fast as Kafka takes them."""
        began = time.monotonic()
        headers = Headers(schema="binance.ws.trade", source="ws", received_ns=time.time_ns(), connection="b").encode()
        for number in range(count):
            self._one(_MARKETS[number % len(_MARKETS)], headers)
            if rate and number % 200 == 0:
                ahead = number / rate - (time.monotonic() - began)
                self._producer.poll(max(0.0, ahead))
            elif number % 1000 == 0:
                self._producer.poll(0)
        self._producer.flush()

    def _one(self, market: str, headers: list[tuple[str, str | bytes | None]]) -> None:
        number = self._next[market]
        self._next[market] = number + 1
        now = time.time_ns() // 1_000_000
        price, quantity = f"{60000 + number % 997}.{number % 100:02d}000000", f"0.{number % 99991:05d}100"
        value = (
            f'{{"e":"trade","E":{now},"s":"{market.replace("-", "")}","t":{number},"p":"{price}","q":"{quantity}",'
            f'"T":{now},"m":{"true" if number & 1 else "false"},"M":true}}'
        )
        while True:
            try:
                self._producer.produce("trades", key=f"binance:{market}", value=value, headers=headers)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return


class _Spark:
    """The Spark service as a process whose CPU is counted with all its children."""

    def __init__(self, home: Path, settings: Settings) -> None:
        cache = settings.cache.expanduser()
        java = find_java(cache)
        jars = ",".join(map(str, ensure_jars(SPARK_KAFKA, cache=cache, java=java)))
        values = dict(line.split("=", 1) for line in (home / "stack.env").read_text().splitlines() if "=" in line)
        environment = {**os.environ, "CRYPTOVIZ_HOME": str(home), **values, "CRYPTOVIZ_SPARK_JARS": jars}
        self._settings, self._marked = settings, (0.0, 0.0)
        with (home / "spark.out").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streaming", "lake"],
                cwd=CHECKOUT, env={**environment, "JAVA_HOME": str(shim_home(java, cache))}, stdout=log, stderr=log,
            )  # fmt: skip

    def drain(self, count: int) -> dict[str, float]:
        """Time and CPU from the first commit to the last of a backlog, without the start."""
        _wait(lambda: _rows(self._settings) > 0, 200)
        first, cpu, began = _rows(self._settings), self._cpu(), time.monotonic()
        _wait(lambda: _rows(self._settings) >= count, 600)
        rows, seconds = count - first, time.monotonic() - began
        return {"rows_s": rows / seconds, "cpu_s_million": (self._cpu() - cpu) / rows * 1e6}

    def mark(self) -> None:
        """Begin to count."""
        self._marked = (time.monotonic(), self._cpu())

    def since_mark(self, rows: int) -> dict[str, float]:
        """Cores and CPU a row since the mark."""
        seconds, cpu = time.monotonic() - self._marked[0], self._cpu() - self._marked[1]
        tree = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        memory = sum(p.memory_info().rss for p in tree) / 1e6
        return {"cores": cpu / seconds, "cpu_s_million": cpu / rows * 1e6, "memory_mb": memory}

    def stop(self) -> None:
        """End it as the launcher would."""
        self._process.terminate()
        self._process.wait(60)

    def _cpu(self) -> float:
        root = psutil.Process(self._process.pid)
        times = [p.cpu_times() for p in [root, *root.children(recursive=True)]]
        return float(sum(t.user + t.system for t in times))


def _bare_loop(settings: Settings, count: int) -> dict[str, float]:
    """The floor: read, parse with Polars, write zstd Parquet. No ids, no ledger, no refusals, no recovery."""
    objects, began, cpu, rows = Objects(settings.lake), time.monotonic(), time.process_time(), 0
    for number, values in enumerate(_batches(settings, count)):
        frame = pl.DataFrame({"v": values}).select(
            pl.col("v").cast(pl.String).str.json_decode(
                _FLOOR
            )
        ).unnest("v").with_columns(pl.col("p", "q").cast(pl.Decimal(38, 18)))  # fmt: skip
        sink = Path(tempfile.gettempdir()) / "cryptoviz-bare.parquet"
        frame.write_parquet(sink, compression="zstd", compression_level=1)
        objects.put(f"bare/{number}.parquet", sink.read_bytes())
        rows += frame.height
    return {"rows_s": rows / (time.monotonic() - began), "cpu_s_million": (time.process_time() - cpu) / rows * 1e6}


def _batches(settings: Settings, count: int) -> Iterator[list[bytes]]:
    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": "bare", "enable.auto.commit": False})
    partitions = consumer.list_topics("trades", timeout=20).topics["trades"].partitions
    consumer.assign([TopicPartition("trades", p, 0) for p in partitions])
    read, held = 0, list[bytes]()
    while read < count:
        messages = consumer.consume(50_000, timeout=5)
        held += [m.value() or b"" for m in messages]
        read += len(messages)
        if len(held) >= 150_000 or read >= count:
            yield held
            held = []
    consumer.close()


def _lags(settings: Settings, after_rows: int) -> pl.DataFrame:
    """Seconds from each record's Kafka timestamp to the commit that made it visible, for raw and clean."""
    raw = scan(RAW_TRADES, settings.lake).select("partition", "offset", "kafka_time").collect().sort("offset")
    found = []
    for table in (RAW_TRADES, TRADES):
        rows = []
        for commit in open_table(table, settings.lake).history():
            entry = CommitEntry.decode(commit)
            rows += [(r.partition, r.start, commit["timestamp"]) for r in (entry.ranges if entry else [])]
        schema = {"partition": pl.Int32, "offset": pl.Int64, "ms": pl.Int64}
        commits = pl.DataFrame(rows, schema=schema, orient="row").sort("offset")
        lag = (pl.col("ms") - pl.col("kafka_time").dt.timestamp("ms")) / 1000
        joined = raw.join_asof(commits, on="offset", by="partition", strategy="backward", check_sortedness=False)
        joined = joined.with_columns(lag=lag)
        newest = joined.sort("kafka_time").tail(joined.height - after_rows)
        found.append(newest.select(pl.lit(table.name).alias("table"), "kafka_time", "lag"))
    return pl.concat(found)


def _print(settings: Settings, options: argparse.Namespace, drain: dict[str, float], steady: dict[str, float],
           bare: dict[str, float], total: int) -> None:  # fmt: skip
    lags = _lags(settings, options.backlog)
    actions = pl.DataFrame(open_table(TRADES, settings.lake).get_add_actions(flatten=True))
    size = float(actions["size_bytes"].sum()) / float(actions["num_records"].sum())
    refused = pl.DataFrame(open_table(QUARANTINE, settings.lake).get_add_actions(flatten=True)).height
    print(f"{os.cpu_count()} cores, {options.rate} trades/s for {options.seconds} s, backlog {options.backlog}")
    print(f"lost {total - _rows(settings)}, files of quarantine {refused}")
    print(f"clean {size:.1f} B/row in {actions.height} files")
    for (table,), mine in lags.group_by("table", maintain_order=True):
        p50, p99, top = (mine["lag"].quantile(q) for q in (0.5, 0.99, 1.0))
        print(f"lag of {table:12} p50 {p50:.2f} s  p99 {p99:.2f} s  max {top:.2f} s")
    print(f"steady: {steady['cores']:.2f} cores, {steady['cpu_s_million']:.1f} CPU s/M, {steady['memory_mb']:.0f} MB")
    print(f"{'drain of the backlog':32} {'rows/s':>9} {'CPU s/M':>8}")
    print(f"{'Spark, raw and clean, exactly once':34} {drain['rows_s']:7.0f} {drain['cpu_s_million']:8.1f}")
    print(f"{'bare confluent-kafka and Polars':34} {bare['rows_s']:7.0f} {bare['cpu_s_million']:8.1f}")
    _picture(lags, options.picture)


def _picture(lags: pl.DataFrame, path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.add_subplot()
    for (table,), mine in lags.group_by("table", maintain_order=True):
        worst = mine.group_by(pl.col("kafka_time").dt.truncate("1s")).agg(pl.col("lag").max()).sort("kafka_time")
        axes.plot(worst["kafka_time"].to_list(), worst["lag"].to_list(), label=str(table))
    axes.set_ylabel("lag to visible commit, s")
    axes.legend()
    figure.savefig(path, dpi=110)


def _rows(settings: Settings) -> int:
    try:
        table = open_table(TRADES, settings.lake)
    except LookupError:
        return 0
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    return int(actions["num_records"].sum()) if actions.height else 0


def _kafka_ready(home: Path) -> bool:
    command = [sys.executable, "-m", "cryptoviz.cli.main", "status", "--json"]
    environment = {**os.environ, "CRYPTOVIZ_HOME": str(home)}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    services = json.loads(done.stdout or "{}").get("services", [])
    ready = {s["name"] for s in services if s["state"] == "ready"}
    return {"kafka", "minio"} <= ready


def _wait(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            sys.exit(f"not reached within {seconds} s")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
