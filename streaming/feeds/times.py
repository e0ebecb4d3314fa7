"""The venues' texts of time, exact to the microsecond."""

import re
from datetime import UTC, datetime

from streaming.feeds.parsed import Refused

_RFC3339 = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|\+00:00)$")
_SECONDS = re.compile(r"^(\d{1,12})(?:\.(\d{1,9}))?$")


def rfc3339_us(text: str) -> int:
    """Microseconds since 1970 of ``2026-11-20T08:30:00.123456Z``; digits beyond are cut. Raises Refused."""
    match = _RFC3339.match(text)
    if not match:
        raise Refused("bad_time", f"{text[:60]!r} is not an RFC 3339 time in UTC")
    try:
        seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise Refused("bad_time", f"{text!r} is no date") from None
    return seconds * 1_000_000 + _fraction_us(match[2])


def seconds_us(text: str) -> int:
    """Microseconds since 1970 of ``1762795433.1234``, seconds in decimal text. Raises Refused."""
    match = _SECONDS.match(text)
    if not match:
        raise Refused("bad_time", f"{text[:60]!r} is not seconds since 1970")
    return int(match[1]) * 1_000_000 + _fraction_us(match[2])


def _fraction_us(digits: str | None) -> int:
    return int((digits or "0").ljust(6, "0")[:6])
