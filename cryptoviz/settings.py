"""Environment to frozen settings: the only reader of the environment besides Dagster's ``EnvVar``.

Precedence: environment, then ``.env`` in the working directory, then ``stack.env`` in the home (written by the
launcher, so that a command in another shell reaches the same stack), then the name that an earlier pipeline
had for it (:mod:`cryptoviz.legacy_names`), then the default. Every name of ours begins with ``CRYPTOVIZ_``.
What a service needs is passed on as arguments; nothing below an entry point calls :func:`load_settings`.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.retention import Retention, parse_retention
from cryptoviz.lake.symbols import Instrument, parse_instrument
from cryptoviz.lake.topics import QUOTES, TOPICS, Topic
from cryptoviz.legacy_names import LegacyNames
from cryptoviz.warehouse.server import Role, Server

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_POSTGRES = re.compile(r"^postgres(?:ql)?://[^/?#]+/[^/?#]+")
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)$")

_TOPIC = re.compile(r"^[A-Za-z0-9._-]{1,249}$")

STACK_ENV = "stack.env"
"""File in the home of a stack with its ports, store, first hour and keys; mode 0600."""

DEFAULT_INSTRUMENTS = (
    "binance:BTC-USDT,binance:ETH-USDT,binance:SOL-USDT,binance:XRP-USDT,binance:BNB-USDT,kraken:BTC-USD,kraken:ETH-USD,"
    "coinbase:BTC-USD,coinbase:ETH-USD"
)

DEFAULT_ASSETS = "BTC,ETH,SOL,XRP,BNB"


class SettingsError(ValueError):
    """A setting cannot be used; the message names the variable, what was found and what is expected."""


def _duration(value: Any) -> Any:
    match = _DURATION.match(value.strip()) if isinstance(value, str) else None
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]]) if match else value


def _instruments(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(parse_instrument(part.strip()) for part in value.split(",") if part.strip())
    return value


def _retention(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = (part.strip().partition("=") for part in value.split(",") if part.strip())
    return parse_retention({name.strip(): _duration(kept) for name, _, kept in parts})


def _topics(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if bad := [name for name in names if not _TOPIC.match(name)]:
        raise ValueError(f"{bad[0]!r} is no name of a Kafka topic")
    return names


def _names(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip().upper() for part in value.split(",") if part.strip())
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Ports(BaseSettings):
    """Where each service listens, always on 127.0.0.1 unless a container sets another host."""

    model_config = SettingsConfigDict(env_prefix="CRYPTOVIZ_PORT_", frozen=True, extra="ignore")

    offset: int = Field(default=0, description="Added to every port, so that two stacks live side by side.")
    kafka: int = 9092
    kafka_controller: int = 9093
    minio: int = 9000
    minio_console: int = Field(default=9001, description="MinIO's own page.")
    exchange: int = 8600
    postgres: int = 5432
    dagster: int = 3000
    dagster_code: int = 4266
    producer: int = 9101
    spark: int = Field(default=9102, description="Metrics and health of the Spark service.")
    spark_ui: int = 4040
    serving: int = Field(default=8700, description="The page and the REST interface.")
    serving_alias: int = Field(default=8501, description="The page again, where dashboards of older pipelines were.")

    def of(self, service: str) -> int:
        """The port of a service, offset included."""
        return int(getattr(self, service)) + self.offset


class Settings(BaseSettings):
    """Everything that can be set, with its default and meaning."""

    model_config = SettingsConfigDict(env_prefix="CRYPTOVIZ_", frozen=True, extra="ignore")

    home: Path = Field(default=Path(".cryptoviz"), description="Holds all state of one stack.")
    cache: Path = Field(default=Path("~/.cache/cryptoviz"), description="Programs and jars that all stacks share.")
    demo: bool = Field(default=False, description="The exchange simulator stands for the venues.")
    minio: str = Field(default="", description="A MinIO program to use; found or built when empty.")
    uv: str = Field(default="", description="The uv program; the one on PATH when empty.")
    store: str = Field(default="minio", description="minio, local, or s3://bucket/prefix.")
    lake_uri: str = Field(default="", description="Root of the lake; derived from the store when empty.")
    s3_endpoint: str = Field(default="", description="Endpoint of the object store; MinIO's own when empty.")
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"

    archive_endpoint: str = Field(
        default="", description="Endpoint of the store that an imported archive lies in; the lake's when empty."
    )
    archive_access_key: str = ""
    archive_secret_key: SecretStr = SecretStr("")

    sql_address: str = Field(default="", description="host:port of PostgreSQL; the stack's own when empty.")
    sql_owner_password: SecretStr = SecretStr("")
    sql_loader_password: SecretStr = SecretStr("")
    sql_reader_password: SecretStr = SecretStr("")

    kafka_bootstrap: str = Field(default="", description="Broker addresses; the stack's own broker when empty.")
    kafka_client_id: str = Field(default="cryptoviz", description="How the producer calls itself to the broker.")
    topic_trades: str = "trades"
    topic_klines: str = "klines"
    topic_book_tickers: str = "book_tickers"
    topic_quotes: str = "quotes"
    topic_instruments: str = "instruments"
    topic_gaps: str = "gaps"
    legacy_topics: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_topics)] = Field(
        default=(), description="Topics of earlier pipelines whose records are quotes too, comma separated."
    )

    start: datetime | None = Field(
        default=None, description="First hour of the lake (UTC); unset, where the first backfill begins."
    )
    instruments: Annotated[tuple[Instrument, ...], NoDecode, BeforeValidator(_instruments)] = Field(
        default=DEFAULT_INSTRUMENTS, validate_default=True, description="venue:BASE-QUOTE, comma separated."
    )
    backfill_trades: Duration = Field(default=timedelta(hours=3), description="Trades fetched before the first start.")
    backfill_klines: int = Field(default=720, ge=0, description="Hourly klines per symbol fetched at first start.")

    binance_trades: Literal["trades", "aggregates"] = Field(
        default="trades",
        description="Binance's trades one by one, or as aggregates of one order and price: fewer records, same ids.",
    )

    book_ticker_interval: Duration = Field(
        default=timedelta(seconds=1), gt=timedelta(0), description="At most one best bid and ask of a symbol in it."
    )

    socket_max_age: Duration = Field(
        default=timedelta(hours=23, minutes=30),
        gt=timedelta(0),
        description="Age at which a connection to a venue is replaced, before the venue ends it.",
    )

    quote_assets: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=DEFAULT_ASSETS, validate_default=True, description="What polled vendors are asked for, in dollars."
    )
    max_quote_assets: int = Field(default=100, gt=0, description="At most so many of them.")
    stocks: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=("AAPL", "MSFT"), description="Stocks that Finnhub is asked for."
    )
    quote_interval: Duration = Field(
        default=timedelta(seconds=60),
        gt=timedelta(0),
        description="Between two polls of a vendor; of CoinGecko and CoinMarketCap at least 5 minutes.",
    )
    coingecko_api_key: SecretStr = SecretStr("")
    coinmarketcap_api_key: SecretStr = SecretStr("")
    cryptocompare_api_key: SecretStr = SecretStr("")
    finnhub_api_key: SecretStr = SecretStr("")

    binance_rest_url: str = "https://api.binance.com"
    binance_ws_url: str = "wss://stream.binance.com:9443"
    kraken_rest_url: str = "https://api.kraken.com"
    kraken_ws_url: str = "wss://ws.kraken.com/v2"
    coinbase_rest_url: str = "https://api.exchange.coinbase.com"
    coinbase_ws_url: str = "wss://ws-feed.exchange.coinbase.com"
    coingecko_url: str = "https://api.coingecko.com"
    coinmarketcap_url: str = "https://pro-api.coinmarketcap.com"
    cryptocompare_url: str = "https://min-api.cryptocompare.com"
    finnhub_url: str = "https://finnhub.io"
    finnhub_ws_url: str = "wss://ws.finnhub.io"

    spark_master: str = "local[*]"
    spark_jars: str = Field(default="", description="Jars of the Kafka connector, comma separated.")
    spark_driver_memory: str = "1g"
    spark_executor_memory: str = Field(default="1g", description="Of each executor; none runs under a local master.")
    trigger_interval: Duration = Field(default=timedelta(seconds=5), description="Pause between two lake batches.")
    max_batch_rows: int = Field(default=300_000, gt=0, description="Upper bound of Kafka records in one batch.")
    spark_max_failures: int = Field(default=10, gt=0, description="Consecutive failures before the service gives up.")

    dagster_storage: SecretStr = Field(
        default=SecretStr(""), description="postgres://user:password@host/database for its history; SQLite when empty."
    )
    open_hour_refresh: Duration = Field(
        default=timedelta(minutes=2), description="How often the hour in progress is folded provisionally."
    )
    retention: Annotated[Retention, NoDecode, BeforeValidator(_retention)] = Field(
        default={}, description="How long rows of a table are kept, as raw_trades=90d,duplicates=30d; others for ever."
    )
    keep_replaced: Duration = Field(
        default=timedelta(days=1), description="How long replaced files stay for those who still read them."
    )
    serving_host: str = Field(default="127.0.0.1", description="Address the page and REST listen on.")
    serving_token: SecretStr = Field(
        default=SecretStr(""), description="Required of every caller when set; must be set beyond loopback."
    )
    serving_cache_mb: int = Field(default=256, gt=0, description="Memory for candles read from the lake.")
    exchange_seed: int = Field(default=7, description="Seed of the exchange simulator.")
    exchange_rate: float = Field(default=1.0, gt=0, description="Multiplier of the simulated trade rate.")
    exchange_recordings: str = Field(
        default="",
        description="Recordings that the simulator plays, comma separated; FILE@now begins now.",
    )
    recordings: Path = Field(default=Path("../shared/data"), description="Recordings of venues, for tests and replays.")
    ports: Ports = Field(default_factory=Ports)

    @field_validator("start")
    @classmethod
    def _utc_hour(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return Hour.containing(aware).start

    @field_validator("legacy_topics")
    @classmethod
    def _topics_apart(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        taken = {info.data.get(f"topic_{topic.name}"): topic.name for topic in TOPICS if topic != QUOTES}
        if both := [name for name in value if name in taken]:
            raise ValueError(f"{both[0]!r} is the topic of {taken[both[0]]} already")
        return value

    @field_validator("dagster_storage")
    @classmethod
    def _postgres_url(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not _POSTGRES.match(url):
            raise ValueError("it is not of the form postgres://user:password@host:5432/database")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the files, and names of earlier pipelines after both."""
        del file_secret_settings
        environment = {**dotenv_values(".env"), **os.environ}
        return init_settings, env_settings, dotenv_settings, LegacyNames(settings_cls, environment)

    @property
    def bootstrap(self) -> str:
        """Addresses of the broker."""
        return self.kafka_bootstrap or f"127.0.0.1:{self.ports.of('kafka')}"

    def topic_name(self, topic: Topic) -> str:
        """What the broker calls a topic."""
        return str(getattr(self, f"topic_{topic.name}"))

    def topic_names(self, topic: Topic) -> tuple[str, ...]:
        """What the broker calls every topic that feeds the same tables, our own first."""
        fed_by = (self.topic_name(topic), *(self.legacy_topics if topic == QUOTES else ()))
        return tuple(dict.fromkeys(fed_by))

    @property
    def lake(self) -> Location:
        """Where the lake lies and how to reach it."""
        if self.store == "local":
            return Location(uri=self.lake_uri or str(self.home.resolve() / "lake"))
        uri = self.lake_uri or (self.store if self.store.startswith("s3://") else "s3://lake")
        endpoint = self.s3_endpoint or (f"http://127.0.0.1:{self.ports.of('minio')}" if self.store == "minio" else "")
        return Location(
            uri=uri,
            endpoint=endpoint,
            access_key=self.s3_access_key,
            secret_key=self.s3_secret_key.get_secret_value(),
            region=self.s3_region,
        )

    @property
    def sql(self) -> Server:
        """The PostgreSQL that tables are published to."""
        host, _, port = (self.sql_address or f"127.0.0.1:{self.ports.of('postgres')}").rpartition(":")
        passwords = {
            Role.OWNER: self.sql_owner_password,
            Role.LOADER: self.sql_loader_password,
            Role.READER: self.sql_reader_password,
        }
        return Server(
            host=host, port=int(port), passwords={role: word.get_secret_value() for role, word in passwords.items()}
        )

    @property
    def first_hour(self) -> Hour:
        """First hour of the lake; an unset start is where a first start's backfill begins."""
        return Hour.containing(self.start or datetime.now(UTC) - self.backfill_trades)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment once. Raises :class:`SettingsError` naming each variable that cannot be used."""
    home = Path(overrides.get("home") or os.environ.get("CRYPTOVIZ_HOME") or ".cryptoviz")
    files = (home / STACK_ENV, Path(".env"))
    try:
        ports = overrides.pop("ports", None) or Ports(_env_file=files)  # type: ignore[call-arg]
        return Settings(_env_file=files, ports=ports, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        lines = [f"{_variable(e['loc'])}: {e['msg']} (got {_shown(e['loc'], e['input'])})" for e in error.errors()]
        raise SettingsError("; ".join(lines)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    prefix = "CRYPTOVIZ_PORT_" if location and location[0] in Ports.model_fields else "CRYPTOVIZ_"
    return prefix + "_".join(map(str, location)).upper()


def _shown(location: tuple[int | str, ...], found: object) -> str:
    field = Settings.model_fields.get(str(location[-1])) if location else None
    return "a secret that is not shown" if field and field.annotation is SecretStr else repr(found)
