"""Built-in losses: cross-entropy, Dice, and their weighted sum, over valid pixels only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from bench.component import About, Component
from bench.errors import SettingsError
from bench.hookspecs import hookimpl
from bench.types import IGNORED

if TYPE_CHECKING:
    import torch

    Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def bce() -> Loss:
    """Mean cross-entropy over valid pixels.

    On two channels the softmax is the sigmoid of their difference, so this *is* binary cross-entropy.
    """
    return cross_entropy


def dice() -> Loss:
    """One minus soft Dice of each defect class, see :func:`soft_dice`."""
    return soft_dice


def bce_dice(*, dice: float = 0.5) -> Loss:
    """``(1 - dice) * cross-entropy + dice * soft Dice``.

    Raises:
        SettingsError: ``dice`` is not within 0..1.
    """
    if not 0 <= dice <= 1:
        raise SettingsError(f"bce-dice: dice must lie within 0..1, got {dice}")

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (1 - dice) * cross_entropy(logits, targets) + dice * soft_dice(logits, targets)

    return loss


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean over the pixels that are not 255 of ``float[N, 1 + K, h, w]`` against ``int64[N, h, w]``; 0 if none is."""
    truth = one_hot(logits, targets)
    return -(truth * logits.float().log_softmax(dim=1)).sum() / truth.sum().clamp_min(1)


def soft_dice(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - 2 sum(p t) / (sum(p) + sum(t))``, sums over all valid pixels of the batch, mean over defect classes.

    Milletari et al. 2016 without squares. A class without a pixel in the batch adds 0, as in
    segmentation_models_pytorch: its false positives are the cross-entropy's business.
    """
    truth = one_hot(logits, targets)
    valid = truth.sum(dim=1, keepdim=True)
    chance = logits.float().softmax(dim=1) * valid
    overlap = (chance * truth).sum(dim=(0, 2, 3))[1:]
    true, predicted = truth.sum(dim=(0, 2, 3))[1:], chance.sum(dim=(0, 2, 3))[1:]
    score = 2 * overlap / (true + predicted).clamp_min(1e-7)
    return ((1 - score) * (true > 0)).mean()


def one_hot(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``float32`` of the logits' shape; all zero where the target is 255.

    Written as a comparison because its alternatives (gather, nll_loss2d) have no deterministic form on CUDA.
    """
    import torch

    classes = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    truth = (targets.unsqueeze(1) == classes) & (targets.unsqueeze(1) != IGNORED)
    return truth.float()


@hookimpl
def bench_losses() -> Iterable[Component[Loss]]:
    """``bce-dice``, ``bce`` and ``dice``."""
    yield Component("bce-dice", bce_dice, about=About("weighted sum of cross-entropy and soft Dice"))
    yield Component("bce", bce, about=About("cross-entropy over valid pixels (binary: BCE)"))
    yield Component("dice", dice, about=About("soft Dice of the defect classes over the batch"))
