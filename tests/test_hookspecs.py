"""Every extension point is documented by an example that is complete: it loads as a plugin and builds."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import pytest

from bench import hookspecs
from bench.catalog import HOOKS, load_catalog
from bench.component import build
from bench.jobs import Site
from bench.testing import breaches
from bench.types import Task

PRELUDE = """
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import numpy as np
import torch
import torch.nn.functional as F

from bench.api import *
"""
CONTEXT: dict[str, tuple[Any, ...]] = {
    "dataset": (Path(),),
    "crop": (16,),
    "model": (Task(1, 1),),
    "observer": (Path(),),
    "launcher": (Site("suite", Path(), lambda _progress: None, ()),),
}


def example(hook: str) -> str:
    """The indented block after ``Example::`` of a hook's docstring."""
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    return textwrap.dedent(text.partition("Example::\n")[2])


def test_every_hook_of_the_catalog_is_specified_and_the_other_way_round() -> None:
    specified = [name for name in vars(hookspecs) if name.startswith("bench_")]
    assert specified == list(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_hook_is_a_working_plugin(hook: str, tmp_path: Path) -> None:
    plugin = tmp_path / f"{hook}.py"
    plugin.write_text(PRELUDE + example(hook))
    catalog = load_catalog([plugin])
    assert catalog.quarantined == ()
    (offer,) = [offer for offer in catalog.all if offer.provider.local is not None]
    assert offer.kind == HOOKS[hook]
    assert build(offer.component, *CONTEXT.get(offer.kind, ()), settings={}) is not None


@pytest.mark.parametrize("hook", HOOKS)
def test_the_example_of_a_hook_keeps_its_own_contract(hook: str, tmp_path: Path) -> None:
    plugin = tmp_path / f"{hook}.py"
    plugin.write_text(PRELUDE.replace("import torch\nimport torch.nn.functional as F\n", "") + late(example(hook)))
    (offer,) = [offer for offer in load_catalog([plugin]).all if offer.provider.local is not None]
    assert breaches(offer.kind, offer.component) == []


def late(source: str) -> str:
    """The example with torch imported where it is used, as a file of its own must do."""
    imports = "import torch; import torch.nn.functional as F"
    return source.replace("def loss(logits, targets):\n", f"def loss(logits, targets):\n        {imports}\n").replace(
        "def mirror(images, masks, generator):\n", f"def mirror(images, masks, generator):\n        {imports}\n"
    )
