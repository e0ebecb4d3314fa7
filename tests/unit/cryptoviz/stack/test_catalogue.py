from concurrent.futures import Future
from pathlib import Path

import pytest
import yaml

from cryptoviz.settings import Ports, Settings, load_settings
from cryptoviz.stack.backing import backing_of
from cryptoviz.stack.broker import Broker
from cryptoviz.stack.catalogue import build_services, links, service_names, stack_environment
from cryptoviz.stack.java import Java
from cryptoviz.stack.leftovers import MARK
from cryptoviz.stack.orchestrator import Orchestrator
from cryptoviz.stack.toolchain import Toolchain


@pytest.fixture
def tools() -> Toolchain:
    return Toolchain(
        java=Java(executable=Path("/java"), ivy=Path("/ivy.jar")),
        java_home=Path("/shim"),
        kafka_jars=Path("/jars"),
        spark_jars=(Path("/a.jar"), Path("/b.jar")),
        object_server=Future(),
    )


def settings(home: Path, **changes: object) -> Settings:
    return load_settings(home=home, **({"store": "minio", "demo": True} | changes))


def test_the_demo_has_every_service_in_start_order(tmp_path: Path, tools: Toolchain) -> None:
    names = [service.name for service in build_services(settings(tmp_path), tools)]
    assert set(names) == set(service_names(settings(tmp_path)))
    assert names.index("kafka") < names.index("spark")
    assert names.index("exchange") < names.index("producer")
    assert names.index("dagster-code") < names.index("dagster-daemon")


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"store": "local"}, "minio"),
        ({"demo": False}, "exchange"),
        ({"kafka_bootstrap": "redpanda:9092"}, "kafka"),
        ({"sql_address": "db:5432"}, "postgres"),
    ],
)
def test_a_service_that_is_not_needed_is_not_started(
    tmp_path: Path, tools: Toolchain, changes: dict[str, object], absent: str
) -> None:
    made = build_services(settings(tmp_path, **changes), tools)
    assert absent not in {service.name for service in made}
    assert all(absent not in service.needs for service in made)


def test_a_named_subset_starts_alone(tmp_path: Path, tools: Toolchain) -> None:
    assert [s.name for s in build_services(settings(tmp_path), tools, only=("minio", "kafka"))] == ["kafka", "minio"]


def test_no_two_services_share_a_port(tmp_path: Path, tools: Toolchain) -> None:
    ports = [use.port for service in build_services(settings(tmp_path), tools) for use in service.ports]
    assert len(ports) == len(set(ports))


def test_spark_gets_the_connector_and_the_shim(tmp_path: Path, tools: Toolchain) -> None:
    spark = next(service for service in build_services(settings(tmp_path), tools) if service.name == "spark")
    assert spark.environment["CRYPTOVIZ_SPARK_JARS"] == "/a.jar,/b.jar"
    assert spark.environment["JAVA_HOME"] == "/shim"


def test_every_process_is_marked_with_its_home(tmp_path: Path) -> None:
    assert stack_environment(settings(tmp_path))[MARK] == str(tmp_path)


def test_links_lead_only_to_what_runs(tmp_path: Path) -> None:
    assert list(links(settings(tmp_path, ports=Ports(offset=100)), ["minio"]).values()) == ["http://127.0.0.1:9101/"]


def test_the_broker_listens_on_loopback_alone(tmp_path: Path) -> None:
    java = Java(executable=Path("/java"), ivy=Path("/ivy.jar"))
    broker = Broker(folder=tmp_path, java=java, jars=Path("/jars"), port=19092, controller_port=19093)
    lines = dict(line.split("=", 1) for line in broker.properties().splitlines() if "=" in line and line[0] != "#")
    assert lines["listeners"] == "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093"
    assert lines["auto.create.topics.enable"] == "false"
    assert lines["log.dirs"] == str(tmp_path / "data")


def test_the_orchestrator_files_carry_its_folder_and_port(tmp_path: Path) -> None:
    folder = tmp_path / "da gster"
    backing = backing_of(settings(tmp_path, store="local"), folder)
    dagster = Orchestrator(folder=folder, backing=backing, web_port=3000, code_port=4266, environment={})
    instance = yaml.safe_load(dagster.instance())
    assert instance["storage"]["sqlite"]["base_dir"] == str(tmp_path / "da gster" / "storage")
    assert instance["run_monitoring"]["max_runtime_seconds"] > 0
    assert yaml.safe_load(dagster.workspace())["load_from"][0]["grpc_server"]["port"] == 4266
