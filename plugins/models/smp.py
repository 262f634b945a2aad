"""U-Net from segmentation_models_pytorch, on timm's encoders or smp's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from bench.api import About, Component, SettingsError, Task, hookimpl

if TYPE_CHECKING:
    from torch import nn

FULL = (256, 128, 64, 32, 16)
LIGHT = (96, 48, 24, 16, 8)


def unet(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Literal[3, 4, 5] = 5,
    decoder: Literal["full", "light"] | list[int] = "full",
    pretrained: bool = False,
) -> nn.Module:
    """U-Net (Ronneberger et al. 2015) with a classification network as encoder.

    ``depth`` is the number of encoder stages used. ``decoder`` lists its channels, deepest first, one per
    stage: ``full`` is the beginning of 256, 128, 64, 32, 16 (smp's), ``light`` the end of 96, 48, 24, 16, 8.

    Raises:
        SettingsError: the decoder's length is not ``depth``, or the encoder does not fit.
        DataError: pretrained weights cannot be had.
    """
    from . import _unet

    channels = _decoder(depth, decoder)
    if isinstance(channels, str):
        raise SettingsError(channels)
    return _unet.unet(task, encoder=encoder, depth=depth, decoder=channels, pretrained=pretrained)


def _supports(_task: Task, /, *, depth: int, decoder: str | list[int], **_others: object) -> str | None:
    channels = _decoder(depth, decoder)
    return channels if isinstance(channels, str) else None


def _decoder(depth: int, decoder: str | list[int]) -> tuple[int, ...] | str:
    """Channels of the decoder, deepest first, or why there are none."""
    if decoder == "full":
        return FULL[:depth]
    if decoder == "light":
        return LIGHT[-depth:]
    if len(decoder) != depth or min(int(width) for width in decoder) < 1:
        return f"unet of depth {depth} needs {depth} positive decoder channels, got {decoder}"
    return tuple(int(width) for width in decoder)


@hookimpl
def bench_models() -> Iterable[Component[nn.Module]]:
    """``unet``."""
    yield Component(
        "unet",
        unet,
        supports=_supports,
        about=About(
            "U-Net of segmentation_models_pytorch on a timm or smp encoder",
            licence="MIT (segmentation_models_pytorch), Apache-2.0 (timm)",
            citation="Ronneberger, Fischer, Brox: U-Net, MICCAI 2015",
            home="https://segmentation-models-pytorch.readthedocs.io",
        ),
    )
