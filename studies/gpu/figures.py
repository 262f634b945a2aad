"""Figures of a part: saved as each is measured, and set as a table."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """What was measured, against what, and the bar: ``value`` is a ratio where there is a bar."""

    name: str
    value: float
    said: str
    bar: float | None = None
    at_most: bool = False

    def row(self) -> str:
        """Its row of the table."""
        if self.bar is None:
            return f"| {self.name} | {self.said} | |"
        met = self.value <= self.bar if self.at_most else self.value >= self.bar
        limit = "at most" if self.at_most else "at least"
        return f"| {self.name} | {self.said} | {limit} {self.bar:g}: {'met' if met else '**not met**'} |"


@dataclass
class Part:
    """What a part has measured so far, in the file ``path``; ``place`` is a folder for what it needs meanwhile.

    The ``dry`` form, in small sizes, has no bars.
    """

    name: str
    device: str
    path: Path
    place: Path
    dry: bool = False
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def figure(self, name: str, value: float, said: str, bar: float | None = None, *, at_most: bool = False) -> None:
        """Keep a figure."""
        self.figures.append(Figure(name, value, said, None if self.dry else bar, at_most))
        self.save()

    def note(self, sentence: str) -> None:
        """Keep a sentence."""
        self.notes.append(sentence)
        self.save()

    def table(self, text: str) -> None:
        """Keep a table that is set already."""
        self.tables.append(text)
        self.save()

    def save(self) -> None:
        """Write the file anew."""
        kept = {
            "name": self.name,
            "device": self.device,
            "date": time.strftime("%Y-%m-%d"),
            "figures": [asdict(figure) for figure in self.figures],
            "notes": self.notes,
            "tables": self.tables,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def section(paths: Sequence[Path]) -> str:
    """The section of a document that saved parts make: date and device, figures, notes, tables."""
    lines: list[str] = []
    for path in paths:
        kept = json.loads(path.read_text(encoding="utf-8"))
        lines += [f"**{kept['name']}**, {kept['date']}, {kept['device']}.", ""]
        if kept["figures"]:
            lines += ["| what | measured | bar |", "| --- | --- | --- |"]
            lines += [*(Figure(**one).row() for one in kept["figures"]), ""]
        for text in (*kept["notes"], *kept["tables"]):
            lines += [text, ""]
    return "\n".join(lines)


def between(text: str, mark: str, section: str) -> str:
    """A document with a section put between its marks.

    Raises:
        ValueError: the document does not have them.
    """
    first, last = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    before, _, rest = text.partition(first)
    _, found, after = rest.partition(last)
    if not found:
        raise ValueError(f"the marks {first.strip()} and {last} are missing")
    return f"{before}{first}{section}{last}{after}"


def interleaved(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each, measured in turn; one unmeasured round comes first. A work waits for its device."""
    seconds: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for taken, work in zip(seconds, works, strict=True):
            started = time.perf_counter()
            work()
            if number:
                taken.append(time.perf_counter() - started)
    return [median(taken) for taken in seconds]
