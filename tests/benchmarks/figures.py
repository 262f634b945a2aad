"""Figures of one run: collected by stage, printed as one table, saved, and compared with those of another run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bars import BARS

from bench.machine import machine_facts

SCHEMA = 1
GATE = 0.85
"""Share of its former value that a figure with a bar must keep."""

Figures = dict[str, dict[str, float]]
"""Stage to its figures by name; the first is its rate."""


def interleaved(
    benchmark: Any, ours: Callable[[], Any], rivals: Mapping[str, Callable[[], Any]], rounds: int
) -> dict[str, float]:
    """Median seconds of ours and of every rival, which runs before every round; one unmeasured round comes first."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for function in (ours, *rivals.values()):
        function()

    def run_rivals() -> None:
        for name, function in rivals.items():
            start = perf_counter()
            function()
            seconds[name].append(perf_counter() - start)

    benchmark.pedantic(ours, setup=run_rivals, rounds=rounds)
    return {"ours": benchmark.stats["median"], **{name: median(taken) for name, taken in seconds.items()}}


def rows_of(figures: Figures) -> Iterator[tuple[str, str, str, str, str]]:
    """Stage, figure, value, bar and whether it is met, of every figure; a stage is named in its first row."""
    for stage, values in figures.items():
        for place, (name, value) in enumerate(values.items()):
            bar = BARS.get((stage, name))
            met = "" if bar is None else "met" if bar.met(value) else "NOT MET"
            yield stage if place == 0 else "", name.replace("_", " "), f"{value:,.3g}", str(bar or ""), met


def table(rows: Iterator[tuple[str, ...]], header: tuple[str, ...]) -> list[str]:
    """Lines of a table of text; the third column is set right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = []
    for line in lines:
        cells = [
            text.rjust(w) if place == 2 else text.ljust(w)
            for place, (text, w) in enumerate(zip(line, widths, strict=True))
        ]
        shown.append("  ".join(cells).rstrip())
    return shown


def save(figures: Figures, skipped: Mapping[str, str], to: Path) -> None:
    """Write a run as JSON, with the machine it was made on."""
    content = {
        "schema": SCHEMA,
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": machine_facts(),
        "figures": figures,
        "skipped": dict(skipped),
    }
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> Figures:
    """The figures of a saved run."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("schema") != SCHEMA:
        raise SystemExit(f"{path}: no saved run of this schema; make it again with 'make benchmark'")
    figures: Figures = content["figures"]
    return figures
