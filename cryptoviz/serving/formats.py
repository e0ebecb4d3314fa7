"""Rows as responses: JSON with what is known about them, CSV, Arrow, Parquet."""

import hashlib
import io
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from cryptoviz.inspect.export import as_text


class Format(StrEnum):
    """Forms of an answer. Arrow is an IPC stream compressed with zstd."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


_UNPRINTABLE = re.compile(r"[^ -~]")
_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.ARROW: "application/vnd.apache.arrow.stream",
    Format.PARQUET: "application/vnd.apache.parquet",
}


def respond(request: Request, rows: pl.DataFrame, meta: Mapping[str, Any], form: Format, *, key: str = "") -> Response:
    """Rows in a form. JSON is ``{"meta": ..., "data": [...]}``, decimals as text; the others carry ``meta`` as headers.

    ``key`` names the state the rows are of: a caller who has it already is told so with 304.
    """
    headers = {"Cache-Control": "no-cache"}
    if key:
        headers["ETag"] = _tag(request, key)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
    if form is not Format.JSON:
        headers |= {f"X-Cryptoviz-{name.replace('_', '-')}": _header(value) for name, value in meta.items()}
    return Response(encode(rows, meta, form), media_type=_TYPES[form], headers=headers)


def encode(rows: pl.DataFrame, meta: Mapping[str, Any], form: Format) -> bytes:
    """The bytes of an answer."""
    sink = io.BytesIO()
    match form:
        case Format.JSON:
            return b'{"meta":' + msgspec.json.encode(meta) + b',"data":' + _json(rows) + b"}"
        case Format.CSV:
            as_text(rows).write_csv(sink)
        case Format.ARROW:
            rows.write_ipc_stream(sink, compression="zstd", compat_level=pl.CompatLevel.oldest())
        case Format.PARQUET:
            rows.write_parquet(sink)
    return sink.getvalue()


def _json(rows: pl.DataFrame) -> bytes:
    if not rows.height:
        return b"[]"
    times = [pl.col(name).dt.epoch("ms") for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    floats = [pl.col(n).replace([float("inf"), float("-inf")], None).fill_nan(None) for n, k in rows.schema.items()
              if k.is_float()]  # fmt: skip
    return as_text(rows.with_columns(*times, *floats)).write_json().encode()


def _tag(request: Request, key: str) -> str:
    digest = hashlib.blake2b(f"{request.url.path}?{request.url.query}#{key}".encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def _header(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _UNPRINTABLE.sub("?", text)
