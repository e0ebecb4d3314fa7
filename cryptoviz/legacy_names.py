"""Names of the environment that earlier pipelines used, honoured where the present name is not set."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from cryptoviz.lake.symbols import UnknownSymbol, Venue, from_venue


def _seconds(text: str) -> str:
    return f"{text}s" if text.replace(".", "", 1).isdigit() else text


def _market(text: str) -> str:
    with contextlib.suppress(UnknownSymbol):
        return from_venue(Venue.BINANCE, text).key
    return text


def _address(text: str) -> str:
    return text if "://" in text or not text else f"http://{text}"


LEGACY: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "REDPANDA_BROKERS": ("kafka_bootstrap", str),
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka_bootstrap", str),
    "KAFKA_TOPIC": ("topic_quotes", str),
    "KAFKA_CLIENT_ID": ("kafka_client_id", str),
    "CRYPTO_API_URL": ("binance_rest_url", str),
    "CRYPTO_SYMBOL": ("instruments", _market),
    "CRYPTO_POLL_INTERVAL_MS": ("quote_interval", lambda text: f"{text}ms"),
    "SCRAPE_INTERVAL": ("quote_interval", _seconds),
    "BATCH_INTERVAL": ("trigger_interval", _seconds),
    "MAX_CRYPTOS": ("max_quote_assets", str),
    "COINMARKETCAP_API_KEY": ("coinmarketcap_api_key", str),
    "COINGECKO_API_KEY": ("coingecko_api_key", str),
    "CRYPTOCOMPARE_API_KEY": ("cryptocompare_api_key", str),
    "FINNHUB_API_KEY": ("finnhub_api_key", str),
    "FINNHUB_TOKEN": ("finnhub_api_key", str),
    "FINNHUB_URL": ("finnhub_url", str),
    "FINNHUB_WS_URL": ("finnhub_ws_url", str),
    "FINNHUB_SYMBOLS": ("stocks", str),
    "MINIO_ENDPOINT": ("s3_endpoint", _address),
    "MINIO_ACCESS_KEY": ("s3_access_key", str),
    "MINIO_SECRET_KEY": ("s3_secret_key", str),
    "SPARK_DRIVER_MEMORY": ("spark_driver_memory", str),
    "SPARK_EXECUTOR_MEMORY": ("spark_executor_memory", str),
}
"""Old name to setting and what makes the old value one of ours. Of two names of one setting the first here counts."""


class LegacyNames(PydanticBaseSettingsSource):
    """The weakest source before the defaults."""

    def __init__(self, settings_class: type[BaseSettings], environment: Mapping[str, str | None]) -> None:
        super().__init__(settings_class)
        self._environment = environment

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value of one setting."""
        del field
        found = self().get(field_name)
        return found, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Values by setting."""
        values: dict[str, Any] = {}
        for name, (field, convert) in LEGACY.items():
            if text := self._environment.get(name):
                values.setdefault(field, convert(text))
        return values
