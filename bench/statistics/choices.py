"""Estimates whose error includes the choice of the threshold on validation.

The threshold of every seed is chosen on the same validation groups, so that what they happen to be moves all seeds of a
level alike: no spread over seeds and no test group tells of it. Its part of the variance is that of the estimate over
bootstrap draws of the validation groups, each with thresholds chosen anew. All levels see the same draws, so what moves
both sides of a difference cancels. What a seed's own threshold adds is in the seed part already: the sum errs on the
wide side. Simulated in ``docs/statistics.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.statistics.estimates import Block, Estimate, Part, added, estimate
from bench.types import Float64

FEWEST_CHOOSING = 5
"""With fewer validation groups that hold defects, draws of them do not tell how the choice varies."""


def estimate_rechosen(blocks: Sequence[Block], weights: Sequence[Float64]) -> Estimate | None:
    """As :func:`bench.statistics.estimates.estimate`, with the choice; None where a block knows nothing of it."""
    held = estimate(blocks, weights)
    parts = [Part(held.error**2, held.freedom)]
    for one, weight in zip(blocks, weights, strict=True):
        if one.rechosen is None:
            return None
        parts.append(choice_part(np.einsum("lc,...lcd->...d", weight, one.rechosen)))
    whole = added(parts)
    return Estimate(held.value, np.sqrt(whole.variance), whole.freedom)


def choice_part(rechosen: Float64) -> Part:
    """Variance of an estimate over draws of validation groups, ``float64[..., draws]``, as if known exactly."""
    variance = rechosen.var(axis=-1, ddof=1)
    return Part(variance, np.full_like(variance, rechosen.shape[-1] - 1.0))
