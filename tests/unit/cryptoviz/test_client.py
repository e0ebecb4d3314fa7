import http.server
import subprocess
import sys
import threading
import urllib.parse
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

import cryptoviz
from cryptoviz import client
from cryptoviz.inspect.reach import Unreachable
from cryptoviz.inspect.snapshot import default_tables, write_snapshot
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.storage.frames import replace_partition

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def filled(lake, hour, make_candles):
    """Two hours of two venues."""
    for n in range(2):
        closes = [str(100 + n)] * 60
        rows = [make_candles(hour.next(n), *closes, venue=v) for v in ("kraken", "binance")]
        replace_partition(OHLC_1M, lake, hour.next(n), pl.concat(rows), {})
    return lake


def test_candles_of_a_lake_are_exact_utc_and_of_one_market(filled, hour):
    rows = cryptoviz.candles("BTC-USDT", "1m", hour.start + timedelta(minutes=30), hour.next().end, source=filled.uri)
    assert rows.height == 90
    assert rows.columns == list(OHLC_1M.column_names)
    assert rows["venue"].unique().to_list() == ["binance"]
    assert rows["close"].to_list() == [Decimal(100)] * 30 + [Decimal(101)] * 60
    assert rows["window_start"].is_sorted()
    assert rows.to_arrow().schema.field("close").type.precision == 38


def test_a_venue_can_be_named_and_times_can_be_text(filled, hour):
    text = hour.start.strftime("%Y-%m-%dT%H:%M")
    rows = cryptoviz.candles("BTC-USDT", "1m", text, hour.end, venue="kraken", source=filled.uri)
    assert rows["venue"].unique().to_list() == ["kraken"]
    assert rows["window_start"][0] == hour.start


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("BTC-USDT", "7m"), "interval '7m' is none of 1m, 5m"),
        (("BTC-USDT", "1m", datetime(2026, 1, 1)), "has no time zone"),  # noqa: DTZ001 - what a user may write
        (("BTC-USDT", "1m", "2026-01-02", "2026-01-01"), "is not after"),
        (("BTC-USDT", "1m", "yesterday"), "no ISO date"),
    ],
)
def test_what_cannot_be_asked_is_said(lake, arguments, said):
    with pytest.raises(ValueError, match=said):
        cryptoviz.candles(*arguments, source=lake.uri)


def test_duckdb_has_every_written_table_under_both_names(filled, hour):
    with cryptoviz.connect(filled.uri) as connection:
        query = "SELECT count(*), sum(close) FROM {} WHERE venue = 'binance'"
        for name in ("ohlc_1m", "crypto.ohlc_1m"):
            assert connection.sql(query.format(name)).fetchall() == [(120, Decimal(60 * 201))]
        with pytest.raises(duckdb.CatalogException):
            connection.sql("SELECT * FROM trades")


def test_a_replaced_partition_is_not_counted_twice(filled, hour, make_candles):
    replace_partition(OHLC_1M, filled, hour, make_candles(hour, "7"), {})
    with cryptoviz.connect(filled.uri) as connection:
        assert connection.sql("SELECT count(*) FROM ohlc_1m").fetchall() == [(121,)]


def test_the_file_has_the_rows_of_the_lake_and_replaces_an_older_one(filled, tmp_path):
    target = tmp_path / "lake.duckdb"
    target.write_text("not a database")
    assert write_snapshot(filled, target, default_tables()) == {"ohlc_1m": 240}
    with duckdb.connect(target, read_only=True) as connection:
        assert connection.sql("SELECT sum(close) FROM crypto.ohlc_1m").fetchall() == [(Decimal(2 * 60 * 201),)]
        comment = "SELECT comment FROM duckdb_tables() WHERE table_name = 'ohlc_1m'"
        assert connection.sql(comment).fetchall() == [(OHLC_1M.doc,)]
    assert list(tmp_path.glob("*.part")) == []


class _Server(http.server.BaseHTTPRequestHandler):
    """Answers as `/api/v1/candles` does, from a frame."""

    def do_GET(self):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        self.server.asked.append({**asked, "token": self.headers.get("Authorization", "")})
        if asked["symbol"] == "NO-SUCH":
            self._answer(400, b'{"code": -1121, "msg": "Invalid symbol."}')
            return
        first, last = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
        rows = self.server.rows.filter(pl.col("window_start").is_between(first, last, closed="left"))
        sink = rows.head(int(asked["limit"])).write_ipc_stream(None, compression="zstd")
        self._answer(200, sink.getvalue())

    def _answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(hour, make_candles):
    with http.server.HTTPServer(("127.0.0.1", 0), _Server) as server:
        server.rows, server.asked = make_candles(hour, *["5"] * 60), []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_candles_of_a_server_come_in_pages_without_a_seam(server, hour, monkeypatch):
    monkeypatch.setattr(client, "_PAGE", 25)
    rows = cryptoviz.candles("BTC-USDT", "1m", hour.start, hour.end, source=server.url, token="t")  # noqa: S106 - no secret
    assert rows.equals(server.rows)
    assert [asked["limit"] for asked in server.asked] == ["25"] * 3
    assert {(a["format"], a["with_live"], a["token"]) for a in server.asked} == {("arrow", "false", "Bearer t")}


def test_a_refusal_of_the_server_is_told_in_its_own_words(server, hour):
    with pytest.raises(client.RefusedByServer, match="Invalid symbol"):
        cryptoviz.candles("NO-SUCH", "1m", hour.start, hour.end, source=server.url)


def test_a_server_that_is_not_there_is_said_to_be_so():
    with pytest.raises(Unreachable, match="does not answer"):
        cryptoviz.candles("BTC-USDT", source="http://127.0.0.1:1", end=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_import_alone_loads_nothing_heavy_and_the_names_are_functions():
    code = (
        "import sys, cryptoviz; print(sorted({'polars', 'duckdb', 'pyarrow', 'deltalake'} & set(sys.modules)));"
        "import cryptoviz.arithmetic.fold; print(callable(cryptoviz.candles), callable(cryptoviz.connect))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True True"]


def test_no_module_takes_a_name_of_the_client():
    for name in cryptoviz.__all__:
        assert not (CHECKOUT / "cryptoviz" / name).exists()
        assert not (CHECKOUT / "cryptoviz" / f"{name}.py").exists()
    with pytest.raises(AttributeError, match="no attribute 'frames'"):
        _ = cryptoviz.frames
