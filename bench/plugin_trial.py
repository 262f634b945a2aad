"""The process in which a plugin is loaded first: ``python -m bench.plugin_trial DESCRIPTOR``, see :mod:`bench.trials`.

It tells why the plugin cannot be loaded, and what of the process is another afterwards. What is compared: environment,
current folder, standard streams and hooks of ``sys``, handlers of signals, locale, random states of Python, NumPy and
torch, how NumPy and torch compute by default, and every function and class of the modules that were there before.
"""

from __future__ import annotations

import importlib
import locale
import os
import random
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from bench.catalog import why_unloadable
from bench.contain.channel import joined


def main() -> None:
    """Try one plugin."""
    channel = joined(int(sys.argv.pop()))
    place, libraries = channel.next()
    for name in libraries:
        with suppress(Exception, SystemExit):
            importlib.import_module(name)
    before, there = state(), set(sys.modules)
    channel.send("ready")
    why = why_unloadable(place)
    changes = [] if why else changed(before, state())
    imports = [] if why else libraries_among([name for name in sys.modules if name not in there], place)
    channel.send({"why": why, "changes": changes, "imports": imports})
    os._exit(0)  # what a plugin would do at the end of the process is nobody's concern


class State(NamedTuple):
    """What a plugin must leave as it is, by its name: plain values, and functions and classes."""

    values: Mapping[str, Any]
    code: Mapping[str, object]


def state() -> State:
    """What is so now."""
    values: dict[str, Any] = {f"the environment variable {name}": value for name, value in os.environ.items()}
    values["the current folder"] = str(Path.cwd())
    for name in ("stdin", "stdout", "stderr", "excepthook", "displayhook", "unraisablehook"):
        values[f"sys.{name}"] = id(getattr(sys, name))
    for number in signal.valid_signals():
        values[f"the handler of signal {number:d}"] = repr(signal.getsignal(number))
    values["the locale"] = locale.setlocale(locale.LC_ALL)
    values["the random state of Python"] = hash(random.getstate())
    return State({**values, **_numpy_values(), **_torch_values()}, dict(_code()))


def _numpy_values() -> dict[str, Any]:
    import numpy as np

    words = np.random.get_state(legacy=True)  # noqa: NPY002 - it is looked at, not used
    seed = [np.asarray(word).tolist() for word in words]
    return {"the random state of NumPy": seed, "numpy.geterr": np.geterr()}


def _torch_values() -> dict[str, Any]:
    """Those of torch, where it is imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    return {
        "the default dtype of torch": str(torch.get_default_dtype()),
        "the default device of torch": str(torch.get_default_device()),
        "the random state of torch": torch.get_rng_state().numpy().tobytes(),
        "the threads of torch": torch.get_num_threads(),
        "gradients of torch": torch.is_grad_enabled(),
        "deterministic algorithms of torch": torch.are_deterministic_algorithms_enabled(),
        "the precision of products of torch": torch.get_float32_matmul_precision(),
        "torch.backends.cudnn.benchmark": torch.backends.cudnn.benchmark,
    }


def _code() -> Iterator[tuple[str, object]]:
    """All functions and classes of modules, and of the functions of these classes."""
    for name, module in list(sys.modules.items()):
        if type(module) is not ModuleType:
            continue
        for attribute, value in list(vars(module).items()):
            if not callable(value):
                continue
            yield f"{name}.{attribute}", value
            if isinstance(value, type) and value.__module__ == name:
                yield from _methods(f"{name}.{attribute}", value)


def _methods(name: str, kind: type) -> Iterator[tuple[str, object]]:
    for attribute, value in list(vars(kind).items()):
        if callable(value) or isinstance(value, classmethod | staticmethod | property):
            yield f"{name}.{attribute}", value


def changed(before: State, after: State) -> list[str]:
    """Names of what is another; new code changes nothing, but a new value does."""
    names = {name for name in before.values.keys() | after.values if before.values.get(name) != after.values.get(name)}
    names |= {name for name, code in before.code.items() if after.code.get(name) is not code}
    return sorted(names)


def libraries_among(modules: Iterable[str], place: str) -> list[str]:
    """Those that are not of the plugin, neither of its package nor from the folder of its file, in their order."""
    path = Path(place)
    package, folder = ("", path.parent) if path.is_absolute() else (place.partition(".")[0], None)
    found = []
    for name in modules:
        origin = getattr(getattr(sys.modules.get(name), "__spec__", None), "origin", None) or ""
        if name.partition(".")[0] != package and (folder is None or folder not in Path(origin).parents):
            found.append(name)
    return found


if __name__ == "__main__":
    main()
