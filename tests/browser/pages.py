"""A page of a run, opened in a browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tiny import bench

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Opened:
    """A page in the browser, and whatever went wrong on it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]")

    def until(self, true: str) -> None:
        """Wait until an expression is true; the page's policy lets nobody wait in the page itself."""
        deadline = time.monotonic() + 60
        while not self.page.evaluate(true):
            assert time.monotonic() < deadline, true
            self.page.wait_for_timeout(50)

    def text(self, selector: str) -> list[str]:
        """The text of every element that is found."""
        return [found.strip() for found in self.page.locator(selector).all_inner_texts()]


def written(run: Path, *arguments: str) -> str:
    """The address of the page of a run."""
    world = run.parent.parent
    done = bench(world, "report", str(run), "--plugin", str(world / "models.py"), *arguments)
    assert done.returncode == 0, done.stderr
    return (run / "report.html").as_uri()
