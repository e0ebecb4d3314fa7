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
from streaming.feeds.listings import binance_listings
from streaming.feeds.messages import PARSERS, parse_all
from streaming.feeds.parsed import Refusal

RECORDINGS = Path(os.environ.get("CRYPTOVIZ_RECORDINGS", Path(__file__).parents[2].parent / "shared" / "data"))
API = RECORDINGS / "api"
pytestmark = pytest.mark.skipif(not API.is_dir(), reason="no recordings; name their folder in CRYPTOVIZ_RECORDINGS")

CODES = API / "errors_quoted" / "cmc_error_codes_documented.json"
BODIES = sorted({*API.glob("*/*.json")} - {CODES})
SOCKETS = sorted(API.glob("binance_ws_recordings/*.ws.*.gz"))
LOGGED = sorted(API.glob("binance_ws_recordings/BINANCE.[!w]*.gz"))
FRAMES = API / "binance_ws_recordings" / "spot_btcusdt_trade_bookTicker_depth_sample.ndjson"
DOCUMENTED = sorted(API.glob("binance_ws_recordings/futures_docs_style/*.json"))
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


def test_every_recorded_file_is_looked_at_by_a_test_of_this_module():
    known = {*BODIES, *SOCKETS, *LOGGED, *DOCUMENTED, CODES, FRAMES}
    assert {file for file in API.rglob("*") if file.is_file()} == known


def test_every_documented_code_of_coinmarketcap_is_an_error():
    codes = json.loads(CODES.read_bytes())["codes"]
    assert len(codes) > 5
    for row in codes:
        body = {"status": {"error_code": row["code"], "error_message": row["meaning"]}}
        for status in (int(row["http"]), 200):
            verdict = judge(status, {}, json.dumps(body).encode(), now_s=1.6e9)
            assert verdict.fate is not Fate.GOOD
            assert str(row["code"]) in verdict.reason


@pytest.mark.parametrize("file", LOGGED, ids=lambda file: file.name)
def test_a_recorded_list_of_markets_is_one_and_an_order_book_is_nothing_of_ours(file):
    with gzip.open(file, "rt") as lines:
        answers = [line.partition(" -> ")[::2] for line in lines if line.startswith("https://")]
    assert answers
    for url, rest in answers:
        body = rest.partition(": ")[2].encode()
        if "/exchangeInfo" in url:
            listings = {listing.symbol: listing for listing in binance_listings(body)}
            assert len(listings) > 1000
            assert listings["BTC-USDT"].tick_size == "0.01000000"
        else:
            for schema in PARSERS:
                (said,) = parse_all(schema, [body])
                assert isinstance(said, Refusal)
                assert said.reason


def test_a_recorded_exchange_info_is_a_list_of_markets_though_no_quote():
    recorded = json.loads((API / "binance_rest" / "exchangeInfo_truncated.json").read_bytes())
    listings = binance_listings(json.dumps(recorded["body"]).encode())
    assert listings
    assert all(listing.tick_size and listing.lot_size and listing.status for listing in listings)


def test_recorded_frames_are_trades_and_book_tickers_or_refused():
    said = dict.fromkeys(STREAMS, 0)
    for line in FRAMES.read_bytes().splitlines():
        stream, value = unwrap(line)
        kind = stream.partition("@")[2]
        (message,) = parse_all(STREAMS.get(kind, "binance.ws.trade"), [value])
        assert isinstance(message, Refusal) == (kind not in STREAMS)
        if kind in STREAMS:
            said[kind] += 1
    assert said == {"trade": 400, "aggTrade": 0, "bookTicker": 400}


@pytest.mark.parametrize("file", DOCUMENTED, ids=lambda file: file.stem)
def test_a_documented_message_is_understood_unless_it_is_of_a_stream_that_is_not_asked_for(file):
    value = file.read_bytes()
    kind = json.loads(value)["e"]
    (said,) = parse_all(STREAMS.get(kind, "binance.ws.trade"), [value])
    assert isinstance(said, Refusal) == (kind not in STREAMS), said


def test_a_stock_that_the_vendor_does_not_know_is_no_quote_and_zeros_in_one_are_unknown():
    lines = (RECORDINGS / "dirty" / "finnhub_quote_zeros.ndjson").read_bytes().splitlines()
    unknown, partial, whole = parse_all("finnhub.rest.quote", lines)
    assert unknown == Refusal("no_quote", "all zeros: the vendor does not know the symbol")
    assert (partial.price, partial.high_24h) == ("517.96", "0")
    assert (whole.price, whole.high_24h) == ("6.06", "6.14")
