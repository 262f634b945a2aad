"""What to cite: every component that a run used, from what its plugin says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bench.record import Provider, Record
from bench.words import line


@dataclass(frozen=True, slots=True)
class Cited:
    """A component that was used; empty texts are not known."""

    kind: str
    name: str
    package: str
    version: str
    summary: str = ""
    licence: str = ""
    citation: str = ""
    home: str = ""


def used(records: Iterable[Record]) -> dict[tuple[str, str], Provider]:
    """Kind and name of every component of finished cells, with who offered it."""
    found: dict[tuple[str, str], Provider] = {}
    for record in records:
        for name, provider in record.providers.items():
            kind, _, component = name.partition(" ")
            found.setdefault((kind, component), provider)
    return dict(sorted(found.items()))


def citations_markdown(cited: Iterable[Cited]) -> str:
    """One entry per component, by kind."""
    lines = ["# What this run used, and how to cite it"]
    kind = ""
    for one in cited:
        if one.kind != kind:
            kind = one.kind
            lines += ["", f"## {kind.capitalize()}", ""]
        facts = [one.citation, one.licence and f"licence: {one.licence}", one.home]
        known = ". ".join(line(fact).rstrip(".") for fact in facts if fact) or "its plugin names no source to cite"
        lines.append(f"- **{line(one.name)}** ({one.package} {one.version}): {known}.")
    return "\n".join(lines) + "\n"


def citations_bib(cited: Iterable[Cited]) -> str:
    """One ``@misc`` entry per component that names a citation; the whole citation is its title."""
    return "\n".join(_entry(one) for one in cited if one.citation)


def _entry(one: Cited) -> str:
    fields = {
        "title": f"{{{_escaped(one.citation)}}}",
        "howpublished": one.home,
        "note": one.licence and f"licence: {one.licence}",
    }
    year = re.search(r"\b(?:19|20)\d\d\b", one.citation)
    fields["year"] = year.group() if year else ""
    rows = [
        f"  {name} = {{{value if name == 'title' else _escaped(value)}}}" for name, value in fields.items() if value
    ]
    key = re.sub(r"[^A-Za-z0-9-]", "-", f"{one.kind}-{one.name}")
    return "@misc{" + ",\n".join([key, *rows]) + "\n}\n"


def _escaped(text: str) -> str:
    """Text without what would end or begin a BibTeX group."""
    plain = line(text).replace("{", "(").replace("}", ")")
    return re.sub(r"(?<!\\)([&%$#_])", r"\\\1", plain)
