"""How a service shows that it is ready. A probe answers within seconds and never raises."""

import json
import socket
import urllib.error
import urllib.request

_TIMEOUT_S = 3
_DAEMONS = '{"query": "{instance{daemonHealth{allDaemonStatuses{daemonType healthy required}}}}"}'


def port_open(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(_TIMEOUT_S)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def http_ok(url: str) -> bool:
    """Whether a loopback URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - loopback only
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def kafka(bootstrap: str) -> bool:
    """Whether the broker answers a metadata request."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - keeps `--help` quick
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    try:
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        return bool(admin.list_topics(timeout=_TIMEOUT_S).brokers)
    except KafkaException:
        return False


def dagster_daemon(page: str) -> bool:
    """Whether every required daemon has a fresh heartbeat, as the web server sees it."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{page}/graphql", _DAEMONS.encode(), headers)  # noqa: S310 - loopback only
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - loopback only
            statuses = json.load(answer)["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError):
        return False
    return all(status["healthy"] for status in statuses if status["required"])
