"""What the pages show works: a block is run, or read as far as it can be without what it needs, and says which."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import pages
from bench.catalog import Catalog
from bench.report.claims_file import read_claims
from bench.suite.reading.load import load_suite
from bench.suite.shipped import shipped_suites
from pages import INLINE, PAGES, ROOT, Block, blocks, mistake, mistake_in_prose, prose, unmarked
from sampling import whole_run
from studies.faults.parts import write_parts
from tiny import bench

TRIED_BY_OTHERS = {
    "first-plugin.md": "test_first_plugin.py",
    "hooks.md": "test_hookspecs.py",
}
"""Pages whose blocks stand in an order, or after lines, of their own, with the tests that run them."""
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "first-paper-table.md"
SMALL = {"epochs": 1, "epoch_crops": 8, "batch": 4, "warmup_steps": 2, "precision": "float32"}
CELLS = ("3f2a", "77c0")
"""Ids of cells that pages name; a run has others."""
PART = "name: part\naxes: {dataset: [metalpart], model: [unet]}\n"
"""What a part of a suite lacks."""

OF_PAGES = [page for page in PAGES if page.name not in TRIED_BY_OTHERS]
SHELL = [block for page in PAGES for block in blocks(page) if block.language == "sh"]
YAML = [block for page in OF_PAGES for block in blocks(page) if block.language == "yaml"]
PYTHON = [block for page in OF_PAGES for block in blocks(page) if block.language == "python"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is_and_what_it_needs(page: Path) -> None:
    said = [f"{block}: {unmarked(block)}" for block in blocks(page) if unmarked(block)]
    assert said == [], f"tests/{Path(pages.__file__).name} lists the words"


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_every_command_and_option_of_a_block_exists(block: Block) -> None:
    assert [told for told in map(mistake, block.commands) if told] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_of_a_sentence_exists(page: Path) -> None:
    shown = [shlex.split(text)[1:] for text in INLINE.findall(prose(page))]
    assert [told for told in map(mistake_in_prose, shown) if told] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("bench runn my.yaml", "no command 'runn'"),
        ("bench run my.yaml --onlly failed", "No such option"),
        ("bench run", "Missing"),
        ("bench why 3f2a 77c0", "too many arguments"),
        ("bench leaderboard my --format pdf", "'pdf' is not one of"),
        ("bench data fetched ksdd2", "no command 'fetched'"),
        ("make everything", "the Makefile has no 'everything'"),
        ("python -m studies.nothing", "no module"),
        ("bensh run my.yaml", "nobody knows"),
        ("bench plan my.yaml | bench shwo 3f2a", "no command 'shwo'"),
    ],
)
def test_a_line_that_would_not_work_is_told(line: str, told: str) -> None:
    assert told in str(mistake(shlex.split(line)))


@pytest.mark.parametrize("block", YAML, ids=str)
def test_every_suite_and_every_claim_is_understood(block: Block, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text(PART * ("part" in block.kind.split()) + block.text)
    if not block.text.partition("claims:")[1]:
        assert load_suite(file, catalog, profile="none").cells
        return
    path = tmp_path / "suite.yaml"
    path.write_text(suite_of(block.page) or shipped_suites()["cropping"].read_text())
    suite = load_suite(path, catalog)
    assert read_claims(file, suite.name, suite.cells)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_python_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_heading_linked_is_there(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", prose(page)):
        file = page.parent / target if target else page
        assert file.is_file(), target
        assert not heading or heading in headings(file), f"{target}#{heading}"


def headings(page: Path) -> set[str]:
    """The names by which a code host links to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_page_is_on_the_first_page(page: Path) -> None:
    listed = re.findall(r"^- \[.+\]\(([\w-]+\.md)\): .+\.$", (DOCS / "index.md").read_text(), re.MULTILINE)
    assert listed.count(page.name) == (page.name != "index.md"), "a line in docs/index.md is all that a new page needs"


def test_every_data_set_offered_is_named(catalog: Catalog) -> None:
    named = set(re.findall(r"`([a-z0-9-]+)`", (DOCS / "data-sets.md").read_text()))
    assert set(catalog.names("dataset")) <= named


def test_every_public_name_is_in_the_reference_once() -> None:
    text = (DOCS / "api.md").read_text()
    shown = re.findall(r"^\.\. (?:auto|py:)(?:\w+):: (\S+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted([*public("bench"), *public("bench.api"), *public("bench.testing")])


def public(module: str) -> Iterator[str]:
    """The whole names of what a module offers."""
    for name in import_module(module).__all__:
        yield f"{module}.{name}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with photographs, and with what the tutorial's suite leaves behind, made small."""
    folder = tmp_path_factory.mktemp("pages")
    write_parts(folder / "parts", 10, 48)
    shutil.copytree(folder / "parts" / "images", folder / "photos")
    (folder / "paper.yaml").write_text(yaml.safe_dump(small_suite(folder)))
    done = bench(folder, "run", "paper.yaml")
    assert done.returncode == 0, done.stderr
    for name in ("before", "after"):
        shutil.copytree(folder / "runs" / "paper", folder / "runs" / name)
    return folder


def small_suite(folder: Path) -> dict[str, Any]:
    """The suite of the tutorial on ten small images, with the same labels."""
    suite: dict[str, Any] = yaml.safe_load(suite_of(TUTORIAL))
    suite["axes"] |= {"dataset": ["folder"], "crop_size": [32], "seed": [0]}
    return suite | {"data": {"folder": str(folder / "parts")}, "recipe": SMALL, "runtime": {"workers": 1}}


def suite_of(page: Path) -> str | None:
    """The first suite of a page that is written to a file; None where there is none."""
    suites = [block.text for block in blocks(page) if block.file and "\naxes:" in block.text]
    return suites[0] if suites else None


@whole_run
def test_every_block_ends_as_it_says(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are run in their order, each page's in a folder of its own."""
    for page in OF_PAGES:
        here = tmp_path / page.name
        to_be_run = [block for block in blocks(page) if block.file or not block.needs]
        if any(block.language in ("sh", "python") for block in to_be_run):
            settle(here, world)
            monkeypatch.setenv("HOME", str(here))
            names: dict[str, Any] = {}
            for block in to_be_run:
                enter(block, here, names)


def settle(here: Path, world: Path) -> None:
    """Copy that home for one page; the store is shared."""
    for part in ("parts", "photos", "runs"):
        shutil.copytree(world / part, here / part)
    shutil.copy(world / "paper.yaml", here)
    (here / "home").symlink_to(world / "home")


def enter(block: Block, here: Path, names: dict[str, Any]) -> None:
    """Do with a block what a reader does: write it to the file that it names, or enter it.

    ``names`` are those of Python that earlier blocks of the page have left.
    """
    if block.file:
        (here / block.file).write_text(block.text)
    elif block.language == "python":
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(here)
            patch.setenv("BENCH_HOME", str(here / "home"))
            exec(compile(block.text, str(block), "exec"), names)
    elif block.language == "sh":
        *first, last = block.commands
        for words in first:
            run(block, words, {0}, here)
        run(block, last, block.codes, here)


def run(block: Block, words: list[str], codes: set[int], here: Path) -> None:
    ids = sorted(path.stem for path in (here / "runs" / "paper" / "cells").glob("*.json"))
    command, *rest = [dict(zip(CELLS, ids, strict=False)).get(word, word) for word in words]
    assert command == "bench", f"{block}: {command} is not run here; say what it needs"
    done = bench(here, *map(os.path.expanduser, rest))
    assert done.returncode in codes, f"{block}: {shlex.join(words)}\n{done.stdout}{done.stderr}"
