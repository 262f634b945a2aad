"""A section of the page of a run: how far seeds of one position lie apart; the place for your own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.api import About, CellRecord, Component, Format, Question, Section, document, hookimpl

NAME = "my-plugin"


class Scatter:
    """Under the question whether a difference is real: the widest gaps between seeds, in points of test F1."""

    question: Question = "real"

    def section(self, records: Mapping[str, CellRecord], /) -> document.Document:
        """One line for each position with several seeds, the widest gap first."""
        scores: dict[str, list[float]] = {}
        for record in records.values():
            f1 = record.of_split("test").number("f1")
            name = " / ".join(label for axis, label in record.axes.items() if axis != "seed")
            if f1 is not None:
                scores.setdefault(name, []).append(f1)
        gaps = {name: max(found) - min(found) for name, found in scores.items() if len(found) > 1}
        widest = sorted(gaps.items(), key=lambda gap: gap[1], reverse=True)
        lines = [f"{name}: {100 * gap:.1f} points" for name, gap in widest]
        if not lines:
            return document.Document("", [])
        return document.Document("", [document.Heading("How far seeds lie apart"), document.Points(lines)])


def build() -> Section:
    """The section has no settings."""
    return Scatter()


@hookimpl
def bench_reporters() -> Iterable[Component[Section | Format]]:
    """Offer the section."""
    yield Component(NAME, build, about=About("how far the test F1 of seeds lies apart"))
