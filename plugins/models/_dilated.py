"""FCN and DeepLabV3 on any dilated timm encoder. Imported late: torch is at module level."""

from __future__ import annotations

from collections.abc import Sequence

import torch  # noqa: TID253 - imported only by builders, when a model is wanted
import torch.nn.functional as F  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above
from torchvision.models.segmentation.deeplabv3 import ASPP  # noqa: TID253 - as above
from torchvision.models.segmentation.fcn import FCNHead  # noqa: TID253 - as above
from torchvision.models.segmentation.lraspp import LRASPPHead  # noqa: TID253 - as above

from ._norms import PooledNorm
from ._prior import expect_few_defects


class TwoStages(nn.Module):
    """Encoder with two stages, LR-ASPP's head on both, upsampling as of :class:`Dilated`."""

    def __init__(self, encoder: nn.Module, head: LRASPPHead, output_stride: int) -> None:
        super().__init__()
        expect_few_defects(head.high_classifier)
        nn.init.zeros_(head.low_classifier.bias)  # the two are added up
        self.encoder, self.head, self.output_stride = encoder, head, output_stride

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to ``float32[N, 1 + K, h, w]``."""
        low, high = self.encoder(images)
        return _enlarged(self.head({"low": low, "high": high}), images)


class Dilated(nn.Module):
    """Encoder, head, bilinear upsampling of the logits to the input's size."""

    def __init__(self, encoder: nn.Module, head: nn.Sequential, output_stride: int) -> None:
        super().__init__()
        expect_few_defects(head[-1])
        self.encoder, self.head, self.output_stride = encoder, head, output_stride

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to ``float32[N, 1 + K, h, w]``."""
        return _enlarged(self.head(self.encoder(images)[-1]), images)


def _enlarged(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Logits at the size of the images, ``float32``."""
    logits = logits.float().contiguous()  # upsampling two channels-last channels takes eight times as long
    return F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)


def fcn_head(channels: int, logits: int) -> nn.Sequential:
    """torchvision's FCN head."""
    head: nn.Sequential = FCNHead(channels, logits)
    return head


def deeplabv3_head(channels: int, logits: int, *, width: int, rates: Sequence[int]) -> nn.Sequential:
    """torchvision's DeepLabV3 head with the ASPP's width as a parameter (there it is always 256)."""
    pyramid = ASPP(channels, rates, width)
    pyramid.convs[-1][2] = PooledNorm(width)
    return nn.Sequential(
        pyramid,
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, logits, 1),
    )
