"""Who may ask: everybody on this machine, or whoever has the token; and what a browser may load."""

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cryptoviz.serving.errors import UNAUTHORIZED, answer
from cryptoviz.settings import Settings

_COOKIE = "cryptoviz_token"
_OPEN = {"/healthz", "/readyz"}
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SECURITY = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class TokenMissing(ValueError):
    """The server would listen beyond this machine without a token."""


def require_token(settings: Settings) -> None:
    """Raise :class:`TokenMissing` unless the address is loopback or a token is set."""
    if not _is_loopback(settings.serving_host) and not settings.serving_token.get_secret_value():
        raise TokenMissing(
            f"CRYPTOVIZ_SERVING_HOST={settings.serving_host} can be reached from other machines; set "
            "CRYPTOVIZ_SERVING_TOKEN too, or leave the address 127.0.0.1"
        )


def is_allowed(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether a request may be answered: its token fits, or none is needed and it names this machine."""
    token = settings.serving_token.get_secret_value()
    if not token:
        # A page of another site that resolves its own name to this machine sends that name.
        return _is_loopback(_host(connection.headers.get("host", "")))
    said = _said(connection.headers, connection.query_params)
    return hmac.compare_digest(said.encode("utf-8", "replace"), token.encode())


class Guard:
    """Middleware that answers 401 to whom it does not know, and tells browsers what they may load."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if scope["path"] not in _OPEN and not is_allowed(connection, self._settings):
            refusal = answer(UNAUTHORIZED, "A token is required: Authorization: Bearer, or ?token= once.", 401)
            await refusal(scope, receive, send)
            return
        if "token" in connection.query_params and self._settings.serving_token.get_secret_value():
            await self._remember(connection)(scope, receive, send)
            return
        await self._app(scope, receive, _secured(send))

    def _remember(self, connection: HTTPConnection) -> Response:
        """Move the token of a link into a cookie, out of the address line."""
        response = RedirectResponse(connection.url.path, status_code=303)
        token = self._settings.serving_token.get_secret_value()
        response.set_cookie(_COOKIE, token, httponly=True, samesite="strict", max_age=30 * 86400)
        return response


def _secured(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_SECURITY]
        await send(message)

    return wrapped


def _said(headers: Headers, query: QueryParams) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if query.get("token"):
        return query["token"]
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _host(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
