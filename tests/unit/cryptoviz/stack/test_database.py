import dataclasses

import psycopg
import pytest

from cryptoviz.stack import database
from cryptoviz.stack.errors import ServiceFailed, ToolMissing
from cryptoviz.warehouse.server import Role, Server


def test_a_password_that_changed_in_the_home_holds_from_the_next_start(own_postgres):
    own_postgres.start()
    own_postgres.stop()
    before = own_postgres.server
    words = {role: f"another \\ '{role}" for role in Role}
    own_postgres.server = dataclasses.replace(before, passwords=words)
    own_postgres.database = dataclasses.replace(own_postgres.database, server=own_postgres.server)
    own_postgres.start()
    with own_postgres.connect(Role.LOADER) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("crypto_loader",)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(before.conninfo(Role.LOADER))


def test_a_first_start_that_was_cut_short_is_begun_anew(own_postgres):
    (own_postgres.database.folder / "data.part").mkdir(parents=True)
    (own_postgres.database.folder / "data.part" / "rest").write_text("of an earlier try")
    own_postgres.start()
    assert not (own_postgres.database.folder / "data.part").exists()


def test_data_of_another_major_version_is_named_and_left_alone(own_postgres):
    own_postgres.start()
    version = own_postgres.database.data / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(ServiceFailed, match="is of PostgreSQL 17 and the programs are 18; delete the folder"):
        own_postgres.database.prepare()
    assert own_postgres.database.data.is_dir()


def test_passwords_are_in_no_command_line_and_no_repr(tmp_path):
    server = Server(host="127.0.0.1", port=1, passwords=dict.fromkeys(Role, "secret"))
    made = database.Database(folder=tmp_path, server=server)
    assert "secret" not in " ".join(made.command) + repr(made) + server.link(Role.READER, password_file=tmp_path)
    assert "secret" in server.conninfo(Role.READER)


def test_a_program_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(database, "_WHEEL", "no_such_wheel")
    with pytest.raises(ToolMissing, match="program postgres is not installed"):
        database.find_program("postgres")
