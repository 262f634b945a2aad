"""The contract of losses: finite scalars with a gradient, blind to ignored pixels."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from bench.component import Component
from bench.testing.clauses import Breach, Sentences, asked, function_of, in_turn, kept, ran
from bench.types import IGNORED
from bench.words import shown

if TYPE_CHECKING:
    import torch

SIDE, BATCH = 16, 2
CLASSES = (1, 3)
CERTAIN = 20.0
"""A logit that leaves no doubt."""
EXTREME = 1000.0
MIXED = "a mixed mask"


def breaches_of_loss(component: Component[Any]) -> list[str]:
    """Every clause for one and for three defect classes."""
    build = partial(function_of, component, "(logits, targets)")
    clauses = product(CLASSES, (learning, staying_finite, ordering, ignoring))
    return kept(in_turn(*(asked(build, clause, classes) for classes, clause in clauses)))


def _targets(classes: int) -> dict[str, torch.Tensor]:
    """Masks by what is special about them, ``int64[N, h, w]``."""
    import torch

    empty = torch.zeros(BATCH, SIDE, SIDE, dtype=torch.int64)
    mixed = empty.clone()
    mixed[:, 2:7, 3:9], mixed[:, 10:14, 1:5], mixed[0, -3:] = 1, classes, IGNORED
    return {
        MIXED: mixed,
        "an all-empty mask": empty,
        "an all-full mask": torch.ones_like(empty),
        "an all-ignored mask": torch.full_like(empty, IGNORED),
    }


def _logits(classes: int) -> torch.Tensor:
    import torch

    noise = torch.randn(BATCH, 1 + classes, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return noise.requires_grad_()


def _right(targets: torch.Tensor, classes: int, size: float) -> torch.Tensor:
    """Logits ``size`` for the true class and 0 for the others; ignored pixels count as background."""
    import torch

    known = targets.where(targets != IGNORED, torch.zeros_like(targets))
    truth = torch.nn.functional.one_hot(known, 1 + classes).permute(0, 3, 1, 2)
    return (size * truth).float()


def _value(loss: Any, logits: torch.Tensor, targets: torch.Tensor, what: str) -> torch.Tensor:
    """The loss as a scalar tensor.

    Raises:
        Breach: it raises, or is no scalar.
    """
    import torch

    value: Any = ran(f"the loss of {what}", loss, logits, targets)
    if not isinstance(value, torch.Tensor) or value.ndim or not value.is_floating_point():
        raise Breach(f"the loss of {what} is {shown(value)}: it must be a scalar tensor")
    return value


def learning(loss: Any, classes: int) -> Sentences:
    """Finite on every degenerate mask, and with a gradient that reaches the logits, even with nothing to learn."""
    for what, targets in _targets(classes).items():
        logits = _logits(classes)
        value = _value(loss, logits, targets, what)
        if not bool(value.isfinite()):
            yield f"the loss of {what} is {float(value)}: it must be finite"
            continue
        ran(f"the gradient of {what}", value.backward)
        if logits.grad is None or not bool(logits.grad.isfinite().all()):
            yield f"no finite gradient of {what} reaches the logits"
        elif what == MIXED and not bool(logits.grad.any()):
            yield f"the gradient of {what} is zero everywhere: nothing can be learned"


def staying_finite(loss: Any, classes: int) -> Sentences:
    """Finite for logits that leave no doubt at all."""
    mixed = _targets(classes)[MIXED]
    for size in (EXTREME, -EXTREME):
        what = f"logits of {size:+g} for the true class"
        value = _value(loss, _right(mixed, classes, size), mixed, what)
        if not bool(value.isfinite()):
            yield f"the loss of {what} is {float(value)}: use log_softmax, not the logarithm of a probability"


def ignoring(loss: Any, classes: int) -> Sentences:
    """Logits of ignored pixels change nothing."""
    import torch

    targets = _targets(classes)[MIXED]
    logits = _logits(classes).detach()
    other = torch.where((targets == IGNORED)[:, None], -3 * logits + 5, logits)
    first, second = (float(_value(loss, each, targets, MIXED)) for each in (logits, other))
    if abs(first - second) > 1e-6 * max(1.0, abs(first)):
        yield f"other logits where the target is 255 change the loss from {first:.6g} to {second:.6g}: leave them out"


def ordering(loss: Any, classes: int) -> Sentences:
    """Lower for a perfect prediction than for its opposite; the same when asked again; arguments stay as they are."""
    import torch

    targets = _targets(classes)[MIXED]
    given = targets.clone()
    perfect, opposite = _right(targets, classes, CERTAIN), _right(targets, classes, -CERTAIN)
    best, worst = (float(_value(loss, each.clone(), given, MIXED)) for each in (perfect, opposite))
    if not best < worst:
        yield f"a perfect prediction costs {best:.6g}, its opposite {worst:.6g}: perfect must be the lower"
    if not torch.equal(given, targets):
        raise Breach("it changes the targets it is given: work on a copy")
    if float(loss(opposite.clone(), given)) != worst:
        yield "the loss of equal arguments differs the second time: it must be deterministic"
