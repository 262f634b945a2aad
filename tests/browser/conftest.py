"""Pages of real and made-up runs, and a real browser that may reach nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.catalog import load_catalog
from bench.store.store import read_object, write_json
from bench.suite.reading.load import load_suite
from browser.pages import written
from tiny import bench, write_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GIVEN = "BENCH_TEST_PAGE"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SEEDS = ("-x", "axes.seed=[0, 1, 2]")
CROP = "{{use: intensity-bias, settings: {{threshold: {0}}}, label: bias {0}}}"
MODEL = "{{use: tiny, settings: {{width: {0}}}, label: width {0}}}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this machine, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="'make browser' installs what it takes")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed; 'make browser' installs what it takes")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with three seeds of two crop strategies."""
    world = tmp_path_factory.mktemp("three")
    write_world(world)
    done = bench(world, "run", "tiny.yaml", "--plugin", "models.py", *SEEDS)
    assert done.returncode == 0, done.stderr
    return world / "runs" / "tiny"


@pytest.fixture(scope="session")
def many(three: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made-up run of 500 cells: records of a real one under other names, with other scores."""
    world = tmp_path_factory.mktemp("many")
    write_world(world)
    crops = ", ".join(map(CROP.format, range(10)))
    models = ", ".join(map(MODEL.format, range(1, 11)))
    axes = [f"axes.crop=[{crops}]", f"axes.model=[{models}]", "axes.seed=[0, 1, 2, 3, 4]"]
    suite = load_suite(world / "tiny.yaml", load_catalog([world / "models.py"]), overrides=axes)
    folder = world / "runs" / "tiny"
    (folder / "cells").mkdir(parents=True)
    write_json(folder / "suite.json", {"schema": 1, "command": "made up", "suite": suite.resolved()})
    sample = read_object(next((three / "cells").glob("*.json")))
    for number, cell in enumerate(suite.cells):
        record = {**sample, "id": cell.id, "axes": dict(cell.labels), "scores": _scored(sample["scores"], number)}
        write_json(folder / "cells" / f"{cell.id}.json", record)
    return folder


def _scored(scores: dict[str, Any], number: int) -> dict[str, Any]:
    """The same scores, and another F1 for every cell."""
    made: dict[str, Any] = json.loads(json.dumps(scores))
    for split in made.values():
        split["f1"] = (number * 37 % 500) / 500
    return made


@pytest.fixture(scope="session")
def three_page(three: Path) -> str:
    """The address of the page of the run with three seeds."""
    return written(three)


@pytest.fixture(scope="session")
def many_page(many: Path) -> str:
    """The address of the page of 500 cells."""
    return written(many)


@pytest.fixture(scope="session")
def given_page() -> str:
    """The address of the page that BENCH_TEST_PAGE names, such as that of a run of hours."""
    if GIVEN not in os.environ:
        pytest.skip(f"{GIVEN} names no page of a run")
    return Path(os.environ[GIVEN]).resolve().as_uri()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of the browser, in a context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
