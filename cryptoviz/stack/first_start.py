"""The file that makes a folder the home of a stack: keys generated once, and the ports, store and first hour in use."""

import secrets
from collections.abc import Mapping
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr

from cryptoviz.settings import Ports, Settings
from cryptoviz.stack.errors import HomeHoldsOther
from cryptoviz.stack.paths import Home, write_private

_SQL_PASSWORDS = ("sql_owner_password", "sql_loader_password", "sql_reader_password")


_VENDORS = ("coingecko", "coinmarketcap", "cryptocompare", "finnhub")
_KEYS = ("coinmarketcap_api_key", "finnhub_api_key")
_SIMULATED_KEY = "simulated"
"""The simulator takes any key; so in the demo every vendor runs, and nobody's own key is sent anywhere."""


def open_home(settings: Settings, *, demo: bool) -> Settings:
    """Create or continue a home and return the settings in effect, which any later shell reads from it again.

    Raises :class:`HomeHoldsOther` when it was begun with the simulator and is continued with live venues, or the
    reverse: their trades must never meet in one lake.
    """
    home = Home.at(settings.home)
    before = dotenv_values(home.env_file) if home.env_file.is_file() else {}
    _same_kind(home, before, demo=demo)
    home.create()
    effective = settings.model_copy(update={"home": home.root, "demo": demo, **_filled(settings, demo=demo)})
    write_private(home.env_file, render(effective))
    return effective


def render(settings: Settings) -> str:
    """The text of the file: what a command in another shell needs to reach this stack."""
    values = public_values(settings)
    if settings.s3_access_key and not settings.store.startswith("s3://"):
        values["CRYPTOVIZ_S3_ACCESS_KEY"] = settings.s3_access_key
        values["CRYPTOVIZ_S3_SECRET_KEY"] = settings.s3_secret_key.get_secret_value()
    values["CRYPTOVIZ_GRAFANA_SQL"] = f"{settings.sql.host}:{settings.sql.port}"
    if not settings.sql_address:
        values |= {f"CRYPTOVIZ_{name.upper()}": getattr(settings, name).get_secret_value() for name in _SQL_PASSWORDS}
    header = "# Written by the launcher at every start. It holds keys: keep it private.\n"
    return header + "".join(f"{name}={value}\n" for name, value in values.items())


def public_values(settings: Settings) -> dict[str, str]:
    """The same without keys: environment of every process, so that no ``.env`` can lead the demo to a real venue."""
    values = {
        "CRYPTOVIZ_DEMO": str(settings.demo).lower(),
        "CRYPTOVIZ_STORE": settings.store,
        "CRYPTOVIZ_START": settings.first_hour.start.isoformat(),
        **{f"CRYPTOVIZ_PORT_{name.upper()}": str(getattr(settings.ports, name)) for name in Ports.model_fields},
    }
    if settings.demo:
        values |= {f"CRYPTOVIZ_{name.upper()}": url for name, url in _simulated(settings).items()}
        values |= {f"CRYPTOVIZ_{name.upper()}": _SIMULATED_KEY for name in _KEYS}
    return values


def _filled(settings: Settings, *, demo: bool) -> dict[str, Any]:
    update: dict[str, Any] = {"start": settings.first_hour.start}
    if settings.store == "minio" and not settings.s3_access_key:
        update["s3_access_key"] = f"cryptoviz-{secrets.token_hex(4)}"
        update["s3_secret_key"] = SecretStr(secrets.token_urlsafe(24))
    if not settings.sql_address:
        unset = [name for name in _SQL_PASSWORDS if not getattr(settings, name).get_secret_value()]
        update |= {name: SecretStr(secrets.token_urlsafe(24)) for name in unset}
    keys = dict.fromkeys(_KEYS, SecretStr(_SIMULATED_KEY))
    return update | ({**_simulated(settings), **keys} if demo else {})


def _simulated(settings: Settings) -> dict[str, str]:
    address = f"127.0.0.1:{settings.ports.of('exchange')}"
    return {
        "binance_rest_url": f"http://{address}",
        "binance_ws_url": f"ws://{address}",
        "kraken_rest_url": f"http://{address}",
        "kraken_ws_url": f"ws://{address}/v2",
        "coinbase_rest_url": f"http://{address}/coinbase",
        "coinbase_ws_url": f"ws://{address}/coinbase/ws",
        **{f"{name}_url": f"http://{address}/{name}" for name in _VENDORS},
        "finnhub_ws_url": f"ws://{address}/finnhub/ws",
    }


def _same_kind(home: Home, before: Mapping[str, str | None], *, demo: bool) -> None:
    was = before.get("CRYPTOVIZ_DEMO")
    if was is not None and was != str(demo).lower():
        kinds = {"true": "the demo's simulated trades", "false": "live trades"}
        raise HomeHoldsOther(
            f"{home.root} holds {kinds[was]}; set CRYPTOVIZ_HOME to another folder for {kinds[str(demo).lower()]}, "
            "or delete it to begin anew"
        )
