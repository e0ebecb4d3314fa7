"""What ``cryptoviz doctor`` asks of the parts that run: broker, lake, freshness, Dagster, clocks. It only reads."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from cryptoviz.inspect.reach import Unreachable
from cryptoviz.inspect.tables import TableStatus, tables
from cryptoviz.inspect.topics import topics
from cryptoviz.lake.tables import RAW_TRADES
from cryptoviz.lake.topics import TOPICS
from cryptoviz.settings import Settings
from cryptoviz.stack.doctor import Finding, Verdict
from cryptoviz.stack.probes import NotReady, dagster_daemons

_TIMEOUT_S = 3.0
_STALE_S = 120
_SKEW_WARN_S, _SKEW_FAIL_S = 2.0, 60.0
_START = "./run up, or ./run demo for the simulated exchange"


def examine_parts(settings: Settings) -> list[Finding]:
    """Every check of what runs in this home and around it."""
    checks: tuple[Callable[[Settings], Finding], ...] = (_kafka, _lake, _dagster, _clock, _recordings)
    return [check(settings) for check in checks]


def _kafka(settings: Settings) -> Finding:
    try:
        found = topics(settings)
    except Unreachable as error:
        return Finding(name="kafka", verdict=Verdict.WARN, detail=str(error).split(";", maxsplit=1)[0], fix=_START)
    wanted = {name for topic in TOPICS for name in settings.topic_names(topic)}
    absent = sorted(wanted - {topic.name for topic in found})
    if absent:
        detail = f"{settings.bootstrap} has no topic {', '.join(absent)}"
        return Finding(name="kafka", verdict=Verdict.FAIL, detail=detail, fix="./run down, ./run up creates them")
    detail = ", ".join(f"{topic.name} {topic.records:,} records" for topic in found)
    return Finding(name="kafka", verdict=Verdict.OK, detail=f"{settings.bootstrap}: {detail}")


def _lake(settings: Settings) -> Finding:
    try:
        found = tables(settings.lake)
    except Unreachable as error:
        return Finding(name="lake", verdict=Verdict.WARN, detail=str(error).split(";", maxsplit=1)[0], fix=_START)
    if not found:
        return Finding(name="lake", verdict=Verdict.WARN, detail=f"{settings.lake.uri} has no table yet", fix=_START)
    return judge_freshness(found)


def judge_freshness(found: list[TableStatus]) -> Finding:
    """Whether the first table of the chain still grows."""
    rows = f"{len(found)} tables, {sum(table.rows for table in found):,} rows"
    newest = min((table.age_s for table in found if table.name == RAW_TRADES.name), default=None)
    if newest is None:
        fix = "./run logs spark"
        return Finding(name="lake", verdict=Verdict.WARN, detail=f"{rows}, but no {RAW_TRADES.name}", fix=fix)
    detail = f"{rows}, last commit of {RAW_TRADES.name} {newest} s ago"
    if newest > _STALE_S:
        fix = f"{_START}; when it runs, ./run logs producer and ./run logs spark"
        return Finding(name="lake", verdict=Verdict.WARN, detail=detail, fix=fix)
    return Finding(name="lake", verdict=Verdict.OK, detail=detail)


def _dagster(settings: Settings) -> Finding:
    try:
        dagster_daemons(settings.ports.of("dagster"))()
    except NotReady as reason:
        return Finding(name="dagster", verdict=Verdict.WARN, detail=str(reason), fix=_START)
    return Finding(name="dagster", verdict=Verdict.OK, detail="every daemon has a heartbeat")


def _clock(settings: Settings) -> Finding:
    began = time.time()
    try:
        server_ms = _server_time_ms(settings.binance_rest_url)
    except (OSError, HTTPException, ValueError, KeyError) as error:
        detail = f"{settings.binance_rest_url} does not tell the time: {error or type(error).__name__}"
        return Finding(name="clock", verdict=Verdict.WARN, detail=detail, fix="check the network, or ./run demo")
    return judge_clock(server_ms / 1000 - (began + time.time()) / 2)


def judge_clock(skew_s: float) -> Finding:
    """Whether this machine's clock agrees with the venue's; positive when the venue is ahead."""
    detail = f"the venue is {abs(skew_s):.2f} s {'ahead' if skew_s >= 0 else 'behind'}"
    if abs(skew_s) <= _SKEW_WARN_S:
        return Finding(name="clock", verdict=Verdict.OK, detail=detail)
    verdict = Verdict.FAIL if abs(skew_s) > _SKEW_FAIL_S else Verdict.WARN
    return Finding(name="clock", verdict=verdict, detail=detail, fix="let NTP set this machine's clock")


def _server_time_ms(url: str) -> int:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/api/v3/time")
        return int(json.loads(connection.getresponse().read())["serverTime"])
    finally:
        connection.close()


def _recordings(settings: Settings) -> Finding:
    folder = settings.recordings
    if folder.is_dir():
        return Finding(name="recordings", verdict=Verdict.OK, detail=str(folder))
    detail = f"no folder {folder}; tests of recorded data are skipped"
    return Finding(name="recordings", verdict=Verdict.OK, detail=detail)
