"""Readiness: a probe asks a service for what its users need and raises :class:`NotReady` with what is missing."""

import json
import socket
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any

from cryptoviz.stack.ports import HOST
from cryptoviz.warehouse.server import Role, Server

Probe = Callable[[], None]

_TIMEOUT_S = 3.0
_DAEMONS = json.dumps({"query": "{instance{daemonHealth{allDaemonStatuses{daemonType required healthy}}}}"})


class NotReady(Exception):
    """The service does not do its work yet; the message says what is missing."""


def http(port: int, path: str) -> Probe:
    """Ready when a GET answers 200; otherwise the answer's ``detail`` or status is the reason."""

    def probe() -> None:
        status, body = _request(port, "GET", path)
        if status != 200:
            raise NotReady(f"{path} answers {status}{_detail(body)}")

    return probe


def kafka(bootstrap: str) -> Probe:
    """Ready when a broker of the cluster answers a metadata request."""

    def probe() -> None:
        from confluent_kafka import KafkaException  # noqa: PLC0415 - keeps `--help` quick
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
        _connect(host, int(port))
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        try:
            brokers = admin.list_topics(timeout=_TIMEOUT_S).brokers
        except KafkaException as error:
            raise NotReady(str(error.args[0])) from None
        if not brokers:
            raise NotReady("no broker in the metadata")

    return probe


def postgres(server: Server) -> Probe:
    """Ready when the reader gets an answer to a query."""

    def probe() -> None:
        import psycopg  # noqa: PLC0415 - keeps `--help` quick

        _connect(server.host, server.port)
        try:
            with psycopg.connect(server.conninfo(Role.READER)) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()
            raise NotReady(reason[-1] if reason else type(error).__name__) from None

    return probe


def grpc(port: int) -> Probe:
    """Ready when the standard health service of Dagster's gRPC server says SERVING."""

    def probe() -> None:
        import grpc as rpc  # noqa: PLC0415 - only with Dagster
        from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

        with rpc.insecure_channel(f"{HOST}:{port}") as channel:
            request = health_pb2.HealthCheckRequest(service="DagsterApi")
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_TIMEOUT_S)
            except rpc.RpcError as error:
                raise NotReady(f"gRPC {error.code().name.lower()}") from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise NotReady("definitions are loading")

    return probe


def dagster_daemons(port: int) -> Probe:
    """Ready when every daemon that the instance requires has a fresh heartbeat, asked of the web server on ``port``.

    The process alone proves nothing: a wrong class in ``dagster.yaml`` leaves it hanging without a word.
    """

    def probe() -> None:
        status, body = _request(port, "POST", "/graphql", _DAEMONS)
        if status != 200:
            raise NotReady(f"the web server answers {status}")
        found = json.loads(body)["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
        late = [daemon["daemonType"].lower() for daemon in found if daemon["required"] and not daemon["healthy"]]
        if late:
            raise NotReady(f"no heartbeat of {', '.join(late)}")

    return probe


def _connect(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        raise NotReady(f"port {port}: {error.strerror or error}") from None


def _request(port: int, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException) as error:
        raise NotReady(f"port {port}: {getattr(error, 'strerror', None) or error or type(error).__name__}") from None
    finally:
        connection.close()


def _detail(body: bytes) -> str:
    try:
        said: Any = json.loads(body)
    except ValueError:
        return ""
    detail = said.get("detail") or said.get("status") if isinstance(said, dict) else None
    if isinstance(detail, dict):
        detail = ", ".join(f"{name} {value}" for name, value in detail.items())
    return f": {detail}" if detail else ""
