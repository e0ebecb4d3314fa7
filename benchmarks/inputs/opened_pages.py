"""Pages opened in a real browser: seconds until they show what they are for, and the bytes that came."""

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from playwright.sync_api import Request, sync_playwright

_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
              "--disable-sync")  # fmt: skip
_LONGEST_MS = 120_000


@dataclass(frozen=True, slots=True)
class Opened:
    """One page, opened once."""

    url: str
    seconds: float
    bytes: int


def open_pages(shown: Mapping[str, str], *, times: int) -> Iterator[Opened]:
    """Open each page so often, each time with an empty cache.

    ``shown`` has, by address, the JavaScript that says of the page's ``text`` whether all is there. Nothing without a
    Chromium on the path.
    """
    program = shutil.which("chromium")
    if program is None:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        for _ in range(times):
            for url, is_there in shown.items():
                requests: list[Request] = []
                page = browser.new_context(viewport={"width": 1600, "height": 1000}).new_page()

                def note(request: Request, into: list[Request] = requests) -> None:
                    into.append(request)

                page.on("requestfinished", note)
                began = time.perf_counter()
                page.goto(url, timeout=_LONGEST_MS)
                looks = f"() => {{ const text = document.body.innerText; return {is_there} }}"
                page.wait_for_function(looks, timeout=_LONGEST_MS)
                seconds = time.perf_counter() - began
                yield Opened(url, seconds, sum(request.sizes()["responseBodySize"] for request in list(requests)))
                page.context.close()
        browser.close()
