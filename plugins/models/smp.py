"""U-Net and its relatives from segmentation_models_pytorch, on timm's encoders or smp's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from bench.api import Component, Task, hookimpl

from ._settings import Depth, accepted, encoder_mistake, offered, plainly_supports, width_mistake

if TYPE_CHECKING:
    from torch import nn

FULL = (256, 128, 64, 32, 16)
LIGHT = (96, 48, 24, 16, 8)
Decoder = Literal["full", "light"] | list[int]


def unet(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    decoder: Decoder = "full",
    pretrained: bool = False,
) -> nn.Module:
    """U-Net (Ronneberger et al. 2015) with a classification network as encoder.

    ``depth`` is the number of encoder stages used. ``decoder`` lists its channels, deepest first, one per
    stage: ``full`` is the beginning of 256, 128, 64, 32, 16 (smp's), ``light`` the end of 96, 48, 24, 16, 8.

    Raises:
        SettingsError: the decoder's length is not ``depth``, or the encoder does not fit.
        DataError: pretrained weights cannot be had.
    """
    from ._smp import assembled

    widths = _widths("unet", depth, decoder)
    return assembled(task, "Unet", encoder, depth, pretrained, stride=1, decoder_channels=widths)


def unetplusplus(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    decoder: Decoder = "full",
    pretrained: bool = False,
) -> nn.Module:
    """U-Net++ (Zhou et al. 2018): a U-Net with nested skips; settings as of ``unet``."""
    from ._smp import assembled

    widths = _widths("unetplusplus", depth, decoder)
    return assembled(task, "UnetPlusPlus", encoder, depth, pretrained, stride=1, decoder_channels=widths)


def manet(
    task: Task,
    /,
    *,
    encoder: str = "resnet34",
    depth: Depth = 5,
    decoder: Decoder = "full",
    attention: int = 64,
    pretrained: bool = False,
) -> nn.Module:
    """MA-Net (Fan et al. 2020): a U-Net with attention over positions and channels.

    ``attention`` is the width of the position-wise attention; the other settings are as of ``unet``.
    """
    from ._smp import assembled

    accepted(width_mistake("manet", attention=attention))
    widths = _widths("manet", depth, decoder)
    return assembled(
        task, "MAnet", encoder, depth, pretrained, stride=1, decoder_channels=widths, decoder_pab_channels=attention
    )


def linknet(task: Task, /, *, encoder: str = "resnet34", depth: Depth = 5, pretrained: bool = False) -> nn.Module:
    """LinkNet (Chaurasia and Culurciello 2017): skips are added, the decoder has the encoder's widths."""
    from ._smp import assembled

    return assembled(task, "Linknet", encoder, depth, pretrained, stride=1)


def _decoder_mistake(name: str, depth: int, decoder: Decoder) -> str | None:
    if isinstance(decoder, str) or (len(decoder) == depth and min(decoder) > 0):
        return None
    return f"{name} of depth {depth} needs {depth} positive decoder channels, got {decoder}"


def _widths(name: str, depth: int, decoder: Decoder) -> tuple[int, ...]:
    """Channels of the decoder, deepest first."""
    accepted(_decoder_mistake(name, depth, decoder))
    if isinstance(decoder, str):
        return FULL[:depth] if decoder == "full" else LIGHT[-depth:]
    return tuple(decoder)


def _unet_supports(name: str) -> Callable[..., str | None]:
    def supports(
        _task: Task, /, *, encoder: str, depth: int, decoder: Decoder, attention: int = 1, **_others: object
    ) -> str | None:
        wrong = _decoder_mistake(name, depth, decoder) or width_mistake(name, attention=attention)
        return wrong or encoder_mistake(name, encoder)

    return supports


@hookimpl
def bench_models() -> Iterable[Component[nn.Module]]:
    """``unet``, ``unetplusplus``, ``manet`` and ``linknet``."""
    yield offered(unet, "U-Net", "Ronneberger, Fischer, Brox: U-Net, MICCAI 2015", _unet_supports("unet"))
    yield offered(
        unetplusplus, "U-Net++", "Zhou et al.: UNet++, DLMIA 2018, arXiv:1807.10165", _unet_supports("unetplusplus")
    )
    yield offered(manet, "MA-Net", "Fan et al.: MA-Net, IEEE Access 8, 2020", _unet_supports("manet"))
    yield offered(
        linknet, "LinkNet", "Chaurasia, Culurciello: LinkNet, VCIP 2017, arXiv:1707.03718", plainly_supports("linknet")
    )
