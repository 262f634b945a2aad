"""Built-in losses: cross-entropy, focal, Dice, Tversky, Lovasz, and weighted sums of them, over valid pixels only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from bench.component import About, Component
from bench.errors import SettingsError
from bench.hookspecs import hookimpl
from bench.types import IGNORED

if TYPE_CHECKING:
    import torch

    Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Part = Literal["bce", "focal", "dice", "tversky", "lovasz"]


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


def focal(*, gamma: NotNegative = 2.0, alpha: Share | None = None) -> Loss:
    """Cross-entropy times ``(1 - p) ** gamma``, p being the chance given to the true class (Lin et al. 2017).

    Mean over valid pixels. ``alpha`` weighs defects and ``1 - alpha`` the background; null weighs all alike.
    """

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return focal_entropy(logits, targets, gamma, alpha)

    return loss


def tversky(*, alpha: Positive = 0.3, beta: Positive = 0.7) -> Loss:
    """``1 - TP / (TP + alpha FP + beta FN)`` of each defect class on soft counts (Salehi et al. 2017).

    Dice is alpha = beta = 0.5; a larger ``beta`` asks for recall. Sums and absent classes as of :func:`soft_dice`.
    """

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return soft_tversky(logits, targets, alpha, beta)

    return loss


def lovasz() -> Loss:
    """Convex extension of one minus IoU of the classes present, see :func:`lovasz_softmax`."""
    return lovasz_softmax


def mixture(*, parts: dict[Part, NotNegative] = {"bce": 0.5, "lovasz": 0.5}) -> Loss:  # noqa: B006 - a settings default
    """Weighted sum of losses with their default settings; the weights are taken as they are, not made to sum to 1.

    Raises:
        SettingsError: no weight is above 0.
    """
    mistake = _no_weight(parts=parts)
    if mistake is not None:
        raise SettingsError(mistake)
    built = [(weight, PARTS[name]()) for name, weight in parts.items() if weight > 0]

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.stack([weight * part(logits, targets) for weight, part in built]).sum()

    return loss


def _no_weight(*, parts: dict[Part, float]) -> str | None:
    return None if any(parts.values()) else "mixture: at least one part needs a weight above 0"


PARTS: Mapping[Part, Callable[[], Loss]] = {
    "bce": bce,
    "focal": focal,
    "dice": dice,
    "tversky": tversky,
    "lovasz": lovasz,
}
"""What a mixture may hold."""


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean over the pixels that are not 255 of ``float[N, 1 + K, h, w]`` against ``int64[N, h, w]``; 0 if none is."""
    truth = one_hot(logits, targets)
    return -(truth * logits.float().log_softmax(dim=1)).sum() / truth.sum().clamp_min(1)


def focal_entropy(logits: torch.Tensor, targets: torch.Tensor, gamma: float, alpha: float | None) -> torch.Tensor:
    """Mean over valid pixels of ``-weight (1 - p)^gamma log p`` of the true class; 0 if no pixel is valid.

    ``1 - p`` is never below 1e-7: the gradient of its power is not finite at 0 where gamma is below 1.
    """
    truth = one_hot(logits, targets)
    chance = logits.float().log_softmax(dim=1)
    sure = (chance * truth).sum(dim=1)
    missing = (-sure.expm1()).clamp_min(1e-7)
    entropy = -(missing**gamma) * sure
    if alpha is not None:
        entropy = entropy * ((1 - alpha) * truth[:, 0] + alpha * truth[:, 1:].sum(dim=1))
    return entropy.sum() / truth.sum().clamp_min(1)


def _soft_counts(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Overlap, true and predicted pixels of every defect class over the batch, ``float32[K]`` each."""
    truth = one_hot(logits, targets)
    valid = truth.sum(dim=1, keepdim=True)
    chance = logits.float().softmax(dim=1) * valid
    overlap, true, predicted = (each.sum(dim=(0, 2, 3))[1:] for each in (chance * truth, truth, chance))
    return overlap, true, predicted


def soft_dice(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``1 - 2 sum(p t) / (sum(p) + sum(t))``, sums over all valid pixels of the batch, mean over defect classes.

    Milletari et al. 2016 without squares. A class without a pixel in the batch adds 0, as in
    segmentation_models_pytorch: its false positives are the cross-entropy's business.
    """
    overlap, true, predicted = _soft_counts(logits, targets)
    score = 2 * overlap / (true + predicted).clamp_min(1e-7)
    return ((1 - score) * (true > 0)).mean()


def soft_tversky(logits: torch.Tensor, targets: torch.Tensor, alpha: float, beta: float) -> torch.Tensor:
    """One minus the Tversky index of each defect class over the batch; a class without a pixel adds 0."""
    overlap, true, predicted = _soft_counts(logits, targets)
    wrong = alpha * (predicted - overlap) + beta * (true - overlap)
    score = overlap / (overlap + wrong).clamp_min(1e-7)
    return ((1 - score) * (true > 0)).mean()


def lovasz_softmax(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Lovasz-Softmax of Berman et al. 2018, all pixels of the batch at once; mean over the classes present.

    The background is one of the classes, as there. Without a valid pixel it is 0.
    """
    import torch

    truth = one_hot(logits, targets)
    valid = truth.sum(dim=1, keepdim=True)
    errors = (truth - logits.float().softmax(dim=1)).abs() * valid
    by_class = [_lovasz(errors[:, k].flatten(), truth[:, k].flatten(), valid.flatten()) for k in range(truth.shape[1])]
    present = truth.sum(dim=(0, 2, 3)) > 0
    return (torch.stack(by_class) * present).sum() / present.sum().clamp_min(1)


def _lovasz(errors: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Errors weighted by what each adds to one minus IoU when the pixels turn wrong, the largest error first."""
    import torch

    order = (errors.detach() + valid).sort(descending=True, stable=True).indices  # pixels that are not valid come last
    mine = truth[order].long()  # whole numbers: a running sum of floats has no deterministic form on CUDA
    missed, united = mine.cumsum(0), mine.sum() + (1 - mine).cumsum(0)
    lost = 1 - (mine.sum() - missed).double() / united.clamp_min(1)
    weights = torch.zeros_like(errors)
    weights[order] = lost.diff(prepend=lost.new_zeros(1)).float()
    return (errors * weights).sum()


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
    """Every built-in loss."""
    yield Component("bce-dice", bce_dice, about=About("weighted sum of cross-entropy and soft Dice"))
    yield Component("bce", bce, about=About("cross-entropy over valid pixels (binary: BCE)"))
    yield Component("dice", dice, about=About("soft Dice of the defect classes over the batch"))
    yield Component("focal", focal, about=About("cross-entropy that pays little attention to what is already right"))
    yield Component("tversky", tversky, about=About("soft Dice with separate weights of false alarms and misses"))
    yield Component("lovasz", lovasz, about=About("Lovasz-Softmax: a convex stand-in for one minus IoU"))
    yield Component(
        "mixture", mixture, supports=_no_weight, about=About("weighted sum of bce, focal, dice, tversky and lovasz")
    )
