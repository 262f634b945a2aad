"""The suites that ship with the product, by name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from bench.errors import SuiteError


def suite_path(name: str) -> Path:
    """A suite file, or a shipped suite by its bare name.

    Raises:
        SuiteError: there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_suites()
    if name in shipped:
        return shipped[name]
    close = get_close_matches(path.stem, shipped, 1)
    hint = f" Did you mean the shipped suite {close[0]!r}?" if close else ""
    raise SuiteError([f"{name}: no such suite file.{hint} 'bench list suites' shows the shipped ones."])


def shipped_suites() -> dict[str, Path]:
    """Name to file of the suites that ship with the product."""
    spec = find_spec("bench_suites")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    shipped = {}
    for folder in folders:
        for path in sorted(Path(folder).glob("*.yaml")):
            shipped[path.stem] = path
    return shipped
