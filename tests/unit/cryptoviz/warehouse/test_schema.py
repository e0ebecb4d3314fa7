import psycopg
import pytest

from cryptoviz.warehouse.publications import PUBLICATIONS
from cryptoviz.warehouse.schema import prepare_schema, relations
from cryptoviz.warehouse.server import Role

READ = "SELECT count(*) FROM crypto.ohlc_1m"
WRITE = "DELETE FROM crypto.ohlc_1m WHERE false"
MAKE = "CREATE TABLE crypto.mine (a int)"
TEMPORARY = "CREATE TEMPORARY TABLE mine (a int)"
LEDGER = "DELETE FROM crypto_load.partitions WHERE false"
DEFINITIONS = "DELETE FROM crypto_load.relations WHERE false"
PUBLIC = "CREATE TABLE public.mine (a int)"
FILES = "COPY crypto.ohlc_1m TO '/out'"
PROGRAM = "COPY crypto.ohlc_1m FROM PROGRAM 'true'"
MAY = {
    Role.READER: {READ},
    Role.LOADER: {READ, WRITE, TEMPORARY, LEDGER},
    Role.OWNER: {READ, WRITE, MAKE, TEMPORARY, LEDGER, DEFINITIONS, PUBLIC},
}
ALL = (READ, WRITE, MAKE, TEMPORARY, LEDGER, DEFINITIONS, PUBLIC, FILES, PROGRAM)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("statement", ALL)
def test_a_role_may_do_what_its_name_says_and_no_more(postgres, role, statement):
    with postgres.connect(role) as connection:
        connection.execute("BEGIN READ WRITE")
        if statement in MAY[role]:
            connection.execute(statement)
        else:
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute(statement)
        connection.execute("ROLLBACK")


def test_the_reader_cannot_write_by_default_and_does_not_wait_for_ever(postgres):
    with postgres.connect() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("15s",)
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_every_relation_exists_and_preparing_again_makes_nothing(postgres):
    with psycopg.connect(postgres.server.conninfo(Role.OWNER)) as connection:
        assert prepare_schema(connection) == []
        for relation in relations():
            assert connection.execute("SELECT to_regclass(%s)", [relation.identifier]).fetchone() != (None,)


def test_every_table_has_the_key_of_the_contract(ask):
    rows = ask(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY k.at) FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indrelid CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, at) "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number "
        "WHERE i.indisprimary AND c.relnamespace = 'crypto'::regnamespace GROUP BY 1"
    )
    assert dict(rows) == {p.name: list(p.key) for p in PUBLICATIONS}


def test_a_changed_definition_is_made_anew_and_its_partitions_are_loaded_again(own_postgres):
    own_postgres.start()
    own_postgres.create_relations()
    with psycopg.connect(own_postgres.server.conninfo(Role.OWNER)) as connection:
        record = "INSERT INTO crypto_load.partitions VALUES (%s, 'p', 't', 1, 'd', 0)"
        for table in ("ohlc_1m", "klines"):
            connection.execute(record, [table])
        connection.execute("UPDATE crypto_load.relations SET digest = 'older' WHERE name LIKE '%ohlc_1m\"'")
        connection.execute("INSERT INTO crypto_load.relations VALUES ('crypto.forgotten', 'TABLE', 'd')")
        connection.execute("CREATE TABLE crypto.forgotten ()")
        made = prepare_schema(connection)
        left = connection.execute("SELECT table_name FROM crypto_load.partitions").fetchall()
        assert connection.execute("SELECT to_regclass('crypto.forgotten')").fetchone() == (None,)
    assert made == ["ohlc_1m", "fact_ohlc_1m", "crypto_prices_agg_1min"]
    assert left == [("klines",)]
