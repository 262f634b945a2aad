"""Settings with which each model that is offered takes little time: first those of the core suites, then all others."""

from __future__ import annotations

from typing import Any

SMALL = {"encoder": "resnet10t"}
CORE: dict[str, dict[str, Any]] = {
    "fcn": {"encoder": "resnet10t", "depth": 4},
    "deeplabv3": {"encoder": "resnet10t", "depth": 4, "aspp": 16, "rates": [2, 4]},
    "unet": {"encoder": "resnet10t", "depth": 4, "decoder": "light"},
    "constant": {},
    "otsu": {},
    "local-contrast": {},
    "grey-threshold": {},
    "smoothed-threshold": {},
    "top-hat": {},
    "difference-of-gaussians": {},
}
MORE: dict[str, dict[str, Any]] = {
    "unetplusplus": {**SMALL, "depth": 4, "decoder": "light"},
    "manet": {**SMALL, "depth": 4, "decoder": "light", "attention": 8},
    "linknet": {**SMALL, "depth": 4},
    "fpn": {**SMALL, "pyramid": 32, "width": 32},
    "pspnet": {**SMALL, "width": 16},
    "deeplabv3plus": {**SMALL, "aspp": 16},
    "pan": {**SMALL, "width": 8},
    "upernet": {**SMALL, "width": 16},
    "segformer": {"encoder": "mit_b0", "width": 16},
    "lraspp": {"encoder": "mobilenetv3_small_050", "width": 16},
}
LIGHT = CORE | MORE
