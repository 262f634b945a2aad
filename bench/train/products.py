"""Bilinear resizing and mean pooling as products with matrices. Imported late: torch is at module level.

torch's own kernels add gradients up in any order on a GPU; in deterministic mode it resizes by a slow chain of
indexing instead, and pools as before. A product has one order, and is what a GPU does fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch  # noqa: TID253 - this module is itself imported late, for devices other than the processor
import torch.nn.functional as F  # noqa: TID253 - as above
from torch.overrides import TorchFunctionMode  # noqa: TID253 - as above


class Products(TorchFunctionMode):
    """Inside this context every model resizes bilinearly and pools adaptively by products, whoever wrote it."""

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the form of a function that is a product, or the function itself."""
        return FORMS.get(function, function)(*args, **(kwargs or {}))


def interpolated(
    input: torch.Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> torch.Tensor:
    """``F.interpolate``; only what is bilinear and without antialiasing is another computation."""
    if mode != "bilinear" or antialias:
        return F.interpolate(input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)

    def resized(units: torch.Tensor, axis: int) -> torch.Tensor:
        return F.interpolate(
            units,
            _of_axis(size, axis),
            _of_axis(scale_factor, axis),
            "linear",
            align_corners,
            recompute_scale_factor,
        )

    return _separable(input, resized)


def pooled(input: torch.Tensor, output_size: Any) -> torch.Tensor:
    """``F.adaptive_avg_pool2d``; to one pixel it is torch's own mean, which is deterministic."""
    if output_size in (1, (1, 1), [1, 1]):
        return F.adaptive_avg_pool2d(input, output_size)

    def averaged(units: torch.Tensor, axis: int) -> torch.Tensor:
        side = _of_axis(output_size, axis)
        return units if side is None else F.adaptive_avg_pool1d(units, side)

    return _separable(input, averaged)


FORMS: Mapping[Any, Callable[..., torch.Tensor]] = {F.interpolate: interpolated, F.adaptive_avg_pool2d: pooled}
"""Functions of torch and what takes their place."""


def _separable(images: torch.Tensor, change: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
    """Apply to ``[..., h, w]`` what changes rows and columns alike; one pixel is only repeated.

    ``change`` maps ``[1, n, n]`` along its last axis, for the axis 0 (height) or 1 (width) of an image. What it makes
    of unit vectors is its matrix. Products are in float32 even under autocast, or in float64 for such images.
    """
    height, width = images.shape[-2:]
    exact = torch.float64 if images.dtype == torch.float64 else torch.float32
    with torch.autocast(images.device.type, enabled=False):
        down = change(torch.eye(height, dtype=exact, device=images.device)[None], 0)[0]
        right = change(torch.eye(width, dtype=exact, device=images.device)[None], 1)[0]
        if (height, width) == (1, 1):
            return images.expand(*images.shape[:-2], down.shape[1], right.shape[1])
        return (down.mT @ (images.to(exact) @ right)).to(images.dtype)


def _of_axis(given: Any, axis: int) -> Any:
    """A size or factor of one axis: they may be one number for both."""
    return given[axis] if isinstance(given, Sequence) else given
