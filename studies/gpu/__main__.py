"""``python -m studies.gpu``: the parts one after the other, each a process of its own, saved as it goes.

``--part`` runs some of them, ``--dry`` in small sizes on any machine. Results lie in ``build/gpu``; those of a GPU are
written between the marks of ``docs/performance.md`` and ``docs/results.md``. Nothing is installed: where this checkout
is not, a folder that stands for an installation is put on the path.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.gpus import gpus
from bench.machine import processor_lines
from studies.gpu.checkout import ROOT, laid_out
from studies.gpu.figures import Part, between, section
from studies.gpu.needs import NEEDS
from studies.gpu.sizes import DRY, FULL

PARTS = {"checks": "performance", "step": "performance", "inference": "performance", "cells": "performance",
         "cropping": "results"}  # fmt: skip
"""Name of a part, which is that of its module, to the document that it is written into."""
LIMIT_S = 230
"""Seconds that a part may take on a GPU."""
RESULTS = ROOT / "build" / "gpu"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts; 0 where none failed."""
    parser = argparse.ArgumentParser(prog="studies.gpu", description=__doc__)
    parser.add_argument("--part", action="append", choices=tuple(PARTS), help="this part alone; may be repeated")
    parser.add_argument("--dry", action="store_true", help="small sizes, on the processor too; documents stay")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of what is measured")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    names = chosen.part or list(PARTS)
    if chosen.within:
        return _within(names[0], chosen.results, dry=chosen.dry)
    dry = chosen.dry or not gpus().usable
    if dry and not chosen.dry:
        _say("no GPU can be used here: the dry form, in small sizes on the processor")
    failed = [name for name in names if _ran(name, chosen.results, dry=dry)]
    for document in dict.fromkeys(PARTS[name] for name in names):
        _write(document, chosen.results, dry=dry)
    return 1 if failed else 0


def _ran(name: str, results: Path, *, dry: bool) -> int:
    """Run a part in a process of its own and return its exit code."""
    command = [sys.executable, "-m", "studies.gpu", "--within", "--part", name, "--results", str(results)]
    command += ["--dry"] if dry else []
    process = subprocess.Popen(command, cwd=ROOT, env=_path(), start_new_session=True)
    try:
        code = process.wait(None if dry else LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the commands that it has started too
        process.wait()
        _say(f"{name}: stopped after {LIMIT_S} s; what it had measured is kept")
        return 1
    if code:
        _say(f"{name}: ended with {code}")
    return code


def _path() -> dict[str, str]:
    """The environment in which this checkout is installed, or looks as if."""
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    plugins = find_spec("bench_plugins")
    if plugins is None or plugins.origin is None or not Path(plugins.origin).resolve().is_relative_to(ROOT):
        paths.insert(0, str(laid_out(RESULTS / "installed")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _within(name: str, results: Path, *, dry: bool) -> int:
    """Run a part in this process, unless packages that it needs are missing."""
    missing = [package for package in NEEDS[name] if find_spec(package) is None]
    if missing:
        _say(f"{name}: skipped, not installed: {', '.join(missing)}")
        return 0
    found = gpus().usable
    device = found[0].name if found else processor_lines().get("model name", "a processor")
    with TemporaryDirectory(prefix="bench-gpu-") as place:
        part = Part(name, device, results / f"{name}.json", Path(place), dry)
        import_module(f"studies.gpu.{name}").measure(part, DRY if dry else FULL)
    _say(section([part.path]))
    return 0


def _write(document: str, results: Path, *, dry: bool) -> None:
    """Put what is saved into a document."""
    saved = [results / f"{name}.json" for name, where in PARTS.items() if where == document]
    text = section([path for path in saved if path.is_file()])
    if dry or not text:
        return
    path = ROOT / "docs" / f"{document}.md"
    path.write_text(between(path.read_text(encoding="utf-8"), "gpu", text), encoding="utf-8")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a program


if __name__ == "__main__":
    sys.exit(main())
