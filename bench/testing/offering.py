"""What every component must keep, whatever it builds: signature, settings, ``supports``, a light import."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bench.component import CONTEXT, Component, complete, context_arguments, json_schema, mistakes_in, settings_of
from bench.jobs import Site
from bench.testing.clauses import Breach, Sentences, judged, said
from bench.types import Task
from bench.words import plural

HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "segmentation_models_pytorch",
    "scipy",
    "h5py",
    "pandas",
    "matplotlib",
    "numba",
)
"""What ``bench list`` and ``bench plan`` must not wait for."""

SAMPLE_CONTEXT: dict[str, tuple[Any, ...]] = {
    "dataset": (Path("absent"),),
    "model": (Task(1, 1),),
    "crop": (64,),
    "observer": (Path("absent"),),
    "launcher": (Site("suite", Path("absent"), lambda _progress: None, ()),),
}


def builder(kind: str, component: Component[Any]) -> Sentences:
    """The signature and the settings; without them nothing can be built, so these come first."""
    offered: object = component
    if not isinstance(offered, Component):
        raise Breach(f"it is offered as a {type(offered).__name__}: offer a bench.api.Component")
    name: object = component.name
    if not isinstance(name, str) or not name:
        yield f"its name is {name!r}: it must be a text that a suite can name"
    found, wanted = context_arguments(component), CONTEXT[kind]
    if found != wanted:
        yield f"its builder takes {plural(found, 'positional-only argument')}: a {kind} takes {wanted} before '/'"
    settings = judged("its signature", settings_of, component)
    judged("its settings as JSON Schema", json_schema, component)
    if settings:
        defaults = judged("completing its settings", complete, component, {})
        for _, sentence in mistakes_in(component, defaults):
            yield f"a default is not valid: {sentence}"


def explained(kind: str, component: Component[Any]) -> Sentences:
    """What a user must know of a data set: its settings in a docstring, the rest in ``About``."""
    if kind != "dataset":
        return
    names = ", ".join(setting.name for setting in settings_of(component))
    if names and not inspect.getdoc(component.build):
        yield f"its builder has the settings {names} but no docstring: say there what they mean"
    if component.about is None:
        raise Breach("it has no About: give summary, licence and obtain, which must be readable without the data")
    for name in ("summary", "licence", "obtain"):
        if not getattr(component.about, name).strip():
            yield f"its About has no {name}: it must be readable without the data"


def answering(kind: str, component: Component[Any]) -> Sentences:
    """``supports`` takes what ``build`` takes, imports nothing heavy, and answers None or a text."""
    supports = component.supports
    if supports is None:
        return
    context = SAMPLE_CONTEXT.get(kind, ())
    settings = {setting.name: setting.default for setting in settings_of(component)}
    try:
        inspect.signature(supports).bind(*context, **settings)
    except TypeError as error:
        raise Breach(
            f"its supports cannot be called as its builder is ({error}): give both the same arguments"
        ) from None
    try:
        with without(HEAVY):
            answer = supports(*context, **settings)
    except (Exception, SystemExit) as error:
        name = (getattr(error, "name", None) or "").partition(".")[0]
        if isinstance(error, ImportError) and name in HEAVY:
            raise Breach(f"its supports imports {name}: it must answer without, it is asked for every cell") from None
        raise Breach(f"its supports raises {said(error)}") from None
    if answer is not None and (not isinstance(answer, str) or not answer):
        yield f"its supports returned {answer!r}: it must return None, or a text that says why not"


@contextmanager
def without(roots: Iterable[str]) -> Iterator[None]:
    """Make the import of these packages fail, even where they are imported already."""
    hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in roots}
    nothing: Any = None
    sys.modules.update(dict.fromkeys((*hidden, *roots), nothing))
    try:
        yield
    finally:
        for root in roots:
            sys.modules.pop(root, None)
        sys.modules.update(hidden)


def light(component: Component[Any]) -> Sentences:
    """Importing the module of the builder imports nothing heavy."""
    module = sys.modules.get(getattr(component.build, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if module is None or not file or module.__name__ == "__main__":
        return
    yield from _problems_of_import(module.__name__, str(file))


IMPORTING = """
import importlib, importlib.util, json, sys
name, file, paths, *heavy = sys.argv[1:]
sys.path[:] = json.loads(paths)
try:
    known = importlib.util.find_spec(name)
except (ImportError, ValueError):
    known = None
if known:
    importlib.import_module(name)
else:
    spec = importlib.util.spec_from_file_location(name, file)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
print("\\nheavy imports:", ", ".join(each for each in heavy if each in sys.modules))
"""


@cache
def _problems_of_import(module: str, file: str) -> list[str]:
    """What is wrong with importing a module in an interpreter of its own."""
    code = [sys.executable, "-c", IMPORTING, module, file, json.dumps(list(map(str, sys.path))), *HEAVY]
    done = subprocess.run(code, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    name = Path(file).name
    heavy = re.findall("^heavy imports: (.*)$", done.stdout, re.MULTILINE)
    if done.returncode or not heavy:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [f"importing {name} in a fresh interpreter fails: {last}"]
    if not heavy[-1]:
        return []
    return [f"importing {name} imports {heavy[-1]}: import such packages in the function that needs them"]
