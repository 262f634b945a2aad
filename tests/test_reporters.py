"""A plugin's section stands under its question, a plugin's format sets what a run says; what fails is one line."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.api import CellRecord, Component, Question, document
from bench.testing import breaches
from tiny import bench

PLUGIN = """
from bench.api import Component, document, hookimpl


class Counting:
    question = "cost"

    def section(self, records):
        return document.Document("Counted", [document.Points([f"{len(records)} <b>cells</b> are done"])])


class Failing(Counting):
    def section(self, records):
        raise RuntimeError("no section today")


class Lines:
    suffix = "lines"

    def render(self, told):
        return "\\n".join(str(block) for block in told.blocks)


@hookimpl
def bench_reporters():
    yield Component("counting", Counting)
    yield Component("failing", Failing)
    yield Component("lines", Lines)
"""


@pytest.fixture
def world(ran_world: Path, tmp_path: Path) -> Path:
    shutil.copytree(ran_world, tmp_path, dirs_exist_ok=True)
    (tmp_path / "reporting.py").write_text(PLUGIN)
    return tmp_path


def report(world: Path, *arguments: str) -> Any:
    return bench(world, "report", "runs/tiny", "--plugin", "models.py", "--plugin", "reporting.py", *arguments)


def test_a_section_stands_under_its_question_as_text(world: Path) -> None:
    done = report(world, "--section", "counting", "--no-pictures")
    assert done.returncode == 0, done.stderr
    page = (world / "runs" / "tiny" / "report.html").read_text()
    cost = page[page.index('<section id="cost">') : page.index('<section id="data">')]
    assert "2 &lt;b&gt;cells&lt;/b&gt; are done" in cost


def test_a_format_writes_all_that_the_board_says(world: Path) -> None:
    done = report(world, "--as", "lines")
    assert done.returncode == 0, done.stderr
    written = (world / "runs" / "tiny" / "report.lines").read_text()
    assert "Cropping mechanism" in written
    assert "Splits by the rule grouped" in written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--section", "failing"), "no section today"),
        (("--section", "lines"), "--as lines"),
        (("--as", "counting"), "--section counting"),
        (("--section", "nobody"), "nobody"),
    ],
)
def test_what_cannot_report_is_one_line(world: Path, arguments: tuple[str, str], said: str) -> None:
    done = report(world, *arguments, "--no-pictures")
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]


class Sound:
    question: Question = "fails"

    def section(self, records: Mapping[str, CellRecord], /) -> document.Document:
        return document.Document("", [])


class Asking(Sound):
    question = "why"  # type: ignore[assignment]


class Trusting(Sound):
    def section(self, records: Mapping[str, CellRecord], /) -> document.Document:
        best = max(record.of_split("test")["f1"] for record in records.values())
        return document.Document("", [document.Points([f"{best}"])])


class Texting(Sound):
    def section(self, records: Mapping[str, CellRecord], /) -> Any:
        return "text"


class Whole:
    suffix = "txt"

    def render(self, told: document.Document, /) -> str:
        return repr(told)


class Losing(Whole):
    def render(self, told: document.Document, /) -> str:
        return str(told.title)


BROKEN = {Asking: "question is 'why'", Trusting: "section() of no cells", Texting: "not a Document", Losing: "loses"}


@pytest.mark.parametrize("made", [Sound, Whole])
def test_a_sound_reporter_keeps_the_contract(made: type) -> None:
    assert breaches("reporter", Component("mine", made)) == []


@pytest.mark.parametrize(("made", "said"), BROKEN.items())
def test_the_contract_tells_what_is_wrong(made: type, said: str) -> None:
    assert any(said in breach for breach in breaches("reporter", Component("mine", made)))
