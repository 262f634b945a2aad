"""The way from a suite file to the typed suite is short."""

from __future__ import annotations

import pytest

from bench.catalog import Catalog
from bench.suite.reading.load import load_suite
from bench.suite.shipped import shipped_suites
from entering import entered

SHARED = {
    *("canonical.py", "catalog.py", "component.py", "errors.py", "life.py", "machine.py", "scores.py"),
    "words.py",
    *("suite/cells.py", "suite/joint.py", "suite/optimisers.py", "suite/resolved.py", "suite/schedules.py"),
    *("suite/schema.py", "suite/skipped.py", "suite/written.py"),
}
"""What others use too, and what a suite is: none of them reads a file of suites."""


@pytest.mark.parametrize("name", sorted(shipped_suites()))
def test_a_reader_of_the_code_enters_at_most_six_files(catalog: Catalog, name: str) -> None:
    """Modules below that others share, and the types of a suite, do not count: they say what, not how it is read."""
    path = shipped_suites()[name]
    with entered() as files:
        load_suite(path, catalog, profile="none")
    reading = {file for file in files if file.startswith("suite/reading/")}
    assert files - reading <= SHARED
    assert len(reading) <= 6, sorted(reading)
