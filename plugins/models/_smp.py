"""Architectures of segmentation_models_pytorch. Imported late: torch is at module level."""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp  # noqa: TID253 - imported only by builders, when a model is wanted
import timm  # noqa: TID253 - as above
import torch  # noqa: TID253 - as above
import torch.nn.functional as F  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above

from bench.api import SettingsError, Task

from ._encoders import check_name, with_weights
from ._norms import tolerant
from ._prior import expect_few_defects

SIDE = 64
"""Side of the image that is tried on a new model."""


class Enlarge(nn.Module):
    """Bilinear enlargement by a whole factor, corners not aligned: smp's own aligns them, which shifts the logits."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Map ``[N, K, h, w]`` to ``float32[N, K, factor * h, factor * w]``."""
        logits = logits.float().contiguous()  # enlarging two channels-last channels takes eight times as long
        return F.interpolate(logits, scale_factor=float(self.factor), mode="bilinear", align_corners=False)


class Widened(nn.Module):
    """Repeats the edge of images smaller than ``smallest``, which the model could not take, and trims the logits."""

    def __init__(self, model: nn.Module, smallest: int) -> None:
        super().__init__()
        self.model, self.smallest = model, smallest

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to ``float32[N, 1 + K, h, w]``."""
        height, width = images.shape[-2:]
        missing = (0, max(0, self.smallest - width), 0, max(0, self.smallest - height))
        logits: torch.Tensor = self.model(F.pad(images, missing, mode="replicate") if any(missing) else images)
        return logits[..., :height, :width]


def assembled(
    task: Task,
    architecture: str,
    encoder: str,
    depth: int,
    pretrained: bool,
    *,
    stride: int,
    smallest: int = 1,
    **options: Any,
) -> nn.Module:
    """A model of smp's whose decoder ends at ``stride``; timm's encoders by timm's names, smp's own ones by smp's.

    ``options`` are of the architecture. ``smallest`` is the least side of an image that it can take.

    Raises:
        SettingsError: the encoder is unknown, or does not fit the architecture.
        DataError: pretrained weights cannot be had.
    """
    check_name(encoder, also=tuple(sorted(smp.encoders.encoders)))
    by_timm = timm.is_model(encoder)
    if stride > 1:
        options["upsampling"] = 1
    if encoder.startswith(("swin_", "swinv2_")) and "_cr_" not in encoder:
        options["strict_img_size"] = False  # so that timm's encoder takes images of any size

    def create(weights: str | bool | None) -> nn.Module:
        built: nn.Module = getattr(smp, architecture)(
            f"tu-{encoder}" if by_timm else encoder,
            encoder_depth=depth,
            encoder_weights=weights,
            in_channels=task.channels,
            classes=1 + task.classes,
            **options,
        )
        return built

    try:
        model = _tried(_finished(create(None), stride, smallest), task)
    except Exception as error:  # each encoder of timm's refuses in its own way
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SettingsError(
            f"encoder {encoder!r} cannot give a {architecture} of depth {depth} ({reason}); "
            "try another depth, an output_stride of 32 where there is one, or an encoder such as 'resnet34'"
        ) from error
    if not pretrained:
        return model
    loaded = with_weights(encoder, lambda: create(True if by_timm else "imagenet"))
    return _tried(_finished(loaded, stride, smallest), task)


def _finished(model: Any, stride: int, smallest: int) -> nn.Module:
    """The model with few defects expected, logits at the input's size, and ``output_stride``."""
    model.decoder = tolerant(model.decoder)
    expect_few_defects(model.segmentation_head[0])
    if stride > 1:
        model.segmentation_head[1] = Enlarge(stride)
    whole: nn.Module = Widened(model, smallest) if smallest > 1 else model
    whole.output_stride = stride  # type: ignore[assignment]  # the grid on which the logits are made
    return whole


def _tried(model: nn.Module, task: Task) -> nn.Module:
    """The model after a trial on a small image; layers that cannot reach the logits are no longer trainable.

    Raises:
        ValueError: the logits are not at the input's size; an encoder may raise anything.
    """
    training = model.training
    logits = model.eval()(torch.zeros(1, task.channels, SIDE, SIDE))
    if logits.shape[-2:] != (SIDE, SIDE):
        raise ValueError(f"its logits for {SIDE} x {SIDE} pixels are of {logits.shape[-2]} x {logits.shape[-1]}")
    logits.sum().backward()
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.grad is not None)  # stages beyond the depth, which some encoders keep
    model.zero_grad(set_to_none=True)
    return model.train(training)
