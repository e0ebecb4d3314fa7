"""The services of a stack: what each runs, needs, waits for and may use. Wiring only; how each works is elsewhere."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptoviz.lake.locations import Location
from cryptoviz.lake.topics import TOPICS
from cryptoviz.settings import Settings
from cryptoviz.stack import probes
from cryptoviz.stack.backing import backing_of
from cryptoviz.stack.broker import Broker, create_topics
from cryptoviz.stack.bucket import create_bucket
from cryptoviz.stack.database import Database, create_relations, password_file
from cryptoviz.stack.first_start import public_values
from cryptoviz.stack.leftovers import MARK
from cryptoviz.stack.orchestrator import Orchestrator
from cryptoviz.stack.paths import Home, write_private
from cryptoviz.stack.ports import PortUse
from cryptoviz.stack.services import Service, in_start_order
from cryptoviz.stack.toolchain import Toolchain
from cryptoviz.storage.objects import probe_conditional_put
from cryptoviz.warehouse.server import Role

_PYTHON = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
"""Unbuffered logs; two malloc arenas, since one a thread would cost each process tens of megabytes."""

PAGE = "Page"
"""What :func:`links` calls the page that leads to all else."""

_PORTS = {
    "kafka": ("kafka", "kafka_controller"),
    "minio": ("minio", "minio_console"),
    "postgres": ("postgres",),
    "exchange": ("exchange",),
    "producer": ("producer",),
    "spark": ("spark", "spark_ui"),
    "serving": ("serving",),
    "dagster-code": ("dagster_code",),
    "dagster-webserver": ("dagster",),
    "dagster-daemon": (),
}


_WAITS = {
    "exchange": "its health page",
    "producer": "symbols to be continuous",
    "spark": "both queries",
    "serving": "the lake and the live topics",
}


def service_names(settings: Settings) -> tuple[str, ...]:
    """Services of a stack with these settings, in start order."""
    absent = set() if settings.store == "minio" else {"minio"}
    if not settings.demo:
        absent.add("exchange")
    if settings.sql_address:
        absent.add("postgres")
    if settings.kafka_bootstrap:
        absent.add("kafka")
    return tuple(name for name in _PORTS if name not in absent)


def port_uses(settings: Settings, service: str) -> tuple[PortUse, ...]:
    """Ports of a service, the one its users reach first."""
    return tuple(PortUse(service, name, settings.ports.of(name)) for name in _PORTS[service])


def probe_of(settings: Settings, service: str) -> probes.Probe:
    """What tells whether a service does its work."""
    port = next((use.port for use in port_uses(settings, service)), 0)
    special: dict[str, Callable[[], probes.Probe]] = {
        "kafka": lambda: probes.kafka(settings.bootstrap),
        "minio": lambda: probes.http(port, "/minio/health/ready"),
        "postgres": lambda: probes.postgres(settings.sql),
        "serving": lambda: probes.http(port, "/readyz"),
        "dagster-code": lambda: probes.grpc(port),
        "dagster-webserver": lambda: probes.http(port, "/server_info"),
        "dagster-daemon": lambda: probes.dagster_daemons(settings.ports.of("dagster")),
    }
    return special.get(service, lambda: probes.http(port, "/healthz"))()


def links(settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Pages a person may open, by what they are."""
    port = settings.ports.of
    pages = {
        PAGE: ("serving", f"http://127.0.0.1:{port('serving')}/"),
        "Dagster": ("dagster-webserver", f"http://127.0.0.1:{port('dagster')}/asset-groups"),
        "Exchange simulator": ("exchange", f"http://127.0.0.1:{port('exchange')}/sim/state"),
        "Spark": ("spark", f"http://127.0.0.1:{port('spark_ui')}/"),
        "PostgreSQL (psql)": ("postgres", settings.sql.link(Role.READER, password_file=_passwords(settings))),
        "MinIO": ("minio", f"http://127.0.0.1:{port('minio_console')}/"),
    }
    return {title: url for title, (service, url) in pages.items() if service in names}


def stack_environment(settings: Settings) -> dict[str, str]:
    """Environment of every process of the stack: the caller's, the home, and the mark that makes leftovers findable."""
    home = str(settings.home)
    return dict(os.environ) | public_values(settings) | {"CRYPTOVIZ_HOME": home, MARK: home}


def build_services(settings: Settings, tools: Toolchain, *, only: Sequence[str] = ()) -> list[Service]:
    """Services in start order; a subset when named, which then needs nothing outside it."""
    made = [_build(settings, tools, name) for name in service_names(settings) if not only or name in only]
    return in_start_order(made)


def _build(settings: Settings, tools: Toolchain, name: str) -> Service:
    match name:
        case "kafka":
            return _kafka(settings, tools)
        case "minio":
            return _minio(settings, tools)
        case "postgres":
            return _postgres(settings)
        case "exchange" | "producer" | "spark" | "serving":
            return _streaming(settings, tools, name)
        case _:
            return _dagster(settings, tools, name)


def _kafka(settings: Settings, tools: Toolchain) -> Service:
    broker = Broker(
        folder=settings.home / "kafka",
        java=tools.java,
        jars=tools.kafka_jars,
        port=settings.ports.of("kafka"),
        controller_port=settings.ports.of("kafka_controller"),
    )
    return Service(
        name="kafka",
        command=broker.command,
        prepare=broker.prepare,
        ready=probe_of(settings, "kafka"),
        waits_for="a broker in the metadata, then the topics",
        once_ready=lambda: _open_topics(settings),
        ports=port_uses(settings, "kafka"),
        stop_s=30,
        memory_mb=800,
    )


def _minio(settings: Settings, tools: Toolchain) -> Service:
    home = Home.at(settings.home)
    keys = home.run / "minio.env"
    program = home.run / "minio"
    address, console = (f"127.0.0.1:{settings.ports.of(name)}" for name in ("minio", "minio_console"))

    def prepare() -> None:
        program.unlink(missing_ok=True)
        program.symlink_to(tools.object_server.result())
        secret = settings.s3_secret_key.get_secret_value()
        write_private(keys, f"MINIO_ROOT_USER={settings.s3_access_key}\nMINIO_ROOT_PASSWORD={secret}\n")

    return Service(
        name="minio",
        command=(
            str(program),
            "server",
            str(home.root / "minio"),
            "--address",
            address,
            "--console-address",
            console,
        ),
        made_from=tools.object_server,
        prepare=prepare,
        ready=probe_of(settings, "minio"),
        waits_for="its health page, then the bucket and its conditional writes",
        once_ready=lambda: _open_bucket(settings.lake),
        ports=port_uses(settings, "minio"),
        environment={
            "MINIO_UPDATE": "off",
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            "GOMEMLIMIT": "512MiB",
        },
        env_file=keys,
        memory_mb=900,
    )


def _postgres(settings: Settings) -> Service:
    database = Database(folder=Home.at(settings.home).root / "postgres", server=settings.sql)
    return Service(
        name="postgres",
        command=database.command,
        prepare=database.prepare,
        ready=probe_of(settings, "postgres"),
        waits_for="an answer to a query, then the tables",
        once_ready=lambda: create_relations(settings.sql),
        ports=port_uses(settings, "postgres"),
        stop_s=30,
        stop_signal="INT",
        memory_mb=600,
    )


def _passwords(settings: Settings) -> Path:
    return password_file(Home.at(settings.home).root / "postgres")


def _streaming(settings: Settings, tools: Toolchain, name: str) -> Service:
    venue = ("exchange",) if settings.demo else ()
    store = ("minio",) if settings.store == "minio" else ()
    broker = () if settings.kafka_bootstrap else ("kafka",)
    lake = (*broker, *store)
    needs = {"exchange": (), "producer": (*broker, *venue), "spark": lake, "serving": lake}[name]
    spark = {"JAVA_HOME": str(tools.java_home), "CRYPTOVIZ_SPARK_JARS": ",".join(map(str, tools.spark_jars))}
    return Service(
        name=name,
        command=(sys.executable, "-m", "streaming", "lake" if name == "spark" else name),
        ready=probe_of(settings, name),
        waits_for=_WAITS[name],
        prepare=(lambda: _open_topics(settings)) if settings.kafka_bootstrap and name != "exchange" else lambda: None,
        needs=needs,
        ports=port_uses(settings, name),
        environment=_PYTHON | (spark if name == "spark" else {}),
        deadline_s={"exchange": 60.0, "producer": 180.0, "spark": 120.0, "serving": 60.0}[name],
        stop_s=30,
        memory_mb={"exchange": 500, "producer": 500, "spark": 2600, "serving": 900}[name],
    )


def _dagster(settings: Settings, tools: Toolchain, name: str) -> Service:
    folder = settings.home / "dagster"
    environment = _PYTHON | {"DAGSTER_HOME": str(folder), "DAGSTER_DISABLE_TELEMETRY": "1"}
    environment |= {"JAVA_HOME": str(tools.java_home)}
    dagster = Orchestrator(
        folder=folder,
        backing=backing_of(settings, folder),
        web_port=settings.ports.of("dagster"),
        code_port=settings.ports.of("dagster_code"),
        environment=stack_environment(settings) | environment,
    )
    commands = {
        "dagster-code": dagster.code_server,
        "dagster-webserver": dagster.web_server,
        "dagster-daemon": dagster.daemon,
    }
    store = ("minio",) if settings.store == "minio" else ()
    database = () if settings.sql_address else ("postgres",)
    is_code = name == "dagster-code"
    return Service(
        name=name,
        command=commands[name],
        prepare=dagster.prepare if is_code else lambda: None,
        ready=probe_of(settings, name),
        waits_for={
            "dagster-code": "the definitions to load",
            "dagster-webserver": "its server page",
            "dagster-daemon": "a heartbeat of every daemon",
        }[name],
        needs=(*store, *database) if is_code else ("dagster-code",),
        ports=port_uses(settings, name),
        environment=environment,
        env_file=dagster.keys_file,
        deadline_s=120.0,
        stop_s=20,
        # Its runs are its children: four at a time, one of which may train a network.
        memory_mb=2400 if is_code else 600,
    )


def _open_topics(settings: Settings) -> None:
    create_topics(settings.bootstrap, {name: topic for topic in TOPICS for name in settings.topic_names(topic)})


def _open_bucket(lake: Location) -> None:
    create_bucket(lake)
    probe_conditional_put(lake)
