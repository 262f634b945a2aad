"""Conditions on a difference: ``f1@test < -2`` holds where the second run is more than two points below the first."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from bench.errors import SettingsError
from bench.report.measures import measure_of
from bench.report.shape import Measure

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(
    r"\s*([A-Za-z_][\w.-]*(?:@(?:validation|test))?)\s*(<=|>=|<|>)\s*([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)\s*(%?)\s*"
)
HOW = "write MEASURE, one of < <= > >=, and a number, as 'f1@test < -2' (points) or 'cost.train_s > 20%' (of the first)"


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on second less first: points for shares, else the measure's own unit, or percent of the first."""

    text: str
    measure: Measure
    comparison: str
    bound: float
    relative: bool

    def holds(self, first: float, second: float) -> bool:
        """Whether the condition is met; a relative one is met by any step off a zero in its direction."""
        change = second - first
        if self.relative:
            scaled = 100 * change / abs(first) if first else float("inf") * change if change else 0.0
        else:
            scaled = 100 * change if self.measure.percent else change
        return _OPERATORS[self.comparison](scaled, self.bound)


def gate_from(text: str) -> Gate:
    """Read one condition.

    Raises:
        SettingsError: it is not of the form that is understood.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise SettingsError(f"--fail-if {text!r} is not understood; {HOW}")
    name, comparison, bound, percent = found.groups()
    return Gate(text.strip(), measure_of(name), comparison, float(bound), bool(percent))
