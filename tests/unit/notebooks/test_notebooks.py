"""The notebooks run from top to bottom over a small lake, as scripts, the way marimo runs them without a browser."""

import os
import runpy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from cryptoviz.lake.candle_tables import OHLC_1M
from cryptoviz.lake.hours import Hour
from cryptoviz.lake.locations import Location
from cryptoviz.lake.schema import Type
from cryptoviz.storage.frames import empty, replace_partition

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
HOUR = Hour(datetime(2026, 1, 2, 3, tzinfo=UTC))
_FILLED = {Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal(1)}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home of a stack whose lake has one hour of candles."""
    values = {c.name: None if c.nullable else _FILLED.get(c.type) for c in OHLC_1M.columns}
    rows = [
        {**values, "venue": "binance", "symbol": "BTC-USDT", "close": Decimal(100 + n), "status": "traded",
         "window_start": HOUR.start + timedelta(minutes=n), "window_end": HOUR.start + timedelta(minutes=n + 1)}
        for n in range(60)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=empty(OHLC_1M).schema)
    replace_partition(OHLC_1M, Location(uri=str(tmp_path / "lake")), HOUR, frame, {})
    monkeypatch.setenv("CRYPTOVIZ_HOME", str(tmp_path))
    monkeypatch.setenv("CRYPTOVIZ_STORE", "local")
    return tmp_path


def test_there_are_notebooks():
    assert {path.name for path in NOTEBOOKS.glob("*.py")} == {"candles.py", "quality.py"}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs_as_a_script(home, path):
    pytest.importorskip("marimo", reason="marimo is not installed: pip install marimo")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(NOTEBOOKS.parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, str(path)], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_notebook_of_candles_computes_what_a_hand_would(home):
    pytest.importorskip("marimo", reason="marimo is not installed: pip install marimo")
    _, defined = runpy.run_path(str(NOTEBOOKS / "candles.py"))["app"].run()
    assert defined["minutes"].height == 60
    row = defined["hours"].row(0, named=True)
    assert (row["close"], row["volume"], row["minutes_in_doubt"]) == (Decimal(159), Decimal(60), 0)


def test_the_notebook_of_quality_counts_minutes(home):
    pytest.importorskip("marimo", reason="marimo is not installed: pip install marimo")
    _, defined = runpy.run_path(str(NOTEBOOKS / "quality.py"))["app"].run()
    assert defined["statuses"]["minutes"].to_list() == [60]
