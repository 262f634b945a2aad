"""From integer pixels to logits: the one path that training, validation and prediction share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bench.life import sign_of_life
from bench.types import IGNORED, Task

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch

MULTIPLE = 32
"""Height and width of everything a model sees are multiples of this, so no model states a stride."""


@dataclass(frozen=True)
class Normalise:
    """Fixed constants per channel, ``float32[C, 1, 1]`` on the device."""

    mean: torch.Tensor
    std: torch.Tensor

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map integers ``[N, h, w, C]`` to ``float32[N, C, h, w]`` in channels-last memory."""
        return (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std


def normalisation(mean: npt.ArrayLike, std: npt.ArrayLike, device: torch.device) -> Normalise:
    """Constants ``[C]`` on the scale of the stored dtype; a channel without spread is only centred."""
    import torch

    spread = np.asarray(std, dtype=np.float32)
    spread = np.where(spread > 0, spread, np.float32(1))
    centre = torch.tensor(np.asarray(mean, dtype=np.float32), device=device)
    return Normalise(centre[:, None, None], torch.tensor(spread, device=device)[:, None, None])


def resident(array: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """A bank's array as a tensor on the device; on the CPU it shares the mapped file's memory, no copy."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # nobody writes to it
        return torch.from_numpy(array).to(device)


def targets_of(masks: torch.Tensor, task: Task) -> torch.Tensor:
    """Map ``uint8[N, h, w]`` to ``int64[N, h, w]``; with one class every defect is 1 (union), 255 stays."""
    targets = masks.long()
    if task.classes > 1:
        return targets
    return targets.where(targets == IGNORED, (targets > 0).long())


def forward(model: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Logits ``float32[N, 1 + K, h, w]``: pad right and bottom by repeating the edge to multiples of 32, run, trim."""
    import torch
    import torch.nn.functional as F

    sign_of_life()
    height, width = images.shape[-2:]
    padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
    if any(padding):
        images = F.pad(images, padding, mode="replicate")
    images = images.contiguous(memory_format=torch.channels_last)  # free, unless augmentation turned it
    with resizing(images.device):
        logits: torch.Tensor = model(images)[..., :height, :width]
    return logits.float().contiguous()


def resizing(device: torch.device) -> AbstractContextManager[object]:
    """How a model resizes and pools: by torch's own kernels on the CPU, elsewhere by products of one order."""
    if device.type == "cpu":
        return nullcontext()
    from bench.train.products import Products

    return Products()


def place(model: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Move to the device in channels-last memory, the layout in which convolutions are fastest."""
    import torch

    return model.to(device).to(memory_format=torch.channels_last)


def precise(precision: Literal["float32", "bf16"], device: torch.device) -> AbstractContextManager[None]:
    """Autocast to bfloat16, or nothing."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
