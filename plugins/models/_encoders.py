"""Encoders by name, with errors a user can act on. Imported late: torch and timm are at module level."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

import timm  # noqa: TID253 - imported only by builders, when a model is wanted
from torch import nn  # noqa: TID253 - as above

from bench.api import DataError, SettingsError

T = TypeVar("T")


def check_name(name: str, *, also: tuple[str, ...] = ()) -> None:
    """Refuse an encoder that neither timm nor ``also`` knows.

    Raises:
        SettingsError: with the nearest known name.
    """
    if timm.is_model(name) or name in also:
        return
    close = get_close_matches(name, [*timm.list_models(), *also], 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise SettingsError(f"No encoder is called {name!r}.{hint} timm.list_models() shows all of timm's.")


def dilated(
    name: str, channels: int, *, depth: int, output_stride: int, pretrained: bool, also: tuple[int, ...] = ()
) -> nn.Module:
    """The first ``depth`` stages of a timm encoder; the last one has ``output_stride``.

    It answers with the last stage, and before it with the stages ``also``, counted from 1.

    Raises:
        SettingsError: the encoder is unknown, has fewer stages, cannot be dilated, or its last stage of
            ``depth`` is finer than ``output_stride``.
        DataError: pretrained weights cannot be had.
    """
    check_name(name)
    options: dict[str, Any] = {
        "features_only": True,
        "in_chans": channels,
        "out_indices": (*(stage - 1 for stage in also), depth - 1),
    }
    if output_stride != 32:
        options["output_stride"] = output_stride
    encoder: Any = _created(name, options, depth, output_stride)
    if getattr(encoder, "output_fmt", "NCHW") not in ("NCHW", None):
        raise SettingsError(f"encoder {name!r} gives channels last; use a convolutional encoder such as 'resnet50'")
    reached = encoder.feature_info.reduction()[-1]
    if reached != output_stride:
        raise SettingsError(
            f"encoder {name!r} has stride {reached} after {depth} stages, not {output_stride}; "
            f"set output_stride: {reached} or another depth"
        )
    if pretrained:
        encoder = with_weights(name, lambda: timm.create_model(name, pretrained=True, **options))
    body: nn.Module = encoder
    return body


def _created(name: str, options: dict[str, Any], depth: int, output_stride: int) -> Any:
    try:
        return timm.create_model(name, **options)
    except (TypeError, AssertionError, NotImplementedError, RuntimeError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(
            f"encoder {name!r} cannot give its first {depth} stages at output_stride {output_stride} ({reason}); "
            "try output_stride: 32, a smaller depth, or an encoder such as 'resnet50'"
        ) from error


def with_weights(name: str, create: Callable[[], T]) -> T:
    """Create with pretrained weights.

    Raises:
        DataError: they do not exist or cannot be fetched.
    """
    try:
        return create()
    except Exception as error:  # each of timm, the hub client and the http library has its own kinds
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise DataError(
            f"pretrained weights of encoder {name!r} could not be fetched ({reason}); "
            "run once with network access so that they are cached, or set pretrained: false"
        ) from error
