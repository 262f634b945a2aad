"""What stands below all tables: the numbered reasons of their positions, and the rules that matter here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from bench.report.choose import POLICY
from bench.report.shape import Entry, Table, entries_of

MISSING = "A position without a score takes part in no mean and no comparison; it is never counted as zero."
BOLD = "Bold: best of its column among positions with all seeds; not a test of significance."
SPREAD = "± is the sample standard deviation over seeds."
INERT = "†: this level excluded no crop position, so its crops are drawn like uniform ones."
FELL_BACK = "†: this level admitted no crop position, so its rule chose no crop: all are fallback windows."
BOUND = "E > N: not converged after N epochs; a mean that holds such a seed is a lower bound."
CLAIMS = {1: "one seed, no order claimed", 2: "fewer than three seeds, no order claimed"}
"""An order is claimed only with at least three seeds (PROTOCOL, section 5)."""


def numbered(tables: Sequence[Table]) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    """The reasons in reading order, and the tables with their numbers; equal reasons share a number."""
    numbers: dict[str, int] = {}

    def noted(entry: Entry) -> Entry:
        return replace(entry, note=numbers.setdefault(entry.reason, len(numbers) + 1)) if entry.reason else entry

    done = tuple(table.changed(noted) for table in tables)
    return tuple(numbers), done


def remarks(tables: Sequence[Table]) -> tuple[str, ...]:
    """The rules that these tables follow, only those that matter here."""
    entries = entries_of(tables)
    figures = list(chain.from_iterable(entry.figures for entry in entries))
    lacking = any(not entry.complete for entry in entries)
    rules = {
        MISSING: lacking or any(figure.value is None for figure in figures),
        BOLD: any(figure.best for figure in figures),
        SPREAD: any(figure.spread is not None for figure in figures),
        INERT: any(entry.inert for entry in entries),
        FELL_BACK: any(entry.fell_back for entry in entries),
        BOUND: any(figure.at_least for figure in figures),
        POLICY: any(entry.trial for entry in entries),
    }
    most = max((entry.seeds for entry in entries), default=0)
    claim = [CLAIMS[most]] if most in CLAIMS else []
    return (*claim, *(text for text, matters in rules.items() if matters))
