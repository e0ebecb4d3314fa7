"""Metrics and health of a service over HTTP: `/metrics` for Prometheus, `/healthz` as JSON, 200 only when healthy.

A service may add routes of its own; they are answered on threads.
"""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import generate_latest

Health = Callable[[], tuple[bool, dict[str, object]]]
Route = Callable[[bytes], tuple[int, bytes]]
"""Takes a request's body; gives a status and JSON."""

_LARGEST_BODY = 64 * 1024


class HealthServer:
    """Serves on a thread of its own until closed."""

    def __init__(
        self,
        *,
        port: int,
        health: Health,
        host: str = "127.0.0.1",
        routes: Mapping[tuple[str, str], Route] | None = None,
    ) -> None:
        self._server = ThreadingHTTPServer((host, port), _handler(health, routes or {}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    @property
    def port(self) -> int:
        """Port it listens on; useful when asked for port 0."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(health: Health, routes: Mapping[tuple[str, str], Route]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4", generate_latest())
            elif self.path == "/healthz":
                healthy, detail = health()
                body = {"status": "ok" if healthy else "starting", "detail": detail}
                self._answer(200 if healthy else 503, "application/json", json.dumps(body, default=str).encode())
            else:
                self._route("GET")

        def do_POST(self) -> None:
            self._route("POST")

        def _route(self, method: str) -> None:
            route = routes.get((method, self.path))
            size = int(self.headers.get("Content-Length") or 0)
            if route is None or not 0 <= size <= _LARGEST_BODY:
                self._answer(404, "text/plain", b"not found")
            else:
                status, body = route(self.rfile.read(size))
                self._answer(status, "application/json", body)

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Health checks are not worth a log line."""

    return Handler
