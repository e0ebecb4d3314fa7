"""The page and its vendored libraries: plain files, compressed once at start, never changed while running."""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_ROOT = files("cryptoviz.serving") / "page"
_UTF8 = "; charset=utf-8"
_TYPES = {
    ".js": f"text/javascript{_UTF8}",
    ".css": f"text/css{_UTF8}",
    ".html": f"text/html{_UTF8}",
    ".svg": "image/svg+xml",
    ".txt": f"text/plain{_UTF8}",
}


class Page:
    """A file of the page in memory."""

    def __init__(self, name: str, content: bytes) -> None:
        suffix = name[name.rfind(".") :]
        self.type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.content = content
        self.compressed = gzip.compress(content, 9, mtime=0)
        self.tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'


@cache
def load_pages() -> Mapping[str, Page]:
    """Every file of the page, by its path."""
    return dict(_below(_ROOT, ""))


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, Page]]:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _below(entry, f"{name}/")
        else:
            yield name, Page(name, entry.read_bytes())


@router.get("/")
async def index(request: Request) -> Response:
    """The page."""
    return _respond(request, "index.html")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The reference of the API."""
    return _respond(request, "docs.html")


@router.get("/page/{name:path}")
async def file(request: Request, name: str) -> Response:
    """A file of the page."""
    return _respond(request, name)


def _respond(request: Request, name: str) -> Response:
    page: Page | None = request.app.state.pages.get(name)
    if page is None:
        raise HTTPException(404, "Not Found")
    headers = {"ETag": page.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == page.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(page.compressed, media_type=page.type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(page.content, media_type=page.type, headers=headers)
