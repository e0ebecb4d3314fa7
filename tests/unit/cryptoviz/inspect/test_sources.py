from datetime import UTC, datetime

from cryptoviz.inspect.sources import source_rows, sources
from cryptoviz.settings import Ports, Settings

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
BUDGET = {"used": 125.0, "limit": 5000, "blocked_s": 0}


def test_markets_and_vendors_are_told_with_freshness_budget_and_why_they_are_disabled():
    told = {
        "markets": {
            "binance:BTC-USDT": {
                "phase": "live", "published": 7, "last_event_us": int(NOW.timestamp() - 2) * 10**6, "gaps_open": 1,
                "gaps_repaired": 3, "lost": 0, "error": "",
            }
        },
        "venues": {
            "binance": {
                "budget": BUDGET | {"blocked_s": 30, "blocked_because": "status 418: IP banned"}, "skew_ms": 12.5,
            }
        },
        "vendors": {
            "coinmarketcap": {
                "state": "disabled: no COINMARKETCAP_API_KEY", "published": 0, "last_published": 0, "error": "",
                "budget": BUDGET,
            },
            "finnhub_socket": {"state": "disabled: no FINNHUB_API_KEY"},
        },
        "book_tickers": {"state": "live", "published": 3, "thinned": 9, "last_published": NOW.timestamp() - 1},
    }  # fmt: skip
    market, sampled, vendor, socket = source_rows(told, now=NOW)
    assert market == {
        "source": "binance:BTC-USDT", "state": "live", "age_s": 2, "published": 7, "budget": "125/5000, blocked 30 s",
        "gaps_open": 1, "gaps_repaired": 3, "lost_ids": 0, "skew_ms": 12.5,
        "error": "status 418: IP banned",
    }  # fmt: skip
    assert (vendor["state"], vendor["age_s"]) == ("disabled: no COINMARKETCAP_API_KEY", None)
    assert (sampled["source"], sampled["state"], sampled["age_s"], sampled["budget"]) == ("book_tickers", "live", 1, "")
    assert (socket["state"], socket["age_s"], socket["error"]) == ("disabled: no FINNHUB_API_KEY", None, "")


def test_without_a_producer_there_are_none(tmp_path):
    assert sources(Settings(home=tmp_path, ports=Ports(producer=1))) == []
