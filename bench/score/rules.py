"""Rules that choose a threshold on validation evidence: best of a score, a fixed value, or a bound that must hold.

A rule reads validation alone; what it reaches on test is another matter and is printed beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from bench.errors import DataError, SettingsError
from bench.score.evidence import Evidence
from bench.score.object_scores import alarm_rates
from bench.score.thresholds import STEPS, Threshold, best_index, choosable, threshold_at
from bench.scores import BOUNDS, PRECISION, RECALL, rows_of
from bench.types import Bool, Float64, PixelMetric

FORMS = "a number such as 0.5, 'recall>=0.9', 'precision>=0.9', 'fpr<=0.01' or 'alarms<=1'"
_FORM = re.compile(rf"({'|'.join(BOUNDS)})(>=|<=)(\d*\.?\d+(?:e-?\d+)?)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``text`` is its canonical form.

    ``best``: highest pooled ``score``; among equals the middle of the longest plateau. ``fixed``: the grid value
    ``level``. The others keep a bound at ``level``, and take of the thresholds that keep it the one of highest
    precision (``recall``) or highest recall (all others), the highest of equals:

    - ``recall`` and ``precision``: pooled pixel recall or precision at least ``level`` (0..1);
    - ``fpr``: share of defect-free pixels called positive at most ``level`` (0..1);
    - ``alarms``: at most ``level`` false alarms per clean image, at this threshold and at all higher ones: far
      below it everything melts into one component, which is not what is asked for.
    """

    kind: str
    level: float = 0.0
    score: str = "f1"

    @property
    def text(self) -> str:
        """``best-f1``, ``0.5`` or ``recall>=0.9``."""
        if self.kind == "best":
            return f"best-{self.score}"
        level = repr(float(self.level)).removesuffix(".0")  # all digits: two rules never share a name
        return level if self.kind == "fixed" else f"{self.kind}{BOUNDS[self.kind]}{level}"

    def index(self, validation: Evidence) -> int | None:
        """Grid index chosen on a split; None where no threshold keeps the bound.

        Raises:
            DataError: the split has no valid pixel.
        """
        counts = choosable(validation)
        if self.kind == "best":
            return best_index(counts, best_metrics()[self.score])[0]
        if self.kind == "fixed":
            return round(self.level * STEPS)
        gain = (PRECISION if self.kind == "recall" else RECALL).value(counts[1:])  # 0 is not on the grid
        kept = _kept(self, counts, validation)[1:]
        best = gain[kept].max(initial=-1)
        return int(np.flatnonzero(kept & (gain == best)).max(initial=-1)) + 1 or None


def best_metrics() -> dict[str, PixelMetric]:
    """Scores that a threshold may be the best of."""
    return {row.name: row.metric for row in rows_of("split") if row.chooses and row.metric is not None}


def rule_from(text: str) -> Rule:
    """Read a rule as a user writes it.

    Raises:
        SettingsError: it is none of the forms, or its number is out of range or off the grid.
    """
    if text.startswith("best-") and text[5:] in best_metrics():
        return Rule("best", score=text[5:])
    match = _FORM.fullmatch(text.replace(" ", ""))
    if match and match[2] == BOUNDS[match[1]]:
        kind, level = match[1], float(match[3])
        if (kind != "alarms" and level > 1) or (level == 0 and BOUNDS[kind] == ">="):
            raise SettingsError(
                f"threshold rule {text!r}: the bound {level:g} is out of range; write a share of 0 to 1"
            )
        return Rule(kind, level)
    try:
        value = float(text)
    except ValueError:
        best = "".join(f"best-{name}, " for name in best_metrics())
        raise SettingsError(f"threshold rule {text!r} is unknown; write {best}{FORMS}") from None
    if not (1 / STEPS <= value <= 1 and abs(value * STEPS - round(value * STEPS)) < 1e-9):
        raise SettingsError(f"threshold {text} is not on the grid 0.001, 0.002, ..., 1; choose one of these")
    return Rule("fixed", round(value * STEPS) / STEPS)


def threshold_of(rule: Rule, validation: Evidence) -> Threshold:
    """The threshold that a rule chooses on validation; test evidence must never be passed.

    Raises:
        DataError: the split has no valid pixel, or no threshold of the grid keeps the rule's bound.
    """
    index = rule.index(validation)
    if index is None:
        raise DataError(f"no threshold reaches {rule.text} on validation; ask for a weaker bound")
    return threshold_at(index, validation)


def _kept(rule: Rule, counts: Float64, validation: Evidence) -> Bool:
    """Where on the grid the bound holds, ``bool[1001]``."""
    if rule.kind == "recall":
        return np.asarray(RECALL.value(counts) >= rule.level)
    if rule.kind == "precision":
        return np.asarray(PRECISION.value(counts) >= rule.level)
    if rule.kind == "fpr":
        return np.asarray((counts[:, 1] <= (rule.level + 1e-9) * counts[0, 1]) & (counts[0, 1] > 0))
    rates = alarm_rates(validation)
    if rates is None:
        return np.zeros(STEPS + 1, bool)
    return np.asarray(np.maximum.accumulate(rates[::-1])[::-1] <= rule.level)
