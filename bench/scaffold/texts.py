"""The files of a plugin distribution that are made from its name and kinds."""

from __future__ import annotations

from collections.abc import Sequence

PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "Plugin for defectbench: {kinds}"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["defectbench>={version}"]

[project.optional-dependencies]
test = ["mypy>=1.11", "pytest>=8", "pytest-benchmark>=4", "ruff>=0.6"]

# What makes the components appear in `bench list`: one line per plugin module.
[project.entry-points.bench]
{entries}

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
{package} = ["py.typed"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["src"]

[tool.ruff]
line-length = 120
target-version = "py311"
src = ["src"]

[tool.ruff.lint]
select = ["ARG", "B", "C4", "D1", "E", "F", "I", "N", "PT", "PTH", "RET", "RUF", "SIM", "UP", "W"]

[tool.ruff.lint.per-file-ignores]
"tests/**" = ["D"]

[tool.ruff.lint.isort]  # imports of bench stand between those of other packages and our own
section-order = ["future", "standard-library", "third-party", "bench", "first-party", "local-folder"]
sections = {{ bench = ["bench"] }}

[tool.mypy]
strict = true
mypy_path = "src"
files = ["src", "tests"]
"""

README = """\
# {name}

A plugin for the benchmark suite `bench` (distribution `defectbench`). It offers: {kinds}.

```
python -m pip install -e '.[test]'
bench plugins check {name}
python -m pytest
```
{try_out}
| file | what it is |
| --- | --- |
{files}
| `{name}.yaml` | a suite of seconds that uses it |
| `tests/` | the contract of every component, and what is particular to this one |

Each plugin module works as it stands: change it, and run `bench plugins check src/{package}/{first}.py` as often as you
like; that needs no installation. Raise `version` of the `Component` when equal settings give another result.
"""

EXAMPLE = """\
python -c "from pathlib import Path; from {package}.dataset import example; example(Path('example'))"
"""

CONTRACT = '''\
"""Every component keeps the contract of its kind."""

from __future__ import annotations

from typing import Any

import pytest

from bench.api import Component
from bench.testing import breaches

{imported}

OFFERED: list[tuple[str, Component[Any]]] = [
{offered}
]


@pytest.mark.parametrize(("kind", "component"), OFFERED, ids=[kind for kind, _ in OFFERED])
def test_the_component_keeps_the_contract_of_its_kind(kind: str, component: Component[Any]) -> None:
    assert breaches(kind, component) == []
'''

DATASET = '''\
"""The masks are those of the files, what is incomplete is refused, and the data path is timed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.api import DataError

from {package}.dataset import NAME, build, example


def test_every_mask_is_what_another_decoder_reads(tmp_path: Path) -> None:
    example(tmp_path)
    dataset = build(tmp_path)
    for record in dataset.records():
        stored = np.asarray(Image.open(record.files[1]))
        assert ((dataset.load(record.id).mask == 1) == (stored == 255)).all()


def test_a_missing_mask_is_refused_by_name(tmp_path: Path) -> None:
    example(tmp_path)
    (tmp_path / "part01" / "view0_mask.png").unlink()
    with pytest.raises(DataError, match=r"view0_mask\\.png"):
        build(tmp_path).load("part01/view0")


def test_the_data_path_is_timed(data_throughput: Callable[..., dict[str, float]]) -> None:
    figures = data_throughput(NAME, crop_size=32, crops=200)
    assert all(figure > 0 for figure in figures.values())
'''


def suite(name: str, kinds: Sequence[str]) -> str:
    """A suite of a few seconds in which every component is used once."""
    rendered = "{use: metalpart, settings: {objects: 12, views: 1, size: 128}, label: metalpart (tiny)}"
    light = "{use: unet, settings: {encoder: resnet10t, depth: 3, decoder: light}}"

    def lines(kind: str, *wanted: str) -> list[str]:
        return list(wanted) if kind in kinds else []

    return "\n".join(
        [
            "# Shows in seconds that everything fits together; its scores mean nothing.",
            f"name: {name}",
            *lines("dataset", f"data: {{{name}: example}}  # a folder beside this file"),
            "axes:",
            f"  dataset: [{name if 'dataset' in kinds else rendered}]",
            *lines("preprocess", f"  preprocess: [none, {name}]"),
            f"  crop: [{', '.join(['uniform', *lines('crop', name)])}]",
            "  crop_size: [32]",
            f"  model: [otsu, {name if 'model' in kinds else light}]",
            "  seed: [0]",
            "recipe:",
            "  epochs: 2",
            "  epoch_crops: 16",
            "  batch: 4",
            "  validate_every: 1",
            "  warmup_steps: 2",
            "  precision: float32",
            *lines("augment", f"  augment: [flips, {name}]"),
            *lines("loss", f"  loss: {name}"),
            "protocol: {tiles: {overlap: 0}}",
            *lines("launcher", "runtime:", f"  launcher: {name}"),
            *lines("observer", *([] if "launcher" in kinds else ["runtime:"]), f"  observers: [{name}]"),
            *lines("metric", f"board: {{values: [f1@validation, f1@test, {name}@test]}}"),
            "",
        ]
    )
