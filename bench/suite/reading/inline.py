"""A component named on the command line: a name, or the mapping that would stand in a suite."""

from __future__ import annotations

from pathlib import Path

from bench.catalog import Catalog
from bench.suite.reading.mistakes import Mark, Mistakes
from bench.suite.reading.sections import Reader, component
from bench.suite.reading.yaml import parse
from bench.suite.schema import Ref


def component_from(text: str, kind: str, catalog: Catalog) -> Ref:
    """The component that ``metalpart`` or ``{use: metalpart, settings: {domain: render}}`` means, settings complete.

    Raises:
        SuiteError: the text is no YAML, or names no component of this kind or no such setting; with every mistake.
    """
    mistakes = Mistakes()
    mark = Mark(f"{kind} {text!r}")
    node = parse(text, lambda *_: mark, mistakes)
    found = component(Reader(catalog, Path(), mistakes), kind, node) if node else None
    if not text.strip():
        mistakes.add(mark, f"name a {kind}.")
    mistakes.check()
    assert found is not None, "what could not be read is a mistake"
    return found
