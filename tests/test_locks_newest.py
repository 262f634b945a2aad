"""Trying newer releases: what differs, which tests are tried in the time there is, and who broke which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from locks.newest import Change, blame, changes, part_within, pins, read_reports, verdict

YAML = Change("pyyaml", "6.0.3", "6.0.4")
NUMPY = Change("numpy", "2.4.6", "2.5.0")


def test_the_packages_that_differ_are_named_with_both_versions() -> None:
    locked = pins("# by uv\nnumpy==2.4.6 \\\n    --hash=sha256:00\npyyaml==6.0.3 \\\ngone==1\nsame==3\n")
    newest = pins("numpy==2.5.0 \\\n    --hash=sha256:11\npyyaml==6.0.4 \\\nnew==2\nsame==3\n")
    said = [str(change) for change in changes(locked, newest)]
    assert said == ["gone 1 -> absent", "new absent -> 2", "numpy 2.4.6 -> 2.5.0", "pyyaml 6.0.3 -> 6.0.4"]
    assert changes(locked, locked) == []


def test_the_shortest_files_that_fit_the_time_are_tried() -> None:
    seconds = {"a.py": 30.0, "b.py": 1.0, "c.py": 5.0}
    assert part_within(seconds, 10) == ["b.py", "c.py"]
    assert part_within(seconds, 100) == ["b.py", "c.py", "a.py"]
    assert part_within(seconds, 0) == []


def test_a_broken_test_is_blamed_on_the_package_without_whose_newest_release_it_passes() -> None:
    def passing(change: Change, tests: list[str]) -> set[str]:
        assert tests == ["t.py::alone", "t.py::deep"]
        return {"t.py::deep"} if change == YAML else set()

    broken = blame(["t.py::deep", "t.py::alone"], [NUMPY, YAML], passing)
    assert broken == {"t.py::alone": [], "t.py::deep": [YAML]}
    assert verdict(broken) == [
        "  t.py::alone: no one package alone, or there was no time to tell them apart",
        "  t.py::deep: pyyaml 6.0.3 -> 6.0.4",
    ]


TESTS = """\
import pytest

class TestIt:
    def test_passes(self): pass

@pytest.mark.parametrize("text", ["a.b::c", "["])
def test_fails(text): assert not text

@pytest.mark.skip
def test_is_skipped(): pass

@pytest.fixture
def broken(): raise RuntimeError

def test_has_no_world(broken): pass
"""


def test_what_pytest_left_is_read_as_node_ids_that_pytest_takes_again(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(TESTS)
    (tmp_path / "tests" / "test_two.py").write_text("import absent_module\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=left.xml"]
    command.append("--continue-on-collection-errors")
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    found = read_reports([tmp_path / "left.xml"])
    one = "tests/test_one.py"
    assert found.passed == {f"{one}::TestIt::test_passes"}
    fails = {f"{one}::test_fails[a.b::c]", f"{one}::test_fails[[]"}
    assert found.failed == {*fails, f"{one}::test_has_no_world", "tests/test_two.py"}
    assert set(found.seconds) == {one, "tests/test_two.py"}
    again = subprocess.run([*command, *sorted(fails)], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert "2 failed" in again.stdout
