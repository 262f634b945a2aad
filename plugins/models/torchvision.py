"""FCN, DeepLabV3 and LR-ASPP: torchvision's heads on a dilated timm encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from bench.api import About, Component, Task, hookimpl

from ._settings import Depth, accepted

if TYPE_CHECKING:
    from torch import nn


def fcn(
    task: Task,
    /,
    *,
    encoder: str = "resnet50",
    depth: Depth = 5,
    output_stride: Literal[8, 16, 32] = 8,
    pretrained: bool = False,
) -> nn.Module:
    """Fully convolutional network (Long et al. 2015) in torchvision's form.

    ``depth`` is the number of encoder stages used: the stem counts as one, a ResNet has 5.
    """
    from ._dilated import Dilated, fcn_head
    from ._encoders import dilated

    body = dilated(encoder, task.channels, depth=depth, output_stride=output_stride, pretrained=pretrained)
    return Dilated(body, fcn_head(_width(body), 1 + task.classes), output_stride)


def deeplabv3(
    task: Task,
    /,
    *,
    encoder: str = "resnet50",
    depth: Depth = 5,
    output_stride: Literal[8, 16, 32] = 8,
    aspp: int = 256,
    rates: list[int] = [12, 24, 36],  # noqa: B006 - a default of the settings schema, copied by it
    pretrained: bool = False,
) -> nn.Module:
    """DeepLabV3 (Chen et al. 2017) in torchvision's form; ``aspp`` is the pyramid's width, ``rates`` its dilations.

    Raises:
        SettingsError: ``aspp`` or a rate is not positive.
    """
    from ._dilated import Dilated, deeplabv3_head
    from ._encoders import dilated

    accepted(_supports_deeplabv3(task, aspp=aspp, rates=rates))
    body = dilated(encoder, task.channels, depth=depth, output_stride=output_stride, pretrained=pretrained)
    head = deeplabv3_head(_width(body), 1 + task.classes, width=aspp, rates=rates)
    return Dilated(body, head, output_stride)


def lraspp(
    task: Task,
    /,
    *,
    encoder: str = "mobilenetv3_large_100",
    width: int = 128,
    pretrained: bool = False,
) -> nn.Module:
    """LR-ASPP of MobileNetV3 (Howard et al. 2019) in torchvision's form; its logits have stride 8.

    The head reads the encoder at stride 8 and, dilated, its last stage at stride 16. ``width`` is that of the head.

    Raises:
        SettingsError: ``width`` is not positive, or the encoder does not fit.
    """
    from torchvision.models.segmentation.lraspp import LRASPPHead

    from ._dilated import TwoStages
    from ._encoders import dilated

    accepted(_supports_lraspp(task, width=width))
    body = dilated(encoder, task.channels, depth=5, output_stride=16, pretrained=pretrained, also=(3,))
    low, high = body.feature_info.channels()  # type: ignore[operator, union-attr]  # timm's own attribute
    return TwoStages(body, LRASPPHead(low, high, 1 + task.classes, width), 8)


def _supports_lraspp(_task: Task, /, *, width: int, **_others: object) -> str | None:
    return None if width > 0 else f"lraspp needs a positive width, got {width}"


def _supports_deeplabv3(_task: Task, /, *, aspp: int, rates: list[int], **_others: object) -> str | None:
    if aspp < 1 or not rates or min(rates) < 1:
        return f"deeplabv3 needs a positive aspp and positive rates, got aspp: {aspp}, rates: {rates}"
    return None


def _width(encoder: nn.Module) -> int:
    """Channels of the encoder's last stage."""
    channels: int = encoder.feature_info.channels()[-1]  # type: ignore[operator, union-attr]  # timm's own attribute
    return channels


def _offered(
    build: Callable[..., nn.Module],
    title: str,
    citation: str,
    supports: Callable[..., str | None] | None = None,
) -> Component[nn.Module]:
    about = About(
        f"{title} on a dilated timm encoder",
        licence="BSD-3-Clause (torchvision), Apache-2.0 (timm)",
        citation=citation,
        home=f"https://docs.pytorch.org/vision/stable/models/{build.__name__}.html",
    )
    return Component(build.__name__, build, supports=supports, about=about)


@hookimpl
def bench_models() -> Iterable[Component[nn.Module]]:
    """``fcn``, ``deeplabv3`` and ``lraspp``."""
    networks = "Long, Shelhamer, Darrell: Fully convolutional networks for semantic segmentation, CVPR 2015"
    yield _offered(fcn, "FCN: torchvision's head", networks)
    yield _offered(
        deeplabv3,
        "DeepLabV3: torchvision's atrous spatial pyramid",
        "Chen, Papandreou, Schroff, Adam: Rethinking atrous convolution, arXiv:1706.05587, 2017",
        _supports_deeplabv3,
    )
    mobile = "Howard et al.: Searching for MobileNetV3, ICCV 2019, arXiv:1905.02244"
    yield _offered(lraspp, "LR-ASPP: torchvision's light head", mobile, _supports_lraspp)
