import csv
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cryptoviz.cli.main import app
from cryptoviz.inspect import replay
from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.stack.supervision import CHILD
from cryptoviz.storage.frames import replace_partition

CHECKOUT = Path(__file__).parents[4]


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Runs a command in a home of its own, with the lake in a directory and no service anywhere."""
    for name in [name for name in os.environ if name.startswith("CRYPTOVIZ_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRYPTOVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CRYPTOVIZ_STORE", "local")
    monkeypatch.setenv("CRYPTOVIZ_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("CRYPTOVIZ_PORT_OFFSET", "21000")
    monkeypatch.setenv("CRYPTOVIZ_START", "2025-01-01")
    monkeypatch.setenv("CRYPTOVIZ_BINANCE_REST_URL", "http://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(app, arguments)

    return run


@pytest.fixture
def filled(lake, hour, make_candles):
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "7"), {})
    replace_partition(OHLC_1M, lake, hour, make_candles(hour, "64000.10", "0.000000001"), {})


COMMANDS = (
    "demo", "up", "down", "status", "logs", "doctor", "gaps", "replay", "backfill", "export", "candles", "bars", "sql",
    "data", "data list", "docs", "docs tables", "forecast", "forecast evaluate", "import",
    "import legacy", "",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_explains_itself(cli, command, option):
    done = cli(*command.split(), option)
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_help_takes_less_than_a_third_of_a_second_of_cpu():
    def spent():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    costs = []
    for _ in range(3):
        before = spent()
        command = [sys.executable, "-m", "cryptoviz.cli.main", "--help"]
        subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
        costs.append(spent() - before)
    assert min(costs) < 0.3


def test_help_imports_none_of_the_heavy_packages():
    code = "import sys, cryptoviz.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    heavy = {"polars", "duckdb", "deltalake", "pyarrow", "confluent_kafka", "pydantic", "psutil", "pyspark", "dagster"}
    assert not heavy & set(loaded.stdout.split())


def test_the_version_is_that_of_the_project(cli):
    done = cli("--version")
    assert done.exit_code == 0
    assert f'version = "{done.stdout.split()[1]}"' in (CHECKOUT / "pyproject.toml").read_text()


def test_a_stack_that_does_not_run_is_down_and_lists_its_services(cli):
    done = cli("status", "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 3
    names = {service["name"] for service in said["services"]}
    assert {"spark", "dagster-daemon"} <= names
    assert "kafka" not in names, "the broker is somebody else's"
    assert {service["state"] for service in said["services"]} == {"stopped"}
    assert said["topics"] == said["tables"] == []
    assert "Dagster" in said["links"]


def test_status_counts_the_rows_and_hours_of_tables_from_their_log(cli, filled):
    (table,) = json.loads(cli("status", "--json").stdout)["tables"]
    assert (table["name"], table["rows"], table["hours"], table["files"]) == ("ohlc_1m", 2, 1, 1)
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", table["last_commit"])
    assert table["age_s"] < 600
    assert "ohlc_1m" in cli("status").stdout


def test_the_doctor_changes_nothing_and_gives_a_fix_for_all_that_is_amiss(cli, tmp_path):
    done = cli("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert {"python", "java", "jars", "disk", "memory", "ports", "kafka", "lake", "dagster", "clock"} <= set(findings)
    assert all(finding["fix"] for finding in findings.values() if finding["verdict"] != "ok")
    assert findings["kafka"]["verdict"] == "warn"
    assert done.exit_code == int(any(finding["verdict"] == "fail" for finding in findings.values()))
    assert not (tmp_path / "home").exists()
    assert re.search(r"^⚠ kafka ", cli("doctor").stdout, re.MULTILINE)


def exported(done):
    return list(csv.DictReader(io.StringIO(done.stdout)))


SPAN = ("--from", "2026-01-02T03:00", "--to", "2026-01-02T04:00")


def test_export_writes_data_to_standard_output_and_progress_to_standard_error(cli, filled):
    done = cli("export", "ohlc_1m", *SPAN)
    assert [row["close"] for row in exported(done)] == ["64000.1", "0.000000001"]
    assert [row["open"] for row in exported(done)] == ["", ""]
    assert done.stderr == "2 rows of ohlc_1m\n"
    assert cli("export", "ohlc_1m", *SPAN, "-q").stderr == ""


def test_export_writes_a_file(cli, filled, tmp_path):
    done = cli("export", "ohlc_1m", *SPAN, "-o", "json", "--output", str(tmp_path / "rows.json"))
    assert (done.exit_code, done.stdout) == (0, "")
    first, _ = (tmp_path / "rows.json").read_text().splitlines()
    assert json.loads(first)["window_start"] == "2026-01-02T03:00:00.000000Z"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["export", "nope", *SPAN], 2, "no table 'nope'; there are raw_trades"),
        (["export", "ohlc_1m", "--from", "noon", "--to", "2026-01-02"], 2, "'noon' is no ISO date"),
        (["export", "ohlc_1m", "--from", "2026-01-02", "--to", "2026-01-02"], 2, "not after"),
        (["export", "raw_trades", *SPAN, "--venue", "kraken"], 2, "no column venue"),
        (["export", "ohlc_1m", *SPAN, "--output", "no/such/folder.csv"], 2, "no folder no/such"),
        (["export", "ohlc_1h", *SPAN], 3, "ohlc_1h does not exist"),
        (["sql", "select * from klines"], 3, "klines does not exist"),
        (["sql", "drop table ohlc_1m"], 2, "read-only"),
        (["sql", "selec 1"], 2, "Parser Error"),
        (["logs", "kafka"], 2, "no log of kafka"),
    ],
)
def test_what_a_person_can_mend_is_one_line_without_a_traceback(cli, filled, arguments, status, said):
    done = cli(*arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_store_that_does_not_answer_is_named_with_the_way_to_start_it(cli, monkeypatch):
    monkeypatch.setenv("CRYPTOVIZ_STORE", "minio")
    monkeypatch.setenv("CRYPTOVIZ_S3_ENDPOINT", "http://127.0.0.1:1")
    for arguments in (["data", "list"], ["sql", "select * from trades"], ["export", "ohlc_1m", *SPAN]):
        done = cli(*arguments)
        assert done.exit_code == 3
        assert re.fullmatch(r"error: the object store at http://127\.0\.0\.1:1 does not answer.*run up\n", done.stderr)


def test_a_setting_that_cannot_be_used_is_named(cli, monkeypatch):
    monkeypatch.setenv("CRYPTOVIZ_BACKFILL_KLINES", "many")
    done = cli("status")
    assert done.exit_code == 2
    assert "CRYPTOVIZ_BACKFILL_KLINES" in done.stderr


def test_sql_prints_csv_into_a_pipe_and_what_is_asked_for(cli, filled):
    query = "select close from ohlc_1m order by close desc"
    assert cli("sql", query).stdout == "close\n64000.1\n0.000000001\n"
    assert cli("sql", query, "-o", "json").stdout == '{"close":"64000.1"}\n{"close":"0.000000001"}\n'
    assert "64000.1" in cli("sql", query, "-o", "table").stdout
    assert cli("sql", query, "-o", "parquet").stdout_bytes.startswith(b"PAR1")


def test_data_list_gives_range_rows_and_hours_of_each_market(cli, filled):
    (row,) = json.loads(cli("data", "list", "--json").stdout)
    assert row == {
        "table": "ohlc_1m",
        "venue": "binance",
        "symbol": "BTC-USDT",
        "first": "2026-01-02T03:00:00.000000Z",
        "last": "2026-01-02T03:01:00.000000Z",
        "rows": 2,
        "hours": 1,
    }
    assert exported(cli("data", "list", "-o", "csv"))[0]["rows"] == "2"
    assert "BTC-USDT" in cli("data", "list").stdout


def test_colours_are_left_out_where_they_are_not_wanted(cli, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[3" not in cli("status").stdout


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "trades.json"
    path.write_text(
        '{"error": [], "result": {"XBTUSDT": [["1.0", "2.0", 1767323045.5, "b", "l", "", 1]], "last": "1"}}'
    )
    return str(path)


@pytest.mark.parametrize(
    ("start", "arguments", "status", "said"),
    [
        ("2026-01-02T04:00", ["--venue", "kraken"], 2, "CRYPTOVIZ_START=2026-01-02T03:00"),
        ("2026-01-02T03:00", ["--venue", "kraken"], 3, "no Kafka broker answers at 127.0.0.1:1"),
        ("2026-01-02T03:00", ["--venue", "binance"], 2, "trades.json is no binance recording"),
        ("2026-01-02T03:00", ["--venue", "kraken", "--format", "lines"], 2, "trades.json is no kraken recording"),
    ],
)
def test_a_recording_that_cannot_be_replayed_is_refused(cli, monkeypatch, recording, start, arguments, status, said):
    monkeypatch.setenv("CRYPTOVIZ_START", start)
    done = cli("replay", "--file", recording, *arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in done.stderr


def test_a_replay_says_what_happened(cli, monkeypatch, recording):
    monkeypatch.setattr(replay, "publish", lambda trades, *_, **__: replay.describe(trades))
    said = json.loads(cli("replay", "--venue", "kraken", "--file", recording, "--no-wait", "--json").stdout)
    assert said.pop("seconds") >= 0
    assert said == {
        "messages": 1,
        "refused": 0,
        "markets": ["kraken:BTC-USDT"],
        "first_trade": "2026-01-02T03:04:05.500+00:00",
        "last_trade": "2026-01-02T03:04:05.500+00:00",
        "hours": 1,
        "first_hour": "2026-01-02-03:00",
        "last_hour": "2026-01-02-03:00",
    }


def test_the_page_of_tables_is_current():
    command = [sys.executable, "-m", "cryptoviz.cli.main", "docs", "tables", "--check"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_page_that_drifted_fails_with_the_difference(cli, tmp_path):
    page = tmp_path / "tables.md"
    assert cli("docs", "tables", "--page", str(page)).exit_code == 0
    assert cli("docs", "tables", "--page", str(page), "--check").exit_code == 0
    page.write_text(page.read_text().replace("## `trades`", "## `trade`"))
    done = cli("docs", "tables", "--page", str(page), "--check")
    assert done.exit_code == 1
    assert "-## `trade`\n+## `trades`" in done.stderr


def start(home, *arguments):
    """A command that hears Ctrl-C, also where these tests do not, as in a job in the background."""
    environment = {**os.environ, "CRYPTOVIZ_HOME": str(home), "CRYPTOVIZ_STORE": "local"}
    command = [sys.executable, str(CHILD), "--", sys.executable, "-m", "cryptoviz.cli.main", *arguments]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_reader_that_goes_away_ends_a_command_without_a_traceback(tmp_path):
    with start(tmp_path, "sql", "select * from range(300000)") as process:
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_ctrl_c_ends_with_130(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kafka.log").write_text("started\n")
    with start(tmp_path, "logs", "kafka", "--follow") as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode == 130
