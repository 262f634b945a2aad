"""Contracts of bench plugins as tests, and a fixture that times a data set.

Every pytest run of an environment with bench loads this module, so it imports pytest alone; bench itself is imported
when ``--bench-contracts`` or the fixture is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest

Figures = dict[str, float]

LINES = pytest.StashKey[list[str]]()
"""What ``data_throughput`` found, for the end of the run."""


class Broken(Exception):
    """A contract is broken; the message is one sentence per line."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--bench-contracts``."""
    parser.getgroup("bench", "contracts of bench plugins").addoption(
        "--bench-contracts",
        action="append",
        default=[],
        metavar="NAME",
        help="Test the contract of a component, of every component of a distribution, or of a plugin file; repeatable.",
    )


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose among the tests
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Append one test per component that was named."""
    names: list[str] = config.getoption("--bench-contracts")
    if names:
        contracts = Contracts.from_parent(session, name="bench-contracts", nodeid="bench-contracts", names=names)
        report = contracts.ihook.pytest_make_collect_report(collector=contracts)
        contracts.ihook.pytest_collectreport(report=report)  # so that they are counted as collected
        items += report.result


class Contracts(pytest.Collector):
    """The parent of the tests of all components that were named.

    Raises:
        UsageError: a name stands for nothing.
    """

    def __init__(self, *, names: Sequence[str], **named: Any) -> None:
        super().__init__(**named)
        self.tests: dict[str, pytest.Item] = {}
        for name in names:
            self.tests |= {test.name: test for test in self._of(name)}

    def collect(self) -> list[pytest.Item]:
        """One test per component, however often it was named."""
        return list(self.tests.values())

    def _of(self, name: str) -> Iterator[pytest.Item]:
        """The tests of what ``name`` stands for."""
        from bench.errors import PluginError
        from bench.testing import breaches, named

        try:
            with redirect_stdout(sys.stderr):
                found = named(name)
        except PluginError as error:
            raise pytest.UsageError(f"--bench-contracts {name}: {error}") from None
        for lost in found.quarantined:
            sentence = f"it cannot be loaded: {lost.reason}"
            yield Contract.from_parent(self, name=f"plugin {lost.module}", ask=partial(list, [sentence]))
        for offer in found.offers:
            label = f"{offer.kind} {offer.provider.package}:{offer.component.name}"
            yield Contract.from_parent(self, name=label, ask=partial(breaches, offer.kind, offer.component))


class Contract(pytest.Item):
    """The contract of one component; ``ask`` returns what it breaks: sentences, shown instead of a traceback."""

    def __init__(self, *, ask: Callable[[], Sequence[str]], **named: Any) -> None:
        super().__init__(**named)
        self.ask = ask

    def runtest(self) -> None:
        """Fail where a sentence is broken."""
        sentences = self.ask()
        if sentences:
            raise Broken("\n".join(sentences))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The sentences alone."""
        if isinstance(excinfo.value, Broken):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the test stands: nowhere but in its name."""
        return self.path, None, f"contract of {self.name}"


@pytest.fixture
def data_throughput(request: pytest.FixtureRequest) -> Callable[..., Figures]:
    """Time a data set: ``data_throughput("my-set")``.

    Returns ``images_per_s`` and ``megapixels_per_s`` of decoding and ``crops_per_s`` into a bank, medians over rounds;
    they stand at the end of the run, and in the ``extra_info`` of pytest-benchmark, which measures the decoding.
    The data are those in ``data``, or where the user keeps them, or the example. Needs pytest-benchmark.
    """
    try:
        benchmark = request.getfixturevalue("benchmark")
    except pytest.FixtureLookupError:
        pytest.skip("data_throughput needs pytest-benchmark; install it with 'pip install pytest-benchmark'")

    def measure(
        name: str,
        *,
        data: str | Path | None = None,
        settings: dict[str, Any] | None = None,
        crop_size: int = 256,
        crops: int = 1000,
        workers: int = 2,
        rounds: int = 3,
    ) -> Figures:
        from bench.testing.throughput import workload
        from bench.words import plural

        with workload(name, Path(data) if data else None, settings or {}, crop_size, crops, workers) as work:
            decoding: list[float] = []
            benchmark.pedantic(_timed, args=(work.decode, decoding), rounds=rounds)
            filling: list[float] = []
            for _ in range(rounds):
                _timed(work.fill_bank, filling)
            figures = {
                "images_per_s": work.images / median(decoding),
                "megapixels_per_s": work.megapixels / median(decoding),
                "crops_per_s": crops / median(filling),
            }
            text = ", ".join(f"{figure:,.4g} {what.replace('_per_s', '/s')}" for what, figure in figures.items())
            lines = request.config.stash.setdefault(LINES, [])
            lines.append(f"{name}: {text} (crops of {crop_size}; {plural(work.images, 'image')} of {work.where})")
        benchmark.extra_info.update(figures)
        return figures

    return measure


def _timed(call: Callable[[], object], seconds: list[float]) -> None:
    """Run and note the seconds it took."""
    start = perf_counter()
    call()
    seconds.append(perf_counter() - start)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what ``data_throughput`` found."""
    lines = config.stash.get(LINES, [])
    if lines:
        terminalreporter.section("data throughput")
        for line in lines:
            terminalreporter.write_line(line)
