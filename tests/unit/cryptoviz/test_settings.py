import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoviz.lake.symbols import Instrument, Venue
from cryptoviz.lake.topics import QUOTES, TRADES
from cryptoviz.settings import STACK_ENV, Ports, Settings, SettingsError, load_settings


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Loads settings from the variables given, in an empty folder."""
    for name in [name for name in os.environ if name.startswith("CRYPTOVIZ_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def load(overrides=None, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"CRYPTOVIZ_{name}", value)
        return load_settings(**(overrides or {}))

    return load


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("5s", timedelta(seconds=5)),
        ("1.5m", timedelta(seconds=90)),
        ("3h", timedelta(hours=3)),
        ("2d", timedelta(days=2)),
    ],
)
def test_durations_are_written_as_people_write_them(load, text, duration):
    assert load(TRIGGER_INTERVAL=text).trigger_interval == duration


def test_instruments_are_a_list_of_markets(load):
    found = load(INSTRUMENTS="binance:BTC-USDT, kraken:ETH-USD,").instruments
    assert found == (Instrument(Venue.BINANCE, "BTC-USDT"), Instrument(Venue.KRAKEN, "ETH-USD"))
    assert len(load_settings(instruments="binance:BTC-USDT").instruments) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INSTRUMENTS", "nowhere:BTC-USD"),
        ("TRIGGER_INTERVAL", "soon"),
        ("MAX_BATCH_ROWS", "0"),
        ("START", "yesterday"),
        ("PORT_KAFKA", "http"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_with_its_value(load, name, value):
    with pytest.raises(SettingsError, match=f"CRYPTOVIZ_{name}.*{value}"):
        load(**{name: value})


def test_the_environment_comes_before_the_file_of_the_folder_which_comes_before_that_of_the_home(load, tmp_path):
    (tmp_path / ".env").write_text("CRYPTOVIZ_TOPIC_TRADES=folder\nCRYPTOVIZ_PORT_KAFKA=2\n")
    (tmp_path / "home").mkdir()
    values = {"TOPIC_TRADES": "home", "TOPIC_KLINES": "home", "PORT_KAFKA": "1", "PORT_MINIO": "7"}
    lines = "".join(f"CRYPTOVIZ_{name}={value}\n" for name, value in values.items())
    (tmp_path / "home" / STACK_ENV).write_text(lines)
    found = load(HOME=str(tmp_path / "home"))
    assert (found.topic_trades, found.topic_klines) == ("folder", "home")
    assert (found.ports.kafka, found.ports.minio) == (2, 7)
    assert load(TOPIC_TRADES="environment").topic_trades == "environment"
    assert load({"topic_trades": "option"}).topic_trades == "option"


@given(st.integers(0, 40_000))
def test_an_offset_moves_every_port_alike(offset):
    ports, moved = Ports(_env_file=None), Ports(_env_file=None, offset=offset)
    services = [name for name in Ports.model_fields if name != "offset"]
    assert {moved.of(service) - ports.of(service) for service in services} == {offset}


def test_the_first_hour_is_a_whole_hour_in_utc_and_where_the_backfill_begins_when_unset(load):
    assert load(START="2026-01-02T03:45+01:00").first_hour.start == datetime(2026, 1, 2, 2, tzinfo=UTC)
    assert load(START="2026-01-02").first_hour.start == datetime(2026, 1, 2, tzinfo=UTC)
    unset = Settings(_env_file=None, start=None, backfill_trades=timedelta(hours=5)).first_hour.start
    assert timedelta(hours=5) <= datetime.now(UTC) - unset < timedelta(hours=6, minutes=1)


def test_the_lake_lies_where_the_store_says(load, tmp_path):
    local = load({"home": tmp_path / "home", "store": "local"}).lake
    assert (local.uri, local.storage_options) == (str(tmp_path / "home" / "lake"), {})
    minio = load(PORT_OFFSET="100", S3_ACCESS_KEY="a", S3_SECRET_KEY="s").lake  # noqa: S106 - not a password
    assert (minio.uri, minio.endpoint) == ("s3://lake", "http://127.0.0.1:9100")
    assert minio.storage_options["AWS_ALLOW_HTTP"] == "true"
    other = load(STORE="s3://bucket/prefix/").lake
    assert (other.bucket, other.endpoint, other.table("trades")) == ("bucket", "", "s3://bucket/prefix/trades")
    assert "AWS_ENDPOINT_URL" not in other.storage_options


def test_the_secret_key_never_shows(load):
    assert "hush" not in repr(load(S3_SECRET_KEY="hush"))  # noqa: S106 - not a password


def test_brokers_and_topics_can_be_others(load):
    assert load().bootstrap == "127.0.0.1:9092"
    found = load(KAFKA_BOOTSTRAP="a:1,b:2", TOPIC_TRADES="mine")
    assert (found.bootstrap, found.topic_name(TRADES)) == ("a:1,b:2", "mine")


def test_topics_of_earlier_pipelines_feed_the_quotes_beside_their_own(load):
    found = load(TOPIC_QUOTES="q", LEGACY_TOPICS="crypto_raw, stock_topic,crypto_raw,q")
    assert found.legacy_topics == ("crypto_raw", "stock_topic", "q")
    assert (found.topic_names(QUOTES), found.topic_names(TRADES)) == (("q", "crypto_raw", "stock_topic"), ("trades",))


@pytest.mark.parametrize(("value", "said"), [("crypto raw", "no name of a Kafka topic"), ("t", "topic of trades")])
def test_a_legacy_topic_that_cannot_be_is_named(load, value, said):
    with pytest.raises(SettingsError, match=f"CRYPTOVIZ_LEGACY_TOPICS.*{said}"):
        load(TOPIC_TRADES="t", LEGACY_TOPICS=value)
