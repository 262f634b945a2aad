"""Marks and mistakes: where something was written, and everything that is wrong there."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.errors import SuiteError


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value was written: ``source:line:column``, counted from 1.

    Line 0 stands for a source without lines, such as ``-x argument 2``; ``column`` then only orders such sources.
    """

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(slots=True)
class Mistakes:
    """Mistakes found so far, each once, so that all are reported together."""

    found: dict[tuple[Mark, str], None] = field(default_factory=dict)

    def add(self, mark: Mark, sentence: str) -> None:
        """Note one mistake; the same sentence at the same place counts once."""
        self.found[mark, sentence] = None

    def add_new(self, others: Mistakes, suffix: str) -> None:
        """Note those of ``others`` that are not known yet, with a suffix that says where they come from."""
        for mark, sentence in others.found:
            if (mark, sentence) not in self.found:
                self.add(mark, sentence + suffix)

    def lines(self) -> list[str]:
        """``place: sentence``, by line and column; sources without lines come last, as found."""
        ordered = sorted(self.found, key=lambda item: (not item[0].line, item[0].line, item[0].column))
        return [f"{mark}: {sentence}" for mark, sentence in ordered]

    def check(self) -> None:
        """Go on only when nothing was found.

        Raises:
            SuiteError: with every mistake.
        """
        if self.found:
            raise SuiteError(self.lines())
