"""U-Net from segmentation_models_pytorch. Imported late: torch is at module level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import segmentation_models_pytorch as smp  # noqa: TID253 - imported only by builders, when a model is wanted
import timm  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above

from bench.api import SettingsError, Task

from ._encoders import check_name, with_weights
from ._prior import expect_few_defects


def unet(task: Task, *, encoder: str, depth: int, decoder: Sequence[int], pretrained: bool) -> nn.Module:
    """``smp.Unet`` with ``output_stride`` 1; timm's encoders by timm's names, smp's own ones by smp's.

    Raises:
        SettingsError: the encoder is unknown, or has no such depth.
        DataError: pretrained weights cannot be had.
    """
    own = tuple(sorted(smp.encoders.encoders))
    check_name(encoder, also=own)
    by_timm = timm.is_model(encoder)

    def create(weights: str | bool | None) -> nn.Module:
        built: nn.Module = smp.Unet(
            f"tu-{encoder}" if by_timm else encoder,
            encoder_depth=depth,
            encoder_weights=weights,
            decoder_channels=tuple(decoder),
            in_channels=task.channels,
            classes=1 + task.classes,
        )
        return built

    try:
        model = create(None)
    except (ValueError, TypeError, AssertionError, NotImplementedError, RuntimeError, IndexError, KeyError) as error:
        raise SettingsError(
            f"encoder {encoder!r} cannot give a U-Net of depth {depth} ({error}); "
            "try another depth or an encoder such as 'resnet34'"
        ) from error
    if pretrained:
        model = with_weights(encoder, lambda: create(True if by_timm else "imagenet"))
    head: Any = model.segmentation_head
    expect_few_defects(head[0])
    model.output_stride = 1  # type: ignore[assignment]  # the decoder ends on the input's own grid
    return model
