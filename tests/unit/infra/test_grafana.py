"""Dashboards as Grafana would load them: linted, typed where its types are at hand, every query run on PostgreSQL.

Nothing here draws: how panels look is not tested.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import yaml

from cryptoviz.lake.hours import Hour
from cryptoviz.lake.schema import Type
from cryptoviz.storage.frames import empty
from cryptoviz.storage.partition_files import PartitionState
from cryptoviz.warehouse.load import load_partition
from cryptoviz.warehouse.publications import BY_NAME as PUBLISHED
from cryptoviz.warehouse.publications import PUBLICATIONS
from cryptoviz.warehouse.server import Role
from cryptoviz.warehouse.views import views

GRAFANA = Path(__file__).parents[3] / "infra" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
TARGETS = [(name, panel, target) for name, panel in PANELS for target in panel["targets"]]
VARIABLES = [
    (name, one) for name, board in BOARDS.items() for one in board["templating"]["list"] if one["type"] == "query"
]


def titled(value) -> str:
    """Name of a parameter in a test's id."""
    return str(value.get("title") or value.get("name") or "") if isinstance(value, dict) else str(value)


AT = Hour.containing(datetime.now(UTC)).next(-3)
CHOSEN = {"venue": "binance", "symbol": "BTC-USDT", "model": "ewma", "interval": "1m"}
_DEFAULTS = {
    Type.STRING: "v", Type.INT32: 1, Type.INT64: 1, Type.DECIMAL: Decimal(2), Type.FLOAT64: 0.5,
    Type.BOOL: True, Type.BINARY: b"x",
}  # fmt: skip
_SPECIAL = {
    "trades": [{"source": "ws"}],
    "quotes": [{"venue": "cryptocompare"}, {"venue": "finnhub", "offset": 2}],
    "klines": [{"interval": "1h", "volume": Decimal(3)}],
    "candle_publications": [
        {"interval": "1m", "cause": "first"},
        {"interval": "1h", "cause": "trades", "published_time": AT.start + timedelta(minutes=40)},
    ],
}


def rows_for(publication) -> pl.DataFrame:
    """One row (or those that some panel needs) in the hour, every column filled."""
    table = publication.table
    values = {c.name: _DEFAULTS.get(c.type, AT.start + timedelta(minutes=30)) for c in table.columns}
    known = {name: value for name, value in CHOSEN.items() if name in values and name != "interval"}
    filled = {**values, **known, table.time_column: publication.span_at(AT).start}
    rows = [{**filled, **special} for special in _SPECIAL.get(table.name, [{}])]
    return pl.DataFrame(rows, schema=empty(table).schema)


@pytest.fixture(scope="module")
def filled(postgres):
    """A server with rows of one hour in every table."""
    with postgres.connect(Role.LOADER) as connection:
        for publication in PUBLICATIONS:
            state = PartitionState(table_id="t", lake_version=1, digest="d")
            load_partition(connection, publication, publication.span_at(AT), state, rows_for(publication))
    return postgres


def expand(sql: str, values: dict[str, str]) -> str:
    """What Grafana makes of a query: variables, then the macros of its PostgreSQL datasource."""
    first, last = ((AT.start + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ") for h in (-30, 30))
    sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda m: "'" + values[m[1]].replace("'", "''") + "'", sql)
    sql = re.sub(r"\$(?!__)(\w+)", lambda m: values[m[1]], sql)
    sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN '{first}' AND '{last}'", sql)
    seconds = {"1m": 60, "5m": 300, "1h": 3600}
    sql = re.sub(
        r"\$__timeGroupAlias\(([^,]+), '(\w+)'\)",
        lambda m: f'floor(extract(epoch from {m[1]})/{seconds[m[2]]})*{seconds[m[2]]} AS "time"',
        sql,
    )
    assert "$" not in sql, f"a macro or variable that is not expanded: {sql}"
    return sql


def require_tables(sql: str) -> None:
    """Skip a query over a table that the lake does not declare yet."""
    missing = set(re.findall(r"crypto\.(\w+)", sql)) - set(PUBLISHED) - {view.name for view in views()}
    if missing:
        pytest.skip(f"not published: {', '.join(missing)}")


@pytest.mark.parametrize(
    ("board", "panel", "target"), TARGETS, ids=lambda v: v.get("title") if isinstance(v, dict) else v
)
def test_the_query_of_each_panel_gives_rows_in_its_format(filled, board, panel, target):
    intervals = ("1m", "5m", "15m", "1h", "4h", "1d") if "$interval" in target["rawSql"] else ("1m",)
    for interval in intervals:
        sql = expand(target["rawSql"], {**CHOSEN, "interval": interval})
        require_tables(sql)
        with filled.connect() as connection:
            cursor = connection.execute(sql.encode())
            found, names = cursor.fetchall(), [column.name for column in cursor.description]
        assert found, sql
        if target["format"] == "time_series":
            assert names[0] == "time"
            assert all(isinstance(value, int | float) for row in found for value in row[-1:] if value is not None)
            assert len(names) == len(set(names))


@pytest.mark.parametrize(("board", "variable"), VARIABLES, ids=titled)
def test_the_query_of_each_variable_gives_values(filled, board, variable):
    require_tables(variable["query"])
    with filled.connect() as connection:
        values = {row[0] for row in connection.execute(variable["query"].encode())}
    assert CHOSEN[variable["name"]] in values


@pytest.mark.parametrize("board", BOARDS)
def test_a_hostile_value_of_a_variable_stays_a_value(filled, board):
    hostile = dict.fromkeys(("venue", "symbol", "model"), "x'; DROP TABLE crypto.trades; --")
    for panel in BOARDS[board]["panels"]:
        sql = expand(panel["targets"][0]["rawSql"], {**CHOSEN, **hostile})
        if not set(re.findall(r"crypto\.(\w+)", sql)) - set(PUBLISHED) - {"trades"}:
            with filled.connect() as connection:
                connection.execute(sql.encode())


def test_the_dashboards_are_the_four_and_have_a_place_of_their_own():
    assert set(BOARDS) == {"market", "pipeline", "quality", "forecasts"}
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("board", BOARDS)
def test_a_dashboard_can_be_provisioned_anywhere(board):
    text = (GRAFANA / "dashboards" / f"{board}.json").read_text()
    assert "__inputs" not in text
    assert "${DS_" not in text
    assert BOARDS[board].get("id") is None
    numbers = [panel["id"] for panel in BOARDS[board]["panels"]]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("board", BOARDS)
def test_panels_fit_the_grid_and_do_not_overlap(board):
    places = [panel["gridPos"] for panel in BOARDS[board]["panels"]]
    for place in places:
        assert place["x"] + place["w"] <= 24
    for a, b in itertools.combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (a, b)


def test_every_datasource_that_is_named_is_provisioned():
    provisioned = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "postgres.yaml").read_text())
    known = {(one["uid"], one["type"]) for one in provisioned["datasources"]}
    named = [panel["datasource"] for _, panel in PANELS] + [target["datasource"] for *_, target in TARGETS]
    assert {(one["uid"], one["type"]) for one in named + [v["datasource"] for _, v in VARIABLES]} == known


def test_a_candlestick_panel_has_its_fields():
    for _, panel, target in TARGETS:
        if panel["type"] == "candlestick":
            for field in panel["options"]["fields"].values():
                assert re.search(rf"AS {field}\b", target["rawSql"])


def test_compose_starts_grafana_with_these_files_and_no_rights():
    compose = yaml.safe_load((GRAFANA.parent / "compose.yaml").read_text())
    service = compose["services"]["grafana"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert not service["user"].startswith(("0", "root"))
    assert service["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    mounted = dict(volume.split(":")[:2] for volume in service["volumes"] if volume.startswith("."))
    for source in mounted:
        assert (GRAFANA.parent / source).is_dir()
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "cryptoviz.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] == mounted["./grafana/dashboards"]


def test_the_dashboards_have_the_types_of_grafana(tmp_path):
    """With the packages of `infra/grafana/package-lock.json`, which `./run test` installs where there is npm."""
    modules = Path(os.environ.get("CRYPTOVIZ_NODE_MODULES", GRAFANA / "node_modules"))
    if not (modules / "@grafana" / "schema").is_dir() or not shutil.which("node"):
        pytest.skip("Grafana's types are not installed; see docs/guides/grafana.md")
    (tmp_path / "node_modules").symlink_to(modules.resolve())
    for name, board in BOARDS.items():
        text = json.dumps({**board, "panels": []})
        panels = "".join(f"const p{panel['id']}: Panel = {json.dumps(panel)};\n" for panel in board["panels"])
        head = 'import { type Dashboard, type Panel, ThresholdsMode } from "@grafana/schema";\n'
        used = ", ".join(f"p{panel['id']}" for panel in board["panels"])
        tail = f"export const d: Dashboard = {text};\nexport const all = [{used}];\n"
        (tmp_path / f"{name}.ts").write_text(
            head + (panels + tail).replace('"mode": "absolute"', '"mode": ThresholdsMode.Absolute')
        )
    files = [f"{name}.ts" for name in BOARDS]
    options = ["--strict", "--noEmit", "--skipLibCheck", "--moduleResolution", "bundler", "--module", "esnext"]
    compiler = ["node", "node_modules/typescript/bin/tsc"]
    done = subprocess.run([*compiler, *options, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
