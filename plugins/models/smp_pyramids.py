"""Pyramids from segmentation_models_pytorch, on timm's encoders or smp's own: coarser logits, enlarged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from bench.api import Component, Task, hookimpl

from ._settings import Depth, accepted, encoder_mistake, offered, plainly_supports, width_mistake

if TYPE_CHECKING:
    from torch import nn


def fpn(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    pyramid: int = 256,
    width: int = 128,
    dropout: float = 0.2,
    merge: Literal["add", "cat"] = "add",
    pretrained: bool = False,
) -> nn.Module:
    """Feature pyramid (Lin et al. 2017; Kirillov et al. 2019); its logits have stride 4 at depth 5, 2 at 4, 1 at 3.

    ``pyramid`` and ``width`` are the channels of pyramid and segmentation branch, both multiples of 32.

    Raises:
        SettingsError: a width is no multiple of 32, or ``dropout`` is not within 0..1.
    """
    from ._smp import assembled

    accepted(_fpn_mistake(pyramid=pyramid, width=width, dropout=dropout))
    return assembled(
        task,
        "FPN",
        encoder,
        depth,
        pretrained,
        stride=2 ** (depth - 3),
        decoder_pyramid_channels=pyramid,
        decoder_segmentation_channels=width,
        decoder_dropout=dropout,
        decoder_merge_policy=merge,
    )


def pspnet(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 3,
    width: int = 512,
    dropout: float = 0.2,
    pretrained: bool = False,
) -> nn.Module:
    """Pyramid scene parsing (Zhao et al. 2017); its logits have stride 8 at depth 3, 16 at 4, 32 at 5."""
    from ._smp import assembled

    accepted(width_mistake("pspnet", width=width, dropout=dropout))
    return assembled(
        task, "PSPNet", encoder, depth, pretrained, stride=2**depth, psp_out_channels=width, psp_dropout=dropout
    )


def deeplabv3plus(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    output_stride: Literal[8, 16] = 16,
    aspp: int = 256,
    rates: list[int] = [12, 24, 36],  # noqa: B006 - a default of the settings schema, copied by it
    separable: bool = True,
    dropout: float = 0.5,
    pretrained: bool = False,
) -> nn.Module:
    """DeepLabV3+ (Chen et al. 2018); its logits have stride 4.

    ``output_stride`` is that of the encoder's last stage. ``aspp`` is the width of the spatial pyramid, ``rates`` its
    three dilations; ``separable`` takes depthwise convolutions there.
    """
    from ._smp import assembled

    accepted(_pyramid_mistake(aspp=aspp, rates=rates, dropout=dropout))
    return assembled(
        task,
        "DeepLabV3Plus",
        encoder,
        depth,
        pretrained,
        stride=4,
        encoder_output_stride=output_stride,
        decoder_channels=aspp,
        decoder_atrous_rates=tuple(rates),
        decoder_aspp_separable=separable,
        decoder_aspp_dropout=dropout,
    )


def pan(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    output_stride: Literal[16, 32] = 16,
    width: int = 32,
    pretrained: bool = False,
) -> nn.Module:
    """Pyramid attention (Li et al. 2018); its logits have stride 4.

    ``output_stride`` is that of the encoder's last stage. It halves those features three times, so smaller images than
    8 times that stride get their edge repeated.
    """
    from ._smp import assembled

    accepted(width_mistake("pan", width=width))
    return assembled(
        task,
        "PAN",
        encoder,
        depth,
        pretrained,
        stride=4,
        smallest=8 * output_stride,
        encoder_output_stride=output_stride,
        decoder_channels=width,
    )


def upernet(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    width: int = 256,
    pretrained: bool = False,
) -> nn.Module:
    """UPerNet (Xiao et al. 2018): pyramid pooling and feature pyramid; its logits have stride 4."""
    from ._smp import assembled

    accepted(width_mistake("upernet", width=width))
    return assembled(task, "UPerNet", encoder, depth, pretrained, stride=4, decoder_channels=width)


def segformer(
    task: Task,
    /,
    *,
    encoder: str = "mit_b0",
    depth: Depth = 5,
    width: int = 256,
    pretrained: bool = False,
) -> nn.Module:
    """SegFormer (Xie et al. 2021): a light decoder, made for the transformers mit_b0 to mit_b5; stride 4."""
    from ._smp import assembled

    accepted(width_mistake("segformer", width=width))
    return assembled(task, "Segformer", encoder, depth, pretrained, stride=4, decoder_segmentation_channels=width)


def _fpn_mistake(*, pyramid: int, width: int, dropout: float) -> str | None:
    if pyramid < 1 or width < 1 or pyramid % 32 or width % 32:
        return f"fpn: pyramid and width must be positive multiples of 32, got {pyramid} and {width}"
    return width_mistake("fpn", dropout=dropout)


def _pyramid_mistake(*, aspp: int, rates: list[int], dropout: float) -> str | None:
    if len(rates) != 3 or min(rates) < 1:
        return f"deeplabv3plus needs three positive rates, got {rates}"
    return width_mistake("deeplabv3plus", aspp=aspp, dropout=dropout)


def _fpn_supports(
    _task: Task, /, *, encoder: str, pyramid: int, width: int, dropout: float, **_others: object
) -> str | None:
    return _fpn_mistake(pyramid=pyramid, width=width, dropout=dropout) or encoder_mistake("fpn", encoder)


def _deeplabv3plus_supports(
    _task: Task, /, *, encoder: str, output_stride: int, aspp: int, rates: list[int], dropout: float, **_others: object
) -> str | None:
    wrong = _pyramid_mistake(aspp=aspp, rates=rates, dropout=dropout)
    return wrong or encoder_mistake("deeplabv3plus", encoder, output_stride=output_stride)


@hookimpl
def bench_models() -> Iterable[Component[nn.Module]]:
    """``fpn``, ``pspnet``, ``deeplabv3plus``, ``pan``, ``upernet`` and ``segformer``."""
    yield offered(
        fpn, "Feature pyramid", "Kirillov et al.: Panoptic feature pyramid networks, CVPR 2019", _fpn_supports
    )
    yield offered(pspnet, "PSPNet", "Zhao et al.: Pyramid scene parsing network, CVPR 2017", plainly_supports("pspnet"))
    yield offered(
        deeplabv3plus,
        "DeepLabV3+",
        "Chen et al.: Encoder-decoder with atrous separable convolution, ECCV 2018",
        _deeplabv3plus_supports,
    )
    yield offered(
        pan, "PAN", "Li et al.: Pyramid attention network, BMVC 2018, arXiv:1805.10180", plainly_supports("pan")
    )
    yield offered(
        upernet,
        "UPerNet",
        "Xiao et al.: Unified perceptual parsing, ECCV 2018, arXiv:1807.10221",
        plainly_supports("upernet"),
    )
    yield offered(
        segformer, "SegFormer", "Xie et al.: SegFormer, NeurIPS 2021, arXiv:2105.15203", plainly_supports("segformer")
    )
