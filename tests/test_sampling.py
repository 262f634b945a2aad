"""Drawing cases of large families: what matters is drawn, nothing is run twice, and any draw can be had again."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampling import drawn

CASES = st.dictionaries(st.text(max_size=3), st.lists(st.sampled_from("abcde"), max_size=3, unique=True), max_size=30)


@given(cases=CASES, each=st.integers(1, 4), seed=st.integers(0, 99))
def test_whatever_stands_for_something_is_drawn_so_many_times(
    cases: dict[str, list[str]], each: int, seed: int
) -> None:
    chosen = drawn(cases, each, random.Random(seed))
    assert chosen <= cases.keys()
    for stratum in "abcde":
        having = {case for case, strata in cases.items() if stratum in strata}
        assert len(having & chosen) >= min(each, len(having))
    assert drawn(cases, each, random.Random(seed)) == chosen


FAMILY = """\
import pytest

@pytest.mark.sampled("name", each=2)
@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("name", "abc")
def test_of_a_family(name, number): pass

@pytest.mark.sampled(family="all long ones", each=1)
def test_long(): pass

@pytest.mark.sampled(family="all long ones", each=1)
def test_longer(): pass

def test_alone(): pass
"""


def run(folder: Path, *options: str) -> tuple[set[str], str]:
    """The tests that ran, and all that was said."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "BENCH_TEST_SEED": "7"}
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-p", "sampling", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return set(re.findall(r"^PASSED (\S+)", done.stdout, re.MULTILINE)), done.stdout


def test_what_is_drawn_and_the_rest_are_all_tests_and_none_is_in_both(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAMILY)
    all, silent = run(tmp_path)
    some, said = run(tmp_path, "--cases", "drawn")
    rest, _ = run(tmp_path, "--cases", "rest")
    assert len(all) == 33
    assert len(some) == 8
    assert some | rest == all
    assert not some & rest
    assert "BENCH_TEST_SEED" not in silent
    lines = said.splitlines()
    assert lines[0] == "cases are drawn with BENCH_TEST_SEED=7"
    assert "6 of 30 cases of test_it.py::test_of_a_family" in lines
    assert "1 of 2 cases of all long ones" in lines
    assert "the same again: BENCH_TEST_SEED=7 make test; the others: BENCH_TEST_SEED=7 make test-rest" in lines


def test_workers_draw_the_same_and_it_is_told(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    (tmp_path / "test_it.py").write_text(FAMILY)
    alone, _ = run(tmp_path, "--cases", "drawn")
    together, said = run(tmp_path, "--cases", "drawn", "--numprocesses", "2")
    assert together == alone
    assert "6 of 30 cases of test_it.py::test_of_a_family" in said.splitlines()
