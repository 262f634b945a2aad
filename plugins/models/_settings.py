"""Settings that the architectures of segmentation_models_pytorch share, and what can be said of them without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from bench.api import About, Component, SettingsError, Task

if TYPE_CHECKING:
    from torch import nn

Depth: TypeAlias = Literal[3, 4, 5]
"""How many stages of an encoder are used."""

FLAT = ("vit_", "deit", "beit", "eva02_", "cait_", "xcit_", "mixer_")
"""Encoders whose features all have one stride: no architecture here can use them."""
UNDILATED = ("swin", "pvt_v2", "efficientvit", "vgg", "densenet", "coatnet", "maxvit", "maxxvit")
"""Encoders that cannot be dilated to an output stride below 32."""


def accepted(mistake: str | None) -> None:
    """Go on only without a mistake.

    Raises:
        SettingsError: with the mistake.
    """
    if mistake is not None:
        raise SettingsError(mistake)


def width_mistake(name: str, *, dropout: float = 0.0, **widths: int) -> str | None:
    """What is wrong with numbers of channels and a share of dropout, or None."""
    wrong = next((f"{key} must be at least 1, got {width}" for key, width in widths.items() if width < 1), None)
    if wrong is None and not 0 <= dropout < 1:
        wrong = f"dropout must lie within 0..1, below 1, got {dropout}"
    return f"{name}: {wrong}" if wrong else None


def encoder_mistake(name: str, encoder: str, *, output_stride: int = 32) -> str | None:
    """What the name of an encoder tells already."""
    if encoder.startswith(FLAT):
        return f"{name}: encoder {encoder!r} has features of one stride only; use one such as 'resnet34' or 'mit_b0'"
    if encoder.startswith("mit_b") and name in ("unetplusplus", "linknet"):
        return f"{name}: encoder {encoder!r} has no features at half the input's size; use one such as 'resnet34'"
    if encoder.startswith(UNDILATED) and output_stride < 32:
        return f"{name}: encoder {encoder!r} cannot be dilated to output_stride {output_stride}; use 'resnet34' or such"
    return None


def plainly_supports(name: str) -> Callable[..., str | None]:
    """``supports`` of an architecture with no settings but the usual ones."""

    def supports(
        _task: Task,
        /,
        *,
        encoder: str,
        width: int = 1,
        dropout: float = 0.0,
        output_stride: int = 32,
        **_others: object,
    ) -> str | None:
        wrong = width_mistake(name, width=width, dropout=dropout)
        return wrong or encoder_mistake(name, encoder, output_stride=output_stride)

    return supports


def offered(
    build: Callable[..., nn.Module], title: str, citation: str, supports: Callable[..., str | None]
) -> Component[nn.Module]:
    """A component under the name of its builder."""
    about = About(
        f"{title} of segmentation_models_pytorch on a timm or smp encoder",
        licence="MIT (segmentation_models_pytorch), Apache-2.0 (timm)",
        citation=citation,
        home="https://segmentation-models-pytorch.readthedocs.io",
    )
    return Component(build.__name__, build, supports=supports, about=about)
