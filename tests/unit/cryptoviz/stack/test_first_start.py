from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from cryptoviz.settings import Ports, Settings, load_settings
from cryptoviz.stack.errors import HomeHoldsOther
from cryptoviz.stack.first_start import open_home, public_values
from cryptoviz.stack.paths import Home
from cryptoviz.warehouse.server import Role


def settings(home: Path, **changes: object) -> Settings:
    return load_settings(home=home, **changes)


def test_another_shell_reads_what_the_first_start_settled(tmp_path: Path) -> None:
    opened = open_home(settings(tmp_path, ports=Ports(offset=300)), demo=True)
    found = load_settings(home=tmp_path)
    assert found.ports.of("kafka") == 9392
    assert found.start == opened.start
    assert found.lake == opened.lake
    assert found.demo
    assert found.kraken_ws_url == "ws://127.0.0.1:8900/v2"


def test_keys_are_generated_once(tmp_path: Path) -> None:
    first = open_home(settings(tmp_path), demo=True)
    second = open_home(settings(tmp_path), demo=True)
    assert first.s3_secret_key == second.s3_secret_key
    assert len(first.s3_secret_key.get_secret_value()) >= 24


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    one, two = (open_home(settings(tmp_path / name), demo=True) for name in ("one", "two"))
    assert one.s3_secret_key != two.s3_secret_key


def test_the_file_is_private(tmp_path: Path) -> None:
    open_home(settings(tmp_path), demo=True)
    assert Home(tmp_path).env_file.stat().st_mode & 0o777 == 0o600


def test_the_first_hour_is_where_the_backfill_begins_and_stays(tmp_path: Path) -> None:
    start = open_home(settings(tmp_path), demo=True).start
    assert start is not None
    assert (start.minute, start.second) == (0, 0)
    assert 3 <= (datetime.now(UTC) - start).total_seconds() / 3_600 <= 4.1


def test_a_home_without_minio_needs_no_keys(tmp_path: Path) -> None:
    open_home(settings(tmp_path, store="local"), demo=True)
    assert "S3" not in Home(tmp_path).env_file.read_text()


def test_in_the_demo_every_vendor_runs_and_nobodys_own_key_is_used(tmp_path: Path) -> None:
    own = settings(tmp_path, finnhub_api_key=SecretStr("my own"))
    opened = open_home(own, demo=True)
    assert {opened.finnhub_api_key.get_secret_value(), opened.coinmarketcap_api_key.get_secret_value()} == {"simulated"}
    assert public_values(opened)["CRYPTOVIZ_FINNHUB_API_KEY"] == "simulated"
    assert not any("API_KEY" in name for name in public_values(settings(tmp_path / "live")))


def test_live_trades_never_meet_the_simulated_ones(tmp_path: Path) -> None:
    open_home(settings(tmp_path), demo=True)
    with pytest.raises(HomeHoldsOther, match="simulated"):
        open_home(settings(tmp_path), demo=False)


def test_a_live_home_keeps_the_venues_own_addresses(tmp_path: Path) -> None:
    opened = open_home(settings(tmp_path), demo=False)
    assert "127.0.0.1" not in opened.binance_rest_url
    assert not any(name.endswith("_URL") for name in public_values(opened))


def test_the_environment_of_services_holds_no_key(tmp_path: Path) -> None:
    opened = open_home(settings(tmp_path), demo=True)
    assert opened.s3_secret_key.get_secret_value() not in public_values(opened).values()


def test_each_role_of_postgres_gets_a_password_of_its_own_that_stays(tmp_path: Path) -> None:
    names = ("sql_owner_password", "sql_loader_password", "sql_reader_password")
    first, again = (open_home(load_settings(home=tmp_path), demo=True) for _ in range(2))
    words = [getattr(first, name).get_secret_value() for name in names]
    assert len(set(words)) == 3
    assert min(map(len, words)) >= 32
    assert [getattr(again, name).get_secret_value() for name in names] == words


def test_the_passwords_of_another_server_are_not_made_up(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, sql_address="db.example.com:5432")
    assert open_home(settings, demo=True).sql.passwords == dict.fromkeys(Role, "")
    assert "PASSWORD" not in (tmp_path / "stack.env").read_text()
