"""``docs/hooks.md`` says what the hookspecs, the protocols and the contracts say; run this file to write it again."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import hookspecs, jobs, launcher, observers, reporters, types
from bench.catalog import HOOKS
from bench.component import CONTEXT, Component
from bench.train import model_contract
from test_hookspecs import PRELUDE, example

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "hooks.md"
AGAIN = "docs/hooks.md is not what the code says; write it again with 'python tests/test_docs_hooks.py'"

WHEN = {
    "bench_datasets": "first: images are listed, read once for the index, and again for crops and predictions",
    "bench_preprocess": "every image, before crops are cut and before it is predicted",
    "bench_crops": "once per draw: where the training crops lie",
    "bench_augment": "every training batch",
    "bench_models": "training, then prediction tile by tile",
    "bench_losses": "every training step, and the validation loss",
    "bench_metrics": "last: scores, from what the predictions left behind",
    "bench_launchers": "around all of it: where the work of a run is done",
    "bench_observers": "beside all of it: who is told of cells, epochs and scores",
    "bench_reporters": "after all of it: what is reported of finished cells",
}
CONTEXT_NAMES = {"dataset": ["root"], "crop": ["size"], "model": ["task"], "launcher": ["site"], "observer": ["folder"]}
PROTOCOLS = {
    "dataset": [types.Dataset, types.Record, types.Sample],
    "crop": [types.CropStrategy, types.Part, types.Fitting, types.FallingBack],
    "model": [types.Choosing],
    "metric": [types.PixelMetric, types.ImageMetric],
    "launcher": [
        launcher.Site,
        jobs.Resources,
        launcher.Command,
        launcher.Queue,
        launcher.Parcel,
        launcher.Arrived,
        launcher.Carrier,
        launcher.Launcher,
    ],
    "observer": [
        observers.ObservedRun,
        observers.ObservedCell,
        jobs.Epoch,
        observers.CellResult,
        observers.RunResult,
        observers.Observer,
    ],
    "reporter": [reporters.Section, reporters.Format],
}
CHECKS = {
    "dataset": ["datasets", "listing", "loading", "damage"],
    "preprocess": ["preprocess"],
    "crop": ["crops"],
    "augment": ["augment"],
    "model": ["models"],
    "loss": ["losses"],
    "metric": ["metrics"],
    "launcher": ["launchers"],
    "observer": ["observers"],
    "reporter": ["reporters"],
}
"""Kind to the modules of ``bench.testing`` whose clauses are its contract."""

INTRODUCTION = """\
# Hooks

Every extension point, in the order of a cell's life. A plugin is a module with functions of these names, each marked
`@hookimpl` and yielding `Component` objects; [first-plugin.md](first-plugin.md) goes from an empty file to an installed
package. This page is written by `python tests/test_docs_hooks.py` from the code, and a test keeps it so.

{table}

## A component

```python
{component}
```

`build` takes its context before `/` and its settings after `*`, each with a type and a default. The settings are
validated before anything runs, shown by `bench info`, and part of every cell's id. `version` is raised when equal
settings may give another result.

A plugin imports `bench.api` and no other module of bench. Packages that take long to import (torch, scipy, matplotlib,
...) are imported in the functions that need them; the examples below are shorter than that. A test loads and builds
each of them after these lines:

```python
{prelude}
```

## What every component must keep

`bench plugins check NAME`, `pytest --bench-contracts NAME` and `bench.testing.breaches(kind, component)` run the
contract of a kind with default settings and tell each breach in one sentence. Whatever the kind:

{common}
"""


def clauses(module: str) -> Iterator[str]:
    """What the clauses of a module of ``bench.testing`` ask for, in their order: their docstrings."""
    tree = ast.parse((ROOT / "bench" / "testing" / f"{module}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.returns:
            text = ast.get_docstring(node)
            if ast.unparse(node.returns) in ("Iterator[str]", "Sentences") and text:
                yield " ".join(text.split("\n\n")[0].split())


def marked_down(text: str) -> str:
    """reStructuredText's literals as Markdown's."""
    return re.sub(r":\w+:`([^`]*)`", r"`\1`", text.replace("``", "`"))


def bullets(*modules: str) -> str:
    return "\n".join(f"- {marked_down(clause)}" for module in modules for clause in clauses(module))


def prose(hook: str) -> str:
    """The docstring of a hook without its example."""
    return marked_down((inspect.getdoc(getattr(hookspecs, hook)) or "").partition("Example::")[0].strip())


def builder(kind: str) -> str:
    context = [*CONTEXT_NAMES.get(kind, []), "/"] if CONTEXT[kind] else []
    return f"build({', '.join([*context, '*', 'setting: type = default', '...'])})"


def section(hook: str) -> str:
    """One hook: signature, prose, protocols, contract, example."""
    kind = HOOKS[hook]
    signature = f"def {hook}() -> {inspect.signature(getattr(hookspecs, hook)).return_annotation}"
    parts = [
        f"## `{hook}`",
        f"```python\n{signature}\n```",
        prose(hook),
        f"Builder: `{builder(kind)}`.",
    ]
    for protocol in PROTOCOLS.get(kind, []):
        source = inspect.getsource(protocol).partition("    def __post_init__")[0].strip()
        parts.append(f"```python\n{source}\n```")
    parts.append(f"Contract:\n\n{bullets(*CHECKS[kind])}")
    if kind == "model":
        text = inspect.getdoc(model_contract.breaches_of_model) or ""
        parts.append(marked_down(text.partition("\n\n")[2]))
    parts.append(f"Example:\n\n```python\n{example(hook).strip()}\n```")
    return "\n\n".join(parts)


def document() -> str:
    """The whole page."""
    rows = [f"| [`{hook}`](#{hook}) | {WHEN[hook]} |" for hook in HOOKS]
    parameters = [str(each).replace("'", "") for each in inspect.signature(Component).parameters.values()]
    introduction = INTRODUCTION.format(
        table="\n".join(["| hook | when it is used |", "| --- | --- |", *rows]),
        component="\n".join(["Component(", *[f"    {each}," for each in parameters], ")"]),
        prelude=PRELUDE.strip(),
        common=bullets("offering"),
    )
    return "\n\n".join([introduction.strip(), *map(section, HOOKS)]) + "\n"


def test_the_page_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text() == document(), AGAIN


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_what_acts_and_what_it_is_given(hook: str) -> None:
    kind = HOOKS[hook]
    assert len(CONTEXT_NAMES.get(kind, [])) == CONTEXT[kind]
    assert all(f"`{name}`" in prose(hook) for name in CONTEXT_NAMES.get(kind, []))
    assert WHEN[hook]


def test_every_clause_of_every_contract_is_on_the_page() -> None:
    modules = {path.stem for path in (ROOT / "bench" / "testing").glob("*.py")}
    with_clauses = {module for module in modules if list(clauses(module))}
    assert with_clauses - {"clauses"} == {"offering", *(module for checks in CHECKS.values() for module in checks)}


def test_the_hooks_stand_in_the_order_of_a_cells_life() -> None:
    assert re.findall(r"^## `(\w+)`$", DOCUMENT.read_text(), re.MULTILINE) == list(HOOKS)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
    sys.stdout.write(f"wrote {DOCUMENT}\n")
