"""Large families of cases: ``make test`` draws some of each, ``make test-rest`` runs the others, ``test-all`` both.

``@pytest.mark.sampled("name", "mutation", each=3)`` says of a parametrised test that a draw holds every value of its
parameters ``name`` and ``mutation`` three times at least. Tests that are a family together share a marker with a name:
``whole_run`` below. One seed decides every draw; it is told before and after.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

SEED = "BENCH_TEST_SEED"

whole_run = pytest.mark.sampled(family="whole runs", each=10)
"""Of tests on whole runs, from a suite file to its board, for many seconds each: what all of them pass through is
tested more closely elsewhere, and what a single one sees is seen by ``make test-rest``."""
TOLD = pytest.StashKey[list[str]]()
"""A line for each family: how many of its cases are run."""


def drawn(cases: Mapping[str, Sequence[str]], each: int, rng: random.Random) -> set[str]:
    """A random choice from cases, named with what they stand for, in which all of that stands ``each`` times."""
    chosen: set[str] = set()
    held: Counter[str] = Counter()
    for case in rng.sample(sorted(cases), len(cases)):
        if any(held[stratum] < each for stratum in cases[case]):
            chosen.add(case)
            held.update(cases[case])
    return chosen


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cases``."""
    told = (
        "run all cases, or of every family marked 'sampled' those that are drawn; 'rest' runs what 'drawn' leaves out"
    )
    parser.addoption("--cases", choices=("all", "drawn", "rest"), default="all", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Explain the marker, and choose a seed before workers start, who inherit it."""
    config.addinivalue_line(
        "markers", "sampled(*parameters, each=1, family=None): a case of a large family; see tests/sampling.py"
    )
    if config.getoption("--cases") != "all":
        os.environ.setdefault(SEED, str(random.randrange(10**6)))


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that hold whole runs, lest one is left for the end; keep what ``--cases`` asks for."""
    long = set()
    for item in items:
        marker = item.get_closest_marker("sampled")
        if marker and "family" in marker.kwargs:
            long.add(item.path)
    items.sort(key=lambda item: item.path not in long)
    which = config.getoption("--cases")
    if which == "all":
        return
    families: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        marker = item.get_closest_marker("sampled")
        if marker:
            families[marker.kwargs.get("family", item.nodeid.partition("[")[0])].append(item)
    wanted = {item.nodeid for item in items if which == "drawn" and not item.get_closest_marker("sampled")}
    told = config.stash[TOLD] = []
    for family, members in families.items():
        cases = {item.nodeid for item in members}
        chosen = _draw(family, members)
        run = chosen if which == "drawn" else cases - chosen
        wanted |= run
        told.append(f"{len(run)} of {len(cases)} cases of {family}")
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
    items[:] = [item for item in items if item.nodeid in wanted]
    if hasattr(config, "workeroutput"):
        config.workeroutput["told"] = told


def _draw(family: str, members: Sequence[pytest.Item]) -> set[str]:
    marker = members[0].get_closest_marker("sampled")
    assert marker is not None
    cases = {item.nodeid: ["", *(f"{name}={_parameter(item, name)}" for name in marker.args)] for item in members}
    return drawn(cases, marker.kwargs.get("each", 1), random.Random(f"{os.environ[SEED]} {family}"))


def _parameter(item: pytest.Item, name: str) -> Any:
    return item.callspec.params[name]  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist says what it ran; all ran from the same draw."""
    node.config.stash[TOLD] = getattr(node, "workeroutput", {}).get("told", [])


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell the seed first: a run that does not end can be repeated too."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.config.getoption("--cases") != "all":
        reporter.write_line(f"cases are drawn with {SEED}={os.environ[SEED]}")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell what was drawn, and how to draw it again."""
    told = config.stash.get(TOLD, [])
    if told:
        terminalreporter.section("cases drawn")
        for line in told:
            terminalreporter.write_line(line)
        again = f"{SEED}={os.environ[SEED]}"
        terminalreporter.write_line(f"the same again: {again} make test; the others: {again} make test-rest")
