"""A page in headless Chromium: its screenshots, and what goes wrong in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
"""None where there is no browser."""

SIZES = ((1280, "light"), (1280, "dark"), (400, "light"), (400, "dark"))
"""Widths in pixels, and colour schemes, that every page is looked at in."""

_PATIENCE_MS = 300_000


@dataclass
class OpenPage:
    """A page that has drawn its charts."""

    page: Any
    """Of playwright."""
    complaints: list[str] = field(default_factory=list)
    """Messages of the console, errors, and dialogs."""
    requests: list[str] = field(default_factory=list)
    """Addresses that it asked for, its own excluded."""

    @property
    def overflow(self) -> list[str]:
        """Elements that are wider than the window and cannot be scrolled by themselves."""
        return list(self.page.evaluate(_OVERFLOW))

    @property
    def charts(self) -> dict[str, int]:
        """How many marks each chart has drawn, by its name."""
        return dict(self.page.evaluate(_CHARTS))


_OVERFLOW = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".wide, pre"))
    .map(e => e.outerHTML.slice(0, 120));
}"""
_CHARTS = """() => Object.fromEntries([...document.querySelectorAll(".chart")].map(
  e => [e.id, e.querySelectorAll(".marks path[aria-roledescription], .marks image").length]))"""


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium; pages are opened in it with `opened`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(chromium: Any, path: Path, width: int, scheme: str) -> Iterator[OpenPage]:
    """The page of a file, without a network, once it has drawn its charts."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    found = OpenPage(page)
    page.on("console", lambda message: found.complaints.append(message.text))
    page.on("dialog", lambda dialog: (found.complaints.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    address = path.resolve().as_uri()
    page.on("request", lambda r: found.requests.append(r.url) if r.url != address else None)
    page.goto(address, timeout=_PATIENCE_MS)
    page.wait_for_function(
        "!document.getElementById('charts') || document.documentElement.dataset.drawn"
    )
    yield found
    context.close()
