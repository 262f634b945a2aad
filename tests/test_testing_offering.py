"""What every kind of component must keep: signature, settings, ``supports``, a light import; and all of ours."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from bench.api import Component, PluginError, Task
from bench.catalog import load_catalog
from bench.testing import breaches
from bench.testing.clauses import kept
from bench.testing.offering import HEAVY, answering, light, without
from suite_worlds import begins

OFFERS = [(offer.kind, offer.component.name) for offer in load_catalog().all if offer.provider.package == "defectbench"]
SLOW = {"model", "launcher", "observer"}
"""Asked elsewhere: models in tests/test_models.py, with light encoders, the others where their packages are."""


@pytest.mark.sampled("kind", each=2)
@pytest.mark.parametrize(("kind", "name"), [offer for offer in OFFERS if offer[0] not in SLOW])
def test_every_component_of_ours_keeps_its_contract(kind: str, name: str) -> None:
    assert breaches(kind, load_catalog().find(kind, name).component) == []


@pytest.mark.parametrize(("kind", "name"), [offer for offer in OFFERS if offer[0] in SLOW])
def test_every_other_component_of_ours_answers_and_is_imported_lightly(kind: str, name: str) -> None:
    component = load_catalog().find(kind, name).component
    assert kept(answering(kind, component), light(component)) == []


def sound(*, gamma: float = 0.5, mode: Literal["fast", "good"] = "fast") -> Any:
    return lambda image: image


def wrong_default(*, gamma: float = "much", mode: Literal["fast", "good"] = "best") -> Any:  # type: ignore[assignment]
    return lambda image: image


def untyped(*, gamma=0.5) -> Any:
    return lambda image: image


def positional(gamma: float = 0.5) -> Any:
    return lambda image: image


def sized(size: int, /) -> Any:
    return lambda image: image


def with_file(*, path: Path | None = None, kind: type = int) -> Any:
    return lambda image: image


def failing(*, gamma: float = 0.5) -> Any:
    raise RuntimeError("no\nlamp")


@pytest.mark.parametrize(
    ("build", "sentences"),
    [
        (sound, []),
        (
            wrong_default,
            [
                "a default is not valid: setting 'gamma' of 'step': <theirs>, got 'much'",
                "a default is not valid: setting 'mode' of 'step': <theirs>, got 'best'",
            ],
        ),
        (untyped, ["component 'step': setting 'gamma' needs a type and a default"]),
        (
            positional,
            [
                "component 'step': parameter 'gamma' of its builder must stand before '/' (context) "
                "or after '*' (setting)"
            ],
        ),
        (sized, ["its builder takes 1 positional-only argument: a preprocess takes 0 before '/'"]),
        (with_file, ["its settings as JSON Schema raises PydanticInvalidForJsonSchema: "]),
        (failing, ["the builder of 'step' fails: RuntimeError: no lamp"]),
    ],
)
def test_a_builder_that_breaks_a_clause_is_told_so(build: Any, sentences: list[str]) -> None:
    found = breaches("preprocess", Component("step", build))
    assert len(found) == len(sentences)
    assert all(begins(each, sentence) for each, sentence in zip(found, sentences, strict=True)), found


def test_a_component_has_a_name() -> None:
    assert breaches("preprocess", Component("", sound)) == ["its name is '': it must be a text that a suite can name"]


def test_what_is_no_component_is_one_sentence() -> None:
    assert breaches("preprocess", sound) == [  # type: ignore[arg-type]
        "it is offered as a function: offer a bench.api.Component"
    ]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(PluginError, match="no kind of component is called 'datset'; there are dataset, model, crop"):
        breaches("datset", Component("step", sound))


def model(task: Task, /, *, width: int = 4) -> Any:
    import torch

    return torch.nn.Conv2d(task.channels, 1 + task.classes, 1)


def importing(task: Task, /, *, width: int) -> str | None:
    from torch.nn import Conv2d

    return None if Conv2d else ""


def blunt(task: Task, /, *, width: int) -> Any:
    return width > 0


def leaving(task: Task, /, *, width: int) -> Any:
    raise SystemExit(2)


@pytest.mark.parametrize(
    ("supports", "sentences"),
    [
        (lambda task, /, *, width: None, []),
        (lambda task, **_: "not for now", []),
        (
            lambda task: None,
            ["its supports cannot be called as its builder is (<theirs>): give both the same arguments"],
        ),
        (importing, ["its supports imports torch: it must answer without, it is asked for every cell"]),
        (blunt, ["its supports returned True: it must return None, or a text that says why not"]),
        (leaving, ["its supports raises SystemExit: 2"]),
    ],
)
def test_a_supports_that_breaks_a_clause_is_told_so(supports: Any, sentences: list[str]) -> None:
    found = breaches("model", replace(Component("model", model), supports=supports))
    assert len(found) == len(sentences)
    assert all(begins(each, sentence) for each, sentence in zip(found, sentences, strict=True)), found


def test_packages_that_were_hidden_come_back() -> None:
    import torch

    with without(HEAVY), pytest.raises(ImportError):
        import torch.nn
    assert sys.modules["torch"] is torch
    assert torch.nn.functional is sys.modules["torch.nn.functional"]


PLUGIN = """
{first}
from bench.api import Component

def build():
    return lambda image: image

component = Component("step", build)
"""


@pytest.mark.parametrize(
    ("first", "sentences"),
    [
        ("import numpy", []),
        (
            "import h5py",
            ["importing heavy_step.py imports h5py: import such packages in the function that needs them"],
        ),
        (
            "import atexit, sys; 'pytest' in sys.modules or atexit.register(print, 'goodbye'); print('hello')",
            [],
        ),
        (
            "import sys; assert 'pytest' in sys.modules",
            ["importing heavy_step.py in a fresh interpreter fails: AssertionError"],
        ),
    ],
)
def test_what_a_module_imports_is_seen_in_a_fresh_interpreter(
    first: str, sentences: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heavy_step.py").write_text(PLUGIN.format(first=first))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "heavy_step", raising=False)
    import heavy_step  # type: ignore[import-not-found]

    try:
        assert breaches("preprocess", heavy_step.component) == sentences
    finally:
        del sys.modules["heavy_step"]
