"""The way from a suite file to the typed suite is short."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

import bench
from bench.catalog import Catalog
from bench.suite.reading.load import load_suite
from bench.suite.shipped import shipped_suites

HOUSE = Path(bench.__file__).parent

SHARED = {
    *("canonical.py", "catalog.py", "component.py", "errors.py", "machine.py", "scores.py", "words.py"),
    *("suite/cells.py", "suite/joint.py", "suite/optimisers.py", "suite/resolved.py", "suite/schedules.py"),
    *("suite/schema.py", "suite/skipped.py", "suite/written.py"),
}
"""What others use too, and what a suite is: none of them reads a file of suites."""


@contextmanager
def entered() -> Iterator[set[str]]:
    """The files of ``bench`` in which a function is called meanwhile."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            files.add(frame.f_code.co_filename)

    inside: set[str] = set()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield inside
    finally:
        sys.setprofile(before)
    paths = [Path(file) for file in files]
    inside |= {path.relative_to(HOUSE).as_posix() for path in paths if path.is_relative_to(HOUSE)}


@pytest.mark.parametrize("name", sorted(shipped_suites()))
def test_a_reader_of_the_code_enters_at_most_six_files(catalog: Catalog, name: str) -> None:
    """Modules below that others share, and the types of a suite, do not count: they say what, not how it is read."""
    path = shipped_suites()[name]
    with entered() as files:
        load_suite(path, catalog, profile="none")
    reading = {file for file in files if file.startswith("suite/reading/")}
    assert files - reading <= SHARED
    assert len(reading) <= 6, sorted(reading)
