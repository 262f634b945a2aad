"""Components without substance, and suites over them, for tests of ``bench.suite``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from bench.catalog import Catalog
from bench.component import Component
from bench.suite.reading.load import Suite, load_suite
from catalogs import catalog_of


def _dataset(root: Path, /, *, objects: int = 3) -> Any: ...
def _plain_crop(size: int, /) -> Any: ...
def _bias(size: int, /, *, threshold: float = 10.0, statistic: Literal["mean", "centre"] = "mean") -> Any: ...
def _keywords(task: Any, /, *, grid: int = 1, copy: bool = False, json: str = "x", model_config: int = 0) -> Any: ...
def _net(task: Any, /, *, encoder: str = "resnet34") -> Any: ...
def _step(*, gain: float = 1.0) -> Any: ...
def _fails_to_say(size: int, /) -> Any: ...


def _too_large(size: int, /, *, threshold: float, statistic: str) -> str | None:
    return f"crops of {size} leave nothing above {threshold}" if size > 500 else None


def _raises(size: int, /) -> str | None:
    raise RuntimeError("no idea")


def a_catalog() -> Catalog:
    """Two data sets, three crops, five models and what a recipe names."""
    return catalog_of(
        {
            "dataset": [Component("parts", _dataset), Component("tiles", _dataset)],
            "crop": [
                Component("uniform", _plain_crop),
                Component("bias", _bias, supports=_too_large),
                Component("unsure", _fails_to_say, supports=_raises),
            ],
            "model": [*(Component(name, _net) for name in ("fcn", "deep", "unet")), Component("keywords", _keywords)],
            "preprocess": [Component("stretch", _step), Component("expose", _step)],
            "loss": [Component("bce-dice", _step), Component("focal", _step)],
            "augment": [Component("flips", _step), Component("rotations", _step)],
            "metric": [Component("specificity", _step)],
        }
    )


CATALOG = a_catalog()

SMALL = "name: small\naxes: {dataset: parts, model: unet}\n"


THEIRS = "<theirs>"
"""Stands for words of a library, which are its own matter: a test compares what stands around them."""


def begins(line: str, expected: str) -> bool:
    """Whether a line begins as expected."""
    return re.match(".+".join(map(re.escape, expected.split(THEIRS))), line) is not None


def load(folder: Path, text: str, *overrides: str, profile: str | None = None) -> Suite:
    """Write a suite file and load it."""
    path = folder / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path, CATALOG, profile=profile, overrides=overrides)


def mistakes(folder: Path, text: str, *overrides: str, profile: str | None = None) -> list[str]:
    """Every mistake of a suite that must be refused, the file's name shortened to ``suite.yaml``."""
    from bench.errors import SuiteError

    try:
        load(folder, text, *overrides, profile=profile)
    except SuiteError as error:
        return [line.replace(str(folder) + "/", "") for line in error.mistakes]
    raise AssertionError("the suite was accepted")
