"""Packages that each part imports, so that one that lacks some is skipped by name before anything is imported."""

from __future__ import annotations

from collections.abc import Mapping

LIBRARY = ("numpy", "torch", "torchvision", "timm", "segmentation_models_pytorch", "h5py", "numba", "cv2", "PIL",
           "pydantic", "pluggy", "yaml", "click")  # fmt: skip
COMMAND = (*LIBRARY, "scipy", "safetensors", "matplotlib", "rich", "platformdirs", "pooch", "pycocotools", "requests")

NEEDS: Mapping[str, tuple[str, ...]] = {
    "checks": (*LIBRARY, "pytest"),
    "step": LIBRARY,
    "inference": (*LIBRARY, "monai"),
    "cells": COMMAND,
    "cropping": COMMAND,
}
"""Name of a part to the packages."""
