"""Try the project with the newest releases that fit pyproject.toml, and say which of them breaks which test.

``python -m locks.newest LOCKED FOLDER MINUTES``, from the repository's root: LOCKED holds what pytest left of the
tests with the locked set (``--junitxml``), FOLDER takes a second environment, MINUTES are what its tests may take.
Newest releases alone never fail a build: the exit code is 0 whatever their tests say.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from locks.install import LOCKS, ROOT
from locks.renew import write_locks

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
NOT_PASSED = ("failure", "error", "skipped")


class Change(NamedTuple):
    """A package whose newest release is not the locked one; "absent" stands for no release."""

    name: str
    locked: str
    newest: str

    def __str__(self) -> str:
        return f"{self.name} {self.locked} -> {self.newest}"


def pins(text: str) -> dict[str, str]:
    """Package to version of a lock."""
    return dict(PIN.findall(text))


def changes(locked: Mapping[str, str], newest: Mapping[str, str]) -> list[Change]:
    """The packages that differ, by name."""
    names = sorted({*locked, *newest})
    both = (Change(name, locked.get(name, "absent"), newest.get(name, "absent")) for name in names)
    return [change for change in both if change.locked != change.newest]


class Ran(NamedTuple):
    """What a run of pytest left: test files by their seconds, and the tests that passed and failed, as node ids."""

    seconds: dict[str, float]
    passed: set[str]
    failed: set[str]


def read_reports(reports: Iterable[Path]) -> Ran:
    """Read what ``pytest --junitxml`` wrote, in one run or in several of different tests."""
    found = Ran({}, set(), set())
    roots = [ElementTree.parse(report) for report in reports]  # noqa: S314 - our own pytest wrote them
    for case in chain.from_iterable(root.iter("testcase") for root in roots):
        file, node = _place(case.get("classname", ""), case.get("name", ""))
        found.seconds[file] = found.seconds.get(file, 0.0) + float(case.get("time", 0))
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            found.failed.add(node)
        elif not outcomes & set(NOT_PASSED):
            found.passed.add(node)
    return found


def _place(module: str, name: str) -> tuple[str, str]:
    """The file and node id of a test of the dotted module; what does not load has its module for a name."""
    parts = (module or name).split(".")
    classes = [part for part in parts if part[:1].isupper()]
    file = "/".join(part for part in parts if not part[:1].isupper()) + ".py"
    return file, "::".join([file, *classes, name]) if module else file


def part_within(seconds: Mapping[str, float], limit: float) -> list[str]:
    """The test files, shortest first, that together take no longer than ``limit`` seconds."""
    chosen, total = [], 0.0
    for file in sorted(seconds, key=lambda name: (seconds[name], name)):
        total += seconds[file]
        if total > limit:
            break
        chosen.append(file)
    return chosen


def blame(
    broken: Iterable[str], changed: Iterable[Change], passing: Callable[[Change, list[str]], set[str]]
) -> dict[str, list[Change]]:
    """Broken test to the packages that break it: those without whose newest release it passes.

    ``passing`` puts one package back to its locked release and says which of some tests pass then.
    """
    tests = sorted(broken)
    cause: dict[str, list[Change]] = {test: [] for test in tests}
    for change in changed:
        for test in passing(change, tests):
            cause[test].append(change)
    return cause


def verdict(broken: Mapping[str, list[Change]]) -> list[str]:
    """A line per broken test."""
    unknown = "no one package alone, or there was no time to tell them apart"
    return [f"  {test}: {', '.join(map(str, whose)) or unknown}" for test, whose in broken.items()]


class Second:
    """The second environment, with the newest releases and this project."""

    def __init__(self, folder: Path, lock: Path) -> None:
        self.folder = folder
        self.python = str(folder / "bin" / "python")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self._install("--only-binary", ":all:", "--require-hashes", "--requirement", str(lock))
        self._install("--no-deps", "--no-build-isolation", "--editable", ".")

    def _install(self, *what: str) -> None:
        quiet = ("--quiet", "--disable-pip-version-check")
        subprocess.run([self.python, "-m", "pip", "install", *quiet, *what], cwd=ROOT, check=True)

    def tests(self, which: Iterable[str], limit: float) -> Ran:
        """Run test files or single tests; what does not end within ``limit`` seconds leaves nothing."""
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        command = [self.python, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}"]
        command += ["--numprocesses", "auto", "--continue-on-collection-errors", *which]
        try:
            subprocess.run(command, cwd=ROOT, check=False, timeout=max(limit, 1))
        except subprocess.TimeoutExpired:
            print(f"  stopped after {limit:.0f} s", flush=True)
        return read_reports([report] if report.is_file() else [])

    def passing_with_locked(self, change: Change, tests: list[str], limit: float) -> set[str]:
        """Those of some tests that pass once one package is back at its locked release."""
        if "absent" in (change.locked, change.newest) or limit <= 0:
            return set()
        try:
            self._install("--no-deps", f"{change.name}=={change.locked}")
            found = self.tests(tests, limit)
            self._install("--no-deps", f"{change.name}=={change.newest}")
        except subprocess.CalledProcessError:
            return set()
        return found.passed & set(tests)


def main(locked: Path, folder: Path, minutes: float) -> int:
    """Compare, and where the sets differ run tests; see the module."""
    lock = folder / "newest.txt"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write_locks(lock, folder / "newest-run.txt")
    except subprocess.CalledProcessError:
        print("the newest releases cannot be found out, as uv says above: nothing is tried with them")
        return 0
    changed = changes(pins(LOCKS["test"].read_text()), pins(lock.read_text()))
    if not changed:
        print("the newest releases are the locked ones, package by package: nothing is left to try")
        return 0
    print(f"newer than the locked set ('make lock' renews it): {', '.join(map(str, changed))}", flush=True)
    try:
        second = Second(folder / "venv", lock)
    except subprocess.CalledProcessError:
        print("NEWEST: they cannot be installed, as pip says above; the build does not fail for it")
        return 0
    _try(second, read_reports(sorted(locked.glob("*.xml"))), changed, minutes * 60)
    return 0


def _try(second: Second, before: Ran, changed: list[Change], limit: float) -> None:
    end = time.monotonic() + limit
    files = part_within(before.seconds, limit * 0.7)  # the rest of the time finds out what broke a test
    whole = "all" if len(files) == len(before.seconds) else "the shortest, as there is no time for more"
    print(f"{len(files)} of {len(before.seconds)} test files ({whole}) with the newest releases:", flush=True)
    found = second.tests(files, end - time.monotonic())
    broken = found.failed & before.passed | {test for test in found.failed if "::" not in test}
    if not broken:
        print(f"NEWEST: {len(found.passed)} tests pass with them as with the locked set, none is broken")
        return
    cause = blame(broken, changed, lambda one, tests: second.passing_with_locked(one, tests, end - time.monotonic()))
    print(f"NEWEST: {len(broken)} tests are broken by newer releases; the build does not fail for it:")
    print("\n".join(verdict(cause)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]).resolve(), float(sys.argv[3])))
