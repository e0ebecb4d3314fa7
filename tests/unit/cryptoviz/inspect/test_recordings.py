import gzip
import json
import os
from pathlib import Path

import pytest

from cryptoviz.inspect.recordings import Layout, UnknownRecording, read_recording
from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import Schema

RECORDINGS = Path(os.environ.get("CRYPTOVIZ_RECORDINGS", Path(__file__).parents[4] / ".." / "shared" / "data"))
recorded = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="no recordings; name their folder in CRYPTOVIZ_RECORDINGS"
)

TRADE = b'{"e":"trade","E":2,"s":"BTCUSDT","t":7,"p":"1.50","q":"2","T":1700000000001,"m":true}'
AGGREGATE = b'{"a":1,"p":"0.10","q":"2.0","f":5,"l":6,"T":1570752011620,"m":true,"M":true}'
ROW = b'["105433.60000", "0.00027625", 1762795433.9717445, "b", "l", "", 10218208]'


def frame(stream, data):
    return b'{"stream":"' + stream + b'","data":' + data + b"}"


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def test_socket_lines_give_the_bytes_of_each_trade_and_the_time_it_was_received(write):
    path = write("a.gz", b"1700000000000000123 " + frame(b"btcusdt@trade", TRADE) + b"\n")
    (trade,) = read_recording(Venue.BINANCE, path).trades
    assert trade.value == TRADE
    assert trade.instrument == Instrument(Venue.BINANCE, "BTC-USDT")
    assert (trade.schema, trade.received_ns) == (Schema.BINANCE_WS_TRADE, 1700000000000000123)
    assert trade.event_ns == 1700000000001_000_000


@pytest.mark.parametrize(
    "line",
    [
        b"5 " + frame(b"btcusdt@bookTicker", b'{"u":1,"s":"BTCUSDT"}'),
        b"5 " + frame(b"btcusdt@trade", TRADE)[:60],
        b"5 " + frame(b"btcusdt@trade", b'{"s":"BTCUSDT"}'),
        b"5 " + frame(b"btcusdt@trade", TRADE.replace(b"BTCUSDT", b"WHATEVER")),
        b'5 {"result":null,"id":1}',
        b"five " + frame(b"btcusdt@trade", TRADE),
        b"5",
    ],
)
def test_lines_that_are_no_trades_are_counted_and_do_not_stop_the_reading(write, line):
    good = b"5 " + frame(b"btcusdt@trade", TRADE)
    recording = read_recording(Venue.BINANCE, write("a.txt", b"\n".join([good, line, good])))
    assert (len(recording.trades), recording.refused) == (2, 1)


def test_aggregate_trades_give_the_venues_own_record_byte_for_byte(write):
    content = b'[{"info": ' + AGGREGATE + b', "timestamp": 1, "symbol": "XRP/ETH", "price": 0.1}]'
    (trade,) = read_recording(Venue.BINANCE, write("t.json.gz", content)).trades
    assert trade.value == AGGREGATE
    assert (trade.instrument.symbol, trade.schema) == ("XRP-ETH", Schema.BINANCE_REST_AGG_TRADE)
    assert (trade.event_ns, trade.received_ns) == (1570752011620_000_000, 0)


def test_a_kraken_body_gives_each_row_untouched_and_times_to_the_last_digit(write):
    content = b'{"error": [], "result": {"XBTUSDT": [' + ROW + b"," + ROW + b'], "last": "1"}}'
    first, second = read_recording(Venue.KRAKEN, write("t.json", content)).trades
    assert first.value == second.value == ROW
    assert (first.instrument.symbol, first.schema) == ("BTC-USDT", Schema.KRAKEN_REST_TRADE)
    assert first.event_ns == 1762795433_971744500


@pytest.mark.parametrize(
    ("venue", "name", "content"),
    [
        (Venue.KRAKEN, "lines", b"5 {}"),
        (Venue.BINANCE, "body", b"{}"),
        (Venue.BINANCE, "prose", b"hello"),
        (Venue.BINANCE, "empty", b""),
        (Venue.BINANCE, "list", b"[1]"),
        (Venue.KRAKEN, "error", b'{"error": ["EQuery"]}'),
        (Venue.KRAKEN, "pair", b'{"result": {"NOPE": []}}'),
    ],
)
def test_a_file_of_another_layout_is_refused_by_name(write, venue, name, content):
    with pytest.raises(UnknownRecording, match=name):
        read_recording(venue, write(name, content))


def test_a_torn_archive_is_refused(tmp_path):
    path = tmp_path / "torn.gz"
    path.write_bytes(gzip.compress(TRADE * 100)[:40])
    with pytest.raises(UnknownRecording, match=r"torn\.gz"):
        read_recording(Venue.BINANCE, path)


def test_a_layout_that_is_named_is_not_guessed(write):
    with pytest.raises(UnknownRecording):
        read_recording(Venue.BINANCE, write("a", b"5 " + frame(b"x@trade", TRADE)), Layout.AGGTRADES)


@recorded
def test_the_recorded_socket_holds_19904_contiguous_trades():
    folder = RECORDINGS / "binance_btcusdt_ws"
    found = [read_recording(Venue.BINANCE, folder / f"btcusdt_2024080{day}.gz") for day in (8, 9)]
    ids = [json.loads(trade.value)["t"] for recording in found for trade in recording.trades]
    assert len(ids) == 19_904
    assert ids == list(range(ids[0], ids[0] + 19_904))


@recorded
def test_the_recorded_body_holds_1000_trades_and_the_recorded_aggregates_12477():
    body = read_recording(Venue.KRAKEN, RECORDINGS / "kraken_xbtusdt" / "http_trades.json").trades
    assert [json.loads(trade.value)[6] for trade in body] == list(range(10218208, 10219208))
    aggregates = read_recording(Venue.BINANCE, RECORDINGS / "binance_xrpeth" / "aggtrades.json.gz").trades
    assert len(aggregates) == 12_477
    assert {trade.instrument.key for trade in aggregates} == {"binance:XRP-ETH"}
