"""E, the epoch of convergence, read off a stored validation-loss curve."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

WINDOW = 3
SLOPE = 1e-3
PATIENCE = 10
MINIMUM = 20


def convergence_epoch(epochs: Sequence[int], losses: Sequence[float]) -> int | None:
    """Epoch of the last progress before the curve stood still, or None when it never did.

    ``losses[i]`` was measured after ``epochs[i]``. The curve is smoothed by the median of the last WINDOW
    validations. A validation is progress when its smoothed loss lies below the level of the last progress
    by more than SLOPE of that level. The curve stands still at the first validation that is at least the
    MINIMUM-th and has PATIENCE validations without progress behind it; later values do not matter.
    Not in the supplement: PROTOCOL, "Budget and convergence".
    """
    level, last = float("inf"), 0
    for place in range(len(losses)):
        smoothed = median(losses[max(0, place - WINDOW + 1) : place + 1])
        if level == float("inf") or smoothed < level - SLOPE * abs(level):
            level, last = smoothed, place
        if place + 1 >= MINIMUM and place - last >= PATIENCE:
            return epochs[last]
    return None
