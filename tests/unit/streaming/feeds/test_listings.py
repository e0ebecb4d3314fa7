import gzip
import json

import msgspec

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.feeds.listings import (
    Listing,
    binance_listings,
    changes,
    coinbase_listings,
    decode_listing,
    kraken_listings,
)

BTC = Instrument(Venue.BINANCE, "BTC-USDT")


def listed(**fields):
    whole = {
        "venue": "binance", "symbol": "BTC-USDT", "venue_symbol": "BTCUSDT", "base": "BTC", "quote": "USDT",
        "tick_size": "0.01", "lot_size": "0.00001", "status": "trading",
    }  # fmt: skip
    return Listing(**{**whole, **fields})


def test_binance_names_base_quote_and_steps_of_every_symbol():
    body = {
        "symbols": [
            {
                "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
                "filters": [
                    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "tickSize": "0.01"},
                    {"filterType": "LOT_SIZE", "stepSize": "0.00001"}, {"filterType": "ICEBERG_PARTS", "limit": 10},
                ],
            },
            {"symbol": "币安人生USDT", "status": "BREAK", "baseAsset": "币安人生", "quoteAsset": "USDT", "filters": []},
        ]
    }  # fmt: skip
    assert binance_listings(json.dumps(body).encode()) == [listed()]


def test_krakens_names_of_one_asset_mean_one_asset_and_pairs_without_a_name_are_left_out():
    body = {
        "error": [],
        "result": {
            "XXBTZUSD": {"altname": "XBTUSD", "wsname": "XBT/USD", "pair_decimals": 1, "lot_decimals": 8,
                         "status": "online", "tick_size": "0.1"},
            "XETHZUSD": {"wsname": "ETH/USD", "pair_decimals": 2, "lot_decimals": 8, "status": "cancel_only"},
            "DARK.d": {"pair_decimals": 2, "lot_decimals": 8},
        },
    }  # fmt: skip
    btc, eth = kraken_listings(json.dumps(body).encode())
    assert (btc.symbol, btc.venue_symbol, btc.base, btc.tick_size, btc.lot_size) == (
        "BTC-USD", "XXBTZUSD", "BTC", "0.1", "1e-8",
    )  # fmt: skip
    assert (eth.symbol, eth.tick_size, eth.status) == ("ETH-USD", "1e-2", "cancel_only")


def test_products_of_coinbase():
    body = b"""[{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","quote_increment":"0.01",
                 "base_increment":"0.00000001","status":"online","extra":1}]"""
    (listing,) = coinbase_listings(body)
    assert (listing.instrument.key, listing.tick_size, listing.lot_size) == ("coinbase:BTC-USD", "0.01", "0.00000001")


def test_only_what_is_new_or_other_is_a_version():
    assert changes({}, [listed()], [BTC]) == [listed()]
    assert changes({BTC.key: listed()}, [listed()], [BTC]) == []
    assert changes({BTC.key: listed()}, [listed(status="break")], [BTC]) == [listed(status="break")]
    assert changes({}, [listed()], []) == []


def test_a_market_that_is_no_longer_listed_is_delisted_once_and_may_come_back():
    gone = changes({BTC.key: listed()}, [], [BTC])
    assert gone == [listed(status="delisted")]
    assert changes({BTC.key: gone[0]}, [], [BTC]) == []
    assert changes({BTC.key: gone[0]}, [listed()], [BTC]) == [listed()]
    assert changes({}, [], [BTC]) == []


def test_two_assets_of_one_ticker_are_told_apart_by_what_the_venue_trades_them_for():
    renamed = listed(base="BTC", venue_symbol="BTCUSDT2")
    assert changes({BTC.key: listed()}, [renamed], [BTC]) == [renamed]


def test_a_listing_survives_its_record():
    record = listed().record(5_000)
    assert (record.instrument, record.schema) == (BTC, "cryptoviz.listing")
    assert decode_listing(record.value) == listed()


def test_the_recorded_list_of_all_symbols_is_read(recordings):
    with gzip.open(recordings / "api" / "binance_ws_recordings" / "BINANCE.0.gz") as lines:
        body = lines.readline().split(b": ", 1)[1]
    listings = {listing.instrument.key: listing for listing in binance_listings(body)}
    assert len(listings) > 1000
    assert listings["binance:BTC-USDT"].tick_size == "0.01000000"
    assert all(msgspec.json.encode(listing) for listing in listings.values())
