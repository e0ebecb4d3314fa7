"""The sources of the running producer: freshness, budget used, gaps, or why one is disabled."""

from datetime import UTC, datetime
from typing import Any

import httpx

from cryptoviz.settings import Settings

_TIMEOUT_S = 3.0


def sources(settings: Settings) -> list[dict[str, Any]]:
    """One row a market, a vendor and a kind of sampled state; none while no producer runs."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{settings.ports.of('producer')}/sources", timeout=_TIMEOUT_S)
    except httpx.TransportError:
        return []
    if answer.status_code != 200:
        return []
    return source_rows(answer.json(), now=datetime.now(UTC))


def source_rows(told: dict[str, Any], *, now: datetime) -> list[dict[str, Any]]:
    """Rows of what the producer told."""
    markets = [_market(key, state, told["venues"], now) for key, state in told["markets"].items()]
    sampled = {"book_tickers": told["book_tickers"], **told["vendors"]}
    vendors = [_vendor(name, state, now) for name, state in sampled.items() if "state" in state]
    return [*markets, *vendors]


def _market(key: str, state: dict[str, Any], venues: dict[str, Any], now: datetime) -> dict[str, Any]:
    venue = venues[key.partition(":")[0]]
    return {
        "source": key,
        "state": state["phase"],
        "age_s": _age(state["last_event_us"] / 1e6, now),
        "published": state["published"],
        "budget": _budget(venue["budget"]),
        "gaps_open": state["gaps_open"],
        "gaps_repaired": state["gaps_repaired"],
        "lost_ids": state["lost"],
        "skew_ms": venue["skew_ms"],
        "error": state["error"] or venue["budget"].get("blocked_because", ""),
    }


def _vendor(name: str, state: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "source": name,
        "state": state["state"],
        "age_s": _age(state.get("last_published", 0.0), now),
        "published": state.get("published", 0),
        "budget": _budget(state["budget"]) if "budget" in state else "",
        "error": state.get("error") or state.get("budget", {}).get("blocked_because", ""),
    }


def _budget(budget: dict[str, Any]) -> str:
    used = f"{budget['used']:g}/{budget['limit']:g}"
    return f"{used}, blocked {budget['blocked_s']} s" if budget["blocked_s"] else used


def _age(at_s: float, now: datetime) -> int | None:
    return max(0, round(now.timestamp() - at_s)) if at_s else None
