from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.hours import Hour, hours_between
from cryptoviz.lake.ledger import WRAP, CommitEntry, HourVersion, OffsetRange, State, signed
from cryptoviz.lake.locations import Location
from cryptoviz.lake.render import arrow_schema, spark_ddl
from cryptoviz.lake.symbols import Instrument, UnknownSymbol, Venue, from_venue, parse_instrument, to_venue
from cryptoviz.lake.tables import BY_NAME, TABLES, UnknownTable, table_named
from cryptoviz.lake.topics import Headers

hours = st.integers(0, 1_200_000).map(Hour.from_number)
hashes = st.integers(0, WRAP - 1)


@given(hours)
def test_an_hour_survives_its_key_its_path_and_its_number(hour):
    assert (
        Hour.from_key(hour.key) == Hour.from_path(f"trades/{hour.path}/part.parquet") == Hour.from_number(hour.number)
    )
    assert hour.next().start == hour.end


def test_directories_are_zero_padded():
    hour = Hour(datetime(2026, 1, 2, 3, tzinfo=UTC))
    assert hour.path == "year=2026/month=01/day=02/hour=03"
    assert hour.values == {"year": "2026", "month": "01", "day": "02", "hour": "03"}


@pytest.mark.parametrize("key", ["../..", "2026-13-01-00:00", "'; DROP TABLE", "", "2026-01-01", "2026-01-01-00:30"])
def test_partition_keys_that_are_no_hours_are_refused(key):
    with pytest.raises(ValueError, match=r"partition key|on the hour"):
        Hour.from_key(key)


def test_an_hour_of_another_zone_is_refused():
    with pytest.raises(ValueError, match="UTC"):
        Hour(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))))


def test_hours_between_are_those_that_overlap():
    start = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    assert [h.start.hour for h in hours_between(start, start + timedelta(hours=1))] == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 9), hashes).map(lambda t: HourVersion(*t)), min_size=1), st.randoms())
def test_the_version_of_an_hour_does_not_depend_on_order(parts, random):
    def total(versions):
        result = HourVersion()
        for version in versions:
            result = result.plus(version)
        return result

    shuffled = parts[:]
    random.shuffle(shuffled)
    assert total(parts) == total(shuffled)
    assert total(parts).digest == total(shuffled).digest


@given(st.integers(-(1 << 70), 1 << 70))
def test_signed_hash_sums_fit_an_int64_and_keep_their_remainder(number):
    assert -(1 << 63) <= signed(number) < 1 << 63
    assert signed(number) % WRAP == number % WRAP


def test_entries_and_states_survive_their_text():
    entry = CommitEntry(
        table="trades", commit_id="1", epoch=3, cluster_id="c", topic_id="t", rows=2,
        ranges=[OffsetRange("trades", 1, 5, 7, 2, 99)], hours={"2026-01-01-00:00": HourVersion(2, 99)},
    )  # fmt: skip
    assert CommitEntry.decode(entry.encode()) == entry
    assert CommitEntry.decode({"operation": "OPTIMIZE"}) is None
    state = State({"binance:BTC-USDT": [(1, 5), (9, 9)]})
    assert State.decode(state.encode()) == state


@pytest.mark.parametrize(
    ("venue", "spelling", "symbol"),
    [
        (Venue.BINANCE, "BTCUSDT", "BTC-USDT"),
        (Venue.BINANCE, "XRPETH", "XRP-ETH"),
        (Venue.BINANCE, "ETHBTC", "ETH-BTC"),
        (Venue.KRAKEN, "XXBTZUSD", "BTC-USD"),
        (Venue.KRAKEN, "XBTUSDT", "BTC-USDT"),
        (Venue.KRAKEN, "BTC/USD", "BTC-USD"),
        (Venue.KRAKEN, "XBT/EUR", "BTC-EUR"),
        (Venue.KRAKEN, "XDGUSD", "DOGE-USD"),
    ],
)
def test_spellings_of_the_venues_have_one_canonical_symbol(venue, spelling, symbol):
    assert from_venue(venue, spelling) == Instrument(venue, symbol)


def test_what_goes_to_the_venue_comes_back():
    for key in ("binance:BTC-USDT", "kraken:ETH-USD"):
        instrument = parse_instrument(key)
        assert from_venue(instrument.venue, to_venue(instrument)) == instrument


@pytest.mark.parametrize("key", ["nowhere:BTC-USD", "binance:btc-usd", "binance:../x", "binance", ""])
def test_keys_that_are_no_instruments_are_refused(key):
    with pytest.raises(UnknownSymbol):
        parse_instrument(key)


def test_headers_survive_and_broken_ones_are_empty():
    headers = Headers(schema="binance.ws.trade", source="ws", received_ns=5, connection="c")
    assert Headers.decode(headers.encode()) == headers
    assert Headers.decode([("received_ns", b"\xff"), ("schema", b"\xff")]).received_ns == 0
    assert Headers.decode(None).schema == ""


def test_every_table_renders_for_arrow_and_spark_and_its_time_column_is_a_time():
    assert len(BY_NAME) == len(TABLES)
    for table in TABLES:
        schema = arrow_schema(table, partitions=True)
        assert str(schema.field(table.time_column).type) == "timestamp[us, tz=UTC]"
        assert set(table.key) | set(table.statistics) <= set(table.column_names)
        assert spark_ddl(table).count("COMMENT") == len(table.columns)


def test_an_unknown_table_is_refused_with_those_there_are():
    with pytest.raises(UnknownTable, match="ohlc_1m"):
        table_named("nope")


def test_keys_of_the_store_never_show_in_a_repr():
    assert "hush" not in repr(Location(uri="s3://lake", access_key="hush", secret_key="hush"))  # noqa: S106
