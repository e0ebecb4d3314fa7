import hashlib

from cryptoviz.lake.symbols import Instrument, Venue
from streaming.feeds.cut import LARGEST_VALUE, fit
from streaming.feeds.messages import parse_all
from streaming.feeds.record import Record


def record(value):
    return Record(
        instrument=Instrument(Venue.BINANCE, "BTC-USDT"), first_id=1, last_id=1, time_us=1, value=value,
        schema="binance.ws.trade", source="ws", connection="", received_ns=1,
    )  # fmt: skip


def test_a_value_of_ten_megabytes_is_cut_and_refused_with_its_size_and_digest():
    value = b"x" * 10_000_000
    cut = fit(record(value))
    assert len(cut.value) < 64 * 1024
    assert (cut.instrument, cut.first_id, cut.source) == (record(b"").instrument, 1, "ws")
    (refusal,) = parse_all(cut.schema, [cut.value])
    assert refusal.reason == "too_large"
    assert "10000000 bytes of binance.ws.trade" in refusal.detail
    assert hashlib.sha256(value).hexdigest() in refusal.detail


def test_what_fits_is_left_as_it_is():
    whole = record(b"x" * LARGEST_VALUE)
    assert fit(whole) is whole
