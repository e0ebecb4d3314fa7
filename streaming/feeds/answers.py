"""What an HTTP answer means for us, whatever the provider: good, to be tried again, limited, barred, or refused.

Shapes of errors, also those that come with status 200, are the providers' own: Binance ``{"code", "msg"}``, Kraken
``{"error": [..]}``, CoinGecko and CoinMarketCap ``{"status": {"error_code"}}``, Finnhub ``{"error"}``, Coinbase
``{"message"}``, CryptoCompare ``{"Response": "Error"}`` and, in its newer interface, ``{"Err": {"message"}}``.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

_SHORT_BAN_S, _LONG_BAN_S, _BARRED_S = 60.0, 120.0, 300.0
_LIMIT_WORDS = re.compile(r"rate ?limit|too many|way too much|limit reached|lockout|banned", re.IGNORECASE)
_PASSING_WORDS = re.compile(r"unavailable|busy|internal|time ?out|maintenance|deadline|malformed", re.IGNORECASE)
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_QUOTED = 300
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Fate(StrEnum):
    """What to do about an answer."""

    GOOD = "good"
    TRY_AGAIN = "try_again"
    LIMITED = "limited"
    BARRED = "barred"
    REFUSED = "refused"


_BY_STATUS = {
    **dict.fromkeys((418, 429), Fate.LIMITED),
    **dict.fromkeys((401, 402, 403, 407, 451), Fate.BARRED),
    **dict.fromkeys((408, 425), Fate.TRY_AGAIN),
}
_BY_CLASS = {3: Fate.TRY_AGAIN, 4: Fate.REFUSED, 5: Fate.TRY_AGAIN}


class Verdict(NamedTuple):
    """A fate, why, and for how long the provider wants no request."""

    fate: Fate
    reason: str = ""
    seconds: float = 0.0


def judge(status: int, headers: Mapping[str, str], body: bytes, *, now_s: float) -> Verdict:
    """Judge an answer. ``headers`` are looked up in lower case; ``now_s`` is seconds since 1970."""
    said = complaint(body)
    fate = _BY_STATUS.get(status) or _BY_CLASS.get(status // 100) or _fate_of_success(said, body)
    if fate is Fate.GOOD:
        return Verdict(fate)
    reason = f"status {status}: {said[:_QUOTED] or _quote(body)}"
    if fate is Fate.LIMITED:
        return Verdict(fate, reason, _ban_seconds(status, headers, said, now_s))
    return Verdict(fate, reason, (_retry_after(headers, now_s) or _BARRED_S) if fate is Fate.BARRED else 0.0)


def complaint(body: bytes) -> str:
    """The error that a body tells of, empty when it tells of none."""
    if body[:1] != b"{":
        return ""
    try:
        fields = _fields.decode(body)
    except msgspec.DecodeError:
        return "malformed JSON"
    for name in ("error", "status", "Response", "msg", "message", "Err"):
        if name in fields and (said := _complaint(name, msgspec.json.decode(fields[name]), fields)):
            return said
    return ""


def _complaint(name: str, value: Any, fields: Mapping[str, msgspec.Raw]) -> str:
    text = ""
    match name, value:
        case "error", list():
            text = ", ".join(map(str, value))
        case "status", {"error_code": int(code)} if code != 0:
            text = f"{code} {value.get('error_message')}"
        case "Response", "Error":
            text = str(msgspec.json.decode(fields.get("Message", msgspec.Raw(b'"no message"'))))
        case "msg", str() if "code" in fields:
            text = f"{msgspec.json.decode(fields['code'])} {value}"
        case "Err", {"message": str(message)}:
            text = message
        case "error" | "message", str():
            text = value
    return text


def _fate_of_success(said: str, body: bytes) -> Fate:
    if _LIMIT_WORDS.search(said):
        return Fate.LIMITED
    if said:
        return Fate.TRY_AGAIN if _PASSING_WORDS.search(said) else Fate.REFUSED
    return Fate.GOOD if body[:1] in {b"{", b"["} else Fate.TRY_AGAIN


def _ban_seconds(status: int, headers: Mapping[str, str], said: str, now_s: float) -> float:
    until = _BANNED_UNTIL.search(said)
    named = max(0.0, int(until[1]) / 1000 - now_s) if until else 0.0
    return max(named, _retry_after(headers, now_s)) or (_LONG_BAN_S if status == 418 else _SHORT_BAN_S)


def _retry_after(headers: Mapping[str, str], now_s: float) -> float:
    text = headers.get("retry-after", "")
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, TypeError):
        return 0.0


def _quote(body: bytes) -> str:
    return body[:_QUOTED].decode("utf-8", "replace").strip() or "nothing"
