from datetime import timedelta

import pytest

from cryptoviz.legacy_names import LEGACY
from cryptoviz.settings import Settings, SettingsError, load_settings


@pytest.fixture
def load(tmp_path, monkeypatch):
    for name in LEGACY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def load(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings(home=tmp_path)

    return load


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("REDPANDA_BROKERS", "redpanda:9092", "kafka_bootstrap", "redpanda:9092"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092", "kafka_bootstrap", "kafka:9092"),
        ("KAFKA_TOPIC", "crypto_raw", "topic_quotes", "crypto_raw"),
        ("KAFKA_CLIENT_ID", "crypto-producer", "kafka_client_id", "crypto-producer"),
        ("CRYPTO_API_URL", "https://api.example.com", "binance_rest_url", "https://api.example.com"),
        ("CRYPTO_POLL_INTERVAL_MS", "5000", "quote_interval", timedelta(seconds=5)),
        ("SCRAPE_INTERVAL", "60s", "quote_interval", timedelta(seconds=60)),
        ("SCRAPE_INTERVAL", "30", "quote_interval", timedelta(seconds=30)),
        ("BATCH_INTERVAL", "60s", "trigger_interval", timedelta(seconds=60)),
        ("MAX_CRYPTOS", "17", "max_quote_assets", 17),
        ("MINIO_ENDPOINT", "minio:9000", "s3_endpoint", "http://minio:9000"),
        ("MINIO_ENDPOINT", "http://minio:9000", "s3_endpoint", "http://minio:9000"),
        ("MINIO_ACCESS_KEY", "who", "s3_access_key", "who"),
        ("FINNHUB_URL", "http://finnhub", "finnhub_url", "http://finnhub"),
        ("FINNHUB_WS_URL", "ws://finnhub", "finnhub_ws_url", "ws://finnhub"),
        ("FINNHUB_SYMBOLS", "aapl, MSFT", "stocks", ("AAPL", "MSFT")),
        ("SPARK_DRIVER_MEMORY", "512m", "spark_driver_memory", "512m"),
        ("SPARK_EXECUTOR_MEMORY", "2g", "spark_executor_memory", "2g"),
    ],
)
def test_names_of_earlier_pipelines_are_understood(load, name, value, setting, expected):
    assert getattr(load(**{name: value}), setting) == expected


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("COINMARKETCAP_API_KEY", "coinmarketcap_api_key"),
        ("COINGECKO_API_KEY", "coingecko_api_key"),
        ("CRYPTOCOMPARE_API_KEY", "cryptocompare_api_key"),
        ("FINNHUB_API_KEY", "finnhub_api_key"),
        ("FINNHUB_TOKEN", "finnhub_api_key"),
        ("MINIO_SECRET_KEY", "s3_secret_key"),
    ],
)
def test_secrets_of_earlier_pipelines_are_understood_and_not_shown(load, name, setting):
    found = load(**{name: "secret-1"})
    assert getattr(found, setting).get_secret_value() == "secret-1"
    assert "secret-1" not in repr(found)


def test_of_two_names_of_one_setting_the_first_counts(load):
    assert load(KAFKA_BOOTSTRAP_SERVERS="kafka:9092", REDPANDA_BROKERS="redpanda:9092").bootstrap == "redpanda:9092"
    assert load(SCRAPE_INTERVAL="60s", CRYPTO_POLL_INTERVAL_MS="5000").quote_interval == timedelta(seconds=5)


def test_an_old_bucket_is_reached_by_its_old_names(load):
    names = {"MINIO_ENDPOINT": "minio:9000", "MINIO_ACCESS_KEY": "who", "MINIO_SECRET_KEY": "secret-1"}
    lake = load(CRYPTOVIZ_STORE="s3://crypto-data/lake", **names).lake
    assert (lake.uri, lake.endpoint, lake.access_key) == ("s3://crypto-data/lake", "http://minio:9000", "who")
    assert lake.secret_key == names["MINIO_SECRET_KEY"]


@pytest.mark.parametrize("name", ["MAX_CRYPTOS", "SCRAPE_INTERVAL", "CRYPTO_SYMBOL", "CRYPTO_POLL_INTERVAL_MS"])
def test_an_old_name_that_says_nothing_usable_is_an_error_that_names_the_setting(load, name):
    with pytest.raises(SettingsError, match=f"CRYPTOVIZ_{LEGACY[name][0].upper()}"):
        load(**{name: "soon"})


def test_one_symbol_is_a_list_of_one_market(load):
    assert [i.key for i in load(CRYPTO_SYMBOL="BTCUSDT").instruments] == ["binance:BTC-USDT"]


def test_the_present_name_comes_first_wherever_it_stands(load, tmp_path):
    assert load(SCRAPE_INTERVAL="30", CRYPTOVIZ_QUOTE_INTERVAL="7s").quote_interval == timedelta(seconds=7)
    (tmp_path / ".env").write_text("CRYPTOVIZ_BINANCE_REST_URL=http://ours\n")
    assert load(CRYPTO_API_URL="http://theirs").binance_rest_url == "http://ours"


def test_an_old_name_in_the_folders_file_counts_too(load, tmp_path):
    (tmp_path / ".env").write_text("COINMARKETCAP_API_KEY=from-file\n")
    assert load().coinmarketcap_api_key.get_secret_value() == "from-file"


def test_every_old_name_means_a_setting_that_there_is():
    assert {setting for setting, _ in LEGACY.values()} <= Settings.model_fields.keys()
