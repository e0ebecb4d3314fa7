"""Pictures of every tab of the live page, as the documentation shows them: light, dark, and on a telephone.

A real browser visits a running stack; the pictures are kept small enough to live beside the text.
"""

import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptoviz.inspect.reach import require_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABS = ("market", "predictions", "quality", "pipeline", "alerts")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
             "--disable-sync"]  # fmt: skip
_HIGHEST_PX = 1500
_COMMON = 96
_SETTLED_MS = 6500
"""Long enough for a rate, which needs two looks at the topics five seconds apart."""


class NoBrowser(LookupError):
    """No Chromium is on PATH, or the driver that steers it is not installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How the page is seen."""

    name: str
    theme: str
    width: int
    height: int


LOOKS = (
    Look(name="light", theme="light", width=1440, height=900),
    Look(name="dark", theme="dark", width=1440, height=900),
    Look(name="phone", theme="light", width=390, height=844),
)


def take_pictures(
    address: str, folder: Path, *, language: str = "en", tabs: Sequence[str] = TABS, looks: Sequence[Look] = LOOKS
) -> Iterator[Path]:
    """Write `<tab>-<look>.png` for tabs and looks of the page at an address; yields each.

    Raises NoBrowser, and Unreachable when nobody serves the page there.
    """
    parts = urlsplit(address)
    require_server(parts.hostname or "", parts.port or 80)
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the development group alone
    except ImportError as error:
        raise NoBrowser("playwright is not installed; `./run setup` brings it") from error
    if program is None:
        raise NoBrowser(f"none of {', '.join(BROWSERS)} is on PATH; install Chromium")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for look in looks:
            yield from _pictures(browser, look, address, folder, language, tabs)
        browser.close()


def _pictures(
    browser: "Browser", look: Look, address: str, folder: Path, language: str, tabs: Sequence[str]
) -> Iterator[Path]:
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height}, color_scheme="dark" if look.theme == "dark" else "light"
    )
    context.add_init_script(f"localStorage.cryptoviz = JSON.stringify({{language: '{language}'}})")
    for tab in tabs:
        page = context.new_page()
        page.goto(f"{address}/#tab={tab}")
        page.wait_for_function("() => window.cv?.state === 'live' && document.querySelector('main .panel')")
        page.wait_for_timeout(_SETTLED_MS)
        picture = folder / f"{tab}-{look.name}.png"
        picture.write_bytes(_small(_shot(page, look)))
        page.close()
        yield picture
    context.close()


def _shot(page: "Page", look: Look) -> bytes:
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    shown = {"x": 0, "y": 0, "width": look.width, "height": max(look.height, min(height, _HIGHEST_PX))}
    return page.screenshot(full_page=True, clip=shown)  # type: ignore[arg-type]


def _small(picture: bytes) -> bytes:
    """The same picture in 256 colours, a third of the size: the commonest exactly, the rest as near as no eye tells."""
    from PIL import Image  # noqa: PLC0415 - comes with the development group

    whole, made = Image.open(io.BytesIO(picture)).convert("RGB"), io.BytesIO()
    counted = sorted(whole.getcolors(whole.width * whole.height) or (), reverse=True)
    common = [level for _, colour in counted[:_COMMON] for level in colour]  # type: ignore[attr-defined]
    covering = whole.quantize(256 - _COMMON, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette(common + covering)
    whole.quantize(palette=palette, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    return made.getvalue()
