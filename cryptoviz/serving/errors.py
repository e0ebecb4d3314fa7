"""Errors in the shape clients of Binance expect, ``{"code": -1121, "msg": "Invalid symbol."}``, and their statuses."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_log = structlog.get_logger()

UNKNOWN, UNAVAILABLE, UNAUTHORIZED, TOO_MANY = -1000, -1001, -1002, -1003
ILLEGAL_CHARACTERS, MISSING_PARAMETER, BAD_INTERVAL, BAD_SYMBOL, BAD_PARAMETER = -1100, -1102, -1120, -1121, -1130
NOT_FOUND = -1013


class ApiError(Exception):
    """An answer other than 200. ``code`` is Binance's number where it has one."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class InvalidSymbol(ApiError):
    """No market of the lake has this symbol."""

    def __init__(self) -> None:
        super().__init__(BAD_SYMBOL, "Invalid symbol.")


class InvalidInterval(ApiError):
    """The interval is none of those served."""

    def __init__(self) -> None:
        super().__init__(BAD_INTERVAL, "Invalid interval.")


class Unavailable(ApiError):
    """What is needed to answer cannot be reached and no earlier state of it is known."""

    def __init__(self, reason: str) -> None:
        super().__init__(UNAVAILABLE, reason, status=503)


def install(app: FastAPI) -> None:
    """Answer every failure of an application in this shape, never with a trace."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(OSError, _unreachable)
    app.add_exception_handler(Exception, _unexpected)


def answer(code: int, message: str, status: int) -> JSONResponse:
    """An error as a response."""
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse({"code": code, "msg": message}, status_code=status, headers=headers)


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class
    return answer(error.code, error.message, error.status)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    first: dict[str, Any] = error.errors()[0]
    name = str(first["loc"][-1])
    if first["type"] == "missing":
        message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        return answer(MISSING_PARAMETER, message, 400)
    return answer(BAD_PARAMETER, f"Data sent for parameter '{name}' is not valid: {first['msg']}.", 400)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return answer(NOT_FOUND if error.status_code == 404 else UNKNOWN, str(error.detail), error.status_code)


async def _unreachable(_: Request, error: Exception) -> JSONResponse:
    return answer(UNAVAILABLE, str(error).split("\n", maxsplit=1)[0][:300], 503)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return answer(UNKNOWN, "An unknown error occurred while processing the request.", 500)
