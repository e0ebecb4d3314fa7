"""Every recorded body is parsed or refused with a reason; no error and no other endpoint passes for data."""

import gzip
import json
import os
import re
from pathlib import Path

import msgspec
import pytest

from streaming.feeds.answers import Fate, judge
from streaming.feeds.binance_messages import unwrap
from streaming.feeds.messages import parse_all
from streaming.feeds.parsed import Refusal

RECORDINGS = Path(os.environ.get("CRYPTOVIZ_RECORDINGS", Path(__file__).parents[2].parent / "shared" / "data"))
API = RECORDINGS / "api"
pytestmark = pytest.mark.skipif(not API.is_dir(), reason="no recordings; name their folder in CRYPTOVIZ_RECORDINGS")

BODIES = sorted(API.glob("*/*.json"))
SOCKETS = sorted(API.glob("binance_ws_recordings/*.ws.*.gz"))
OURS = (
    (r"/api/v3/aggTrades", "binance.rest.aggTrade"),
    (r"/api/v3/(historicalT|t)rades", "binance.rest.trade"),
    (r"/v[13]/klines", "binance.rest.kline"),
    (r"/api/v3/ticker/24hr", "binance.rest.ticker24h"),
    (r"coingecko.com/api/v3/coins/markets", "coingecko.rest.market"),
    (r"/cryptocurrency/listings/latest", "coinmarketcap.rest.listing"),
    (r"/data/pricemultifull", "cryptocompare.rest.full"),
    (r"finnhub.io/api/v1/quote", "finnhub.rest.quote"),
)
QUOTED_BY = {
    "binance_rest": "binance.rest.ticker24h",
    "coingecko": "coingecko.rest.market",
    "coinmarketcap": "coinmarketcap.rest.listing",
    "cryptocompare": "cryptocompare.rest.full",
    "finnhub": "finnhub.rest.quote",
    "errors_quoted": "coingecko.rest.market",
}
STREAMS = {"trade": "binance.ws.trade", "aggTrade": "binance.ws.aggTrade", "bookTicker": "binance.ws.bookTicker"}


def elements(body):
    """What of a body would be records: elements of a list, of ``data``, the pairs under ``RAW``, or the body."""
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        body = body["data"]
    if isinstance(body, dict) and "RAW" in body:
        body = [quote for quotes in body["RAW"].values() for quote in quotes.values()]
    return [msgspec.json.encode(element) for element in (body if isinstance(body, list) else [body])]


@pytest.mark.parametrize("file", BODIES, ids=lambda file: f"{file.parent.name}/{file.stem}"[:80])
def test_a_recorded_answer_is_parsed_or_refused_with_a_reason(file):
    recorded = json.loads(file.read_bytes())
    if "status" not in recorded:
        pytest.skip("a table of error codes, no answer")
    body = recorded["body"]
    text = recorded.get("body_text") or json.dumps(body)
    headers = {name.lower(): value for name, value in recorded.get("headers", {}).items()}
    verdict = judge(recorded["status"], headers, text.encode(), now_s=1.6e9)
    if recorded["status"] != 200 or file.parent.name == "errors_quoted":
        assert verdict.fate is not Fate.GOOD
        assert verdict.reason
        return
    url = recorded["url"]
    schema = next((schema for pattern, schema in OURS if re.search(pattern, url)), None)
    said = parse_all(schema or QUOTED_BY[file.parent.name], elements(body))
    refused = [one for one in said if isinstance(one, Refusal)]
    if schema:
        assert (verdict.fate, refused) == (Fate.GOOD, [])
    else:
        assert len(refused) == len(said)
        assert all(one.reason and one.detail for one in refused)


@pytest.mark.parametrize("file", SOCKETS, ids=lambda file: file.name)
def test_a_recorded_socket_tells_of_trades_and_book_tickers_and_nothing_else_passes_for_them(file):
    seen = dict.fromkeys(STREAMS, 0)
    with gzip.open(file) as lines:
        next(lines)
        for line in filter(bytes.strip, lines):
            frame = line.split(b": ", 1)[1].strip()
            stream, value = unwrap(frame)
            kind = stream.partition("@")[2]
            (said,) = parse_all(STREAMS.get(kind, "binance.ws.trade"), [value])
            assert isinstance(said, Refusal) == (kind not in STREAMS), (stream, said)
            if kind in STREAMS:
                seen[kind] += 1
    assert sum(seen.values()) > 0


def test_a_stock_that_the_vendor_does_not_know_is_no_quote_and_zeros_in_one_are_unknown():
    lines = (RECORDINGS / "dirty" / "finnhub_quote_zeros.ndjson").read_bytes().splitlines()
    unknown, partial, whole = parse_all("finnhub.rest.quote", lines)
    assert unknown == Refusal("no_quote", "all zeros: the vendor does not know the symbol")
    assert (partial.price, partial.high_24h) == ("517.96", "0")
    assert (whole.price, whole.high_24h) == ("6.06", "6.14")
