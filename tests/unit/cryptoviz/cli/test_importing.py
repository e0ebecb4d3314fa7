import json
import os

import pytest
from typer.testing import CliRunner

from cryptoviz.cli.main import app
from cryptoviz.inspect import importing
from cryptoviz.inspect.outbox import Sent

LINES = '{"symbol":"BTCUSDT","price":"1.5","eventTime":1757844000000}\nnonsense\n'


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Runs a command in a home of its own, with the lake in a directory and no service anywhere."""
    for name in [name for name in os.environ if name.startswith("CRYPTOVIZ_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRYPTOVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CRYPTOVIZ_STORE", "local")
    monkeypatch.setenv("CRYPTOVIZ_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("CRYPTOVIZ_START", "2025-01-01")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "crypto-data"
    folder.mkdir()
    (folder / "a.json").write_text(LINES)
    (folder / "b.parquet").write_bytes(b"torn")
    return folder


@pytest.fixture
def broker(monkeypatch):
    """Takes every message and forgets it."""
    monkeypatch.setattr(importing, "require_broker", lambda _: None)
    monkeypatch.setattr(importing, "send", lambda messages, **_: Sent(len(list(messages))))


def test_an_import_says_what_happened_and_names_what_it_skipped(cli, archive, broker):
    done = cli("import", "legacy", str(archive), "--no-wait", "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["files"], said["rows"], said["published"], said["imported"]) == (1, 2, 2, None)
    assert list(said["skipped"]) == ["b.parquet"]
    assert "skipped b.parquet: it is no readable Parquet" in done.stderr
    assert "files read: 2 of 2" in done.stderr


def test_a_skipped_file_is_a_failure_only_when_asked_for_and_only_at_the_end(cli, archive, broker):
    done = cli("import", "legacy", str(archive), "--no-wait", "--strict", "-q")
    assert done.exit_code == 1
    assert ("published" in done.stdout, "files skipped" in done.stdout) == (True, True)


@pytest.mark.parametrize(
    ("place", "start", "status", "said"),
    [
        ("nowhere", "2025-01-01", 2, "nowhere does not exist; expected Parquet or JSON"),
        ("empty", "2025-01-01", 2, "empty holds no data: found no file at all"),
        ("s3://crypto-data", "2025-01-01", 3, "the object store at http://127.0.0.1:1 does not answer"),
        ("crypto-data", "2026-01-01", 2, "CRYPTOVIZ_START=2025-09-14T10:00"),
        ("crypto-data", "2025-01-01", 3, "no Kafka broker answers at 127.0.0.1:1"),
    ],
)
def test_an_archive_that_cannot_be_imported_is_refused(cli, archive, tmp_path, monkeypatch, place, start, status, said):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("CRYPTOVIZ_ARCHIVE_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("CRYPTOVIZ_START", start)
    done = cli("import", "legacy", place, "-q")
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in " ".join(done.stderr.split())
