import os
import socket

import pytest

from cryptoviz.stack.errors import PortTaken
from cryptoviz.stack.ports import PortUse, is_free, require_free, taken


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_taken_port_is_told_with_service_holder_and_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(
            PortTaken, match=rf"kafka needs port {port}, taken by .*{os.getpid()}.*CRYPTOVIZ_PORT_KAFKA"
        ):
            require_free([PortUse("kafka", "kafka", port)])


def test_every_taken_port_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        uses = [PortUse("a", "kafka", one.getsockname()[1]), PortUse("b", "minio", two.getsockname()[1])]
        assert len(taken(uses)) == 2


def test_free_ports_pass() -> None:
    require_free([])
