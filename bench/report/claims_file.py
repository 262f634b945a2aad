"""A claims file: what is said of a run, so that it can be checked against the run's records.

Every mistake is told at once with its place, as those of a suite are: words that no claim has, and axes, levels and
scores that the run does not have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bench.errors import SuiteError
from bench.report.effects import never_compared, why_not_compared
from bench.report.measures import measure_of
from bench.suite.cells import Cell
from bench.suite.reading.layers import read_file
from bench.suite.reading.typed import Place, shown, typed
from bench.suite.reading.yaml import Mistakes, mark_of
from bench.suite.schema import Strict, SuiteName
from bench.words import unknown

SIDES = ("better", "than")


def _label(value: Any) -> str:
    """A label as boards print it: numbers are written as suites show them."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"a label is text or a number, got {shown(value)}")
    return value if isinstance(value, str) else shown(value)


def _labels(value: Any) -> Any:
    return tuple(map(_label, value)) if isinstance(value, list | tuple) else (_label(value),)


Label = Annotated[str, BeforeValidator(_label)]
Labels = Annotated[tuple[str, ...], BeforeValidator(_labels)]


class Claim(Strict):
    """One level of an axis, or of several axes together, is better than another."""

    better: Mapping[str, Label] = Field(min_length=1)
    """axis to the label of the level that is said to be better"""
    than: Mapping[str, Label] = Field(min_length=1)
    """the same axes with the labels of the level that it is better than"""
    where: Mapping[str, Labels] = Field(default_factory=dict)
    """other axes to the labels, one or a list, that the claim is about; by default all that the run has"""
    score: str = "f1@test"
    """a score that follows from pixel counts, as `NAME@test` or `NAME@validation`"""
    by: float = Field(default=0.0, ge=0)
    """by how much at least: points of a score in percent"""
    suite: SuiteName | None = None
    """the suite whose runs this is about; by default any"""


class Claims(Strict):
    """A claims file."""

    claims: tuple[Claim, ...] = Field(min_length=1)
    """what is claimed"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The claims that are about a run, and how many of the file are about others."""

    claims: tuple[Claim, ...]
    of_others: int


def read_claims(path: Path, suite: str, cells: Sequence[Cell]) -> Claimed:
    """The claims of a file about a run of this suite with these cells.

    Raises:
        SuiteError: every mistake as ``file:line:column: sentence``.
    """
    if not path.exists():
        raise SuiteError([f"{path}: there is no claims file; write one as docs/claims.md shows, or name it by --file."])
    mistakes = Mistakes()
    root = read_file(path, mistakes, "claims file", "claims")
    found, rest = typed(mistakes, Claims, root)
    own = []
    for number, claim in enumerate(found.claims if found else ()):
        if claim.suite in (None, suite):
            own.append(claim)
            node = rest.mapping["claims"].values[number]
            for place, sentence in _mistakes_in(claim, cells):
                mistakes.add(mark_of(node, place), sentence)
    if found and not own:
        mistakes.add(root.mark, f"no claim is about the suite {suite!r}; leave out 'suite' for claims about any.")
    mistakes.check()
    assert found is not None, "what could not be read is a mistake"
    return Claimed(tuple(own), len(found.claims) - len(own))


def _mistakes_in(claim: Claim, cells: Sequence[Cell]) -> Iterator[tuple[Place, str]]:
    """What a claim says that this run cannot answer, with the place inside the claim."""
    levels: dict[str, dict[str, None]] = {}
    for cell in cells:
        for axis, label in cell.labels.items():
            levels.setdefault(axis, {})[label] = None
    refused = never_compared(cells)
    for side in SIDES:
        for axis, label in getattr(claim, side).items():
            sentence = refused.get(axis) or _unknown(axis, label, levels)
            if sentence:
                yield (side, axis), f"{axis}: {sentence}"
    allowed = {axis: why for axis, why in refused.items() if axis != "dataset"}
    for axis, labels in claim.where.items():
        if axis in claim.better:
            yield ("where", axis), f"{axis}: it stands under 'better' and 'than'."
        for number, label in enumerate(labels):
            sentence = allowed.get(axis) or _unknown(axis, label, levels)
            if sentence:
                yield ("where", axis, number), f"{axis}: {sentence}"
    if claim.better.keys() != claim.than.keys():
        yield ("than",), f"'better' names {', '.join(claim.better)}; name the same axes here."
    elif claim.better == claim.than:
        yield ("than",), "both sides are the same."
    why = why_not_compared(measure_of(claim.score))
    if why:
        yield ("score",), f"{why}."


def _unknown(axis: str, label: str, levels: Mapping[str, Collection[str]]) -> str:
    """That the run has no such axis or level; empty where it has."""
    if axis not in levels:
        return unknown("axis", axis, levels)
    return "" if label in levels[axis] else unknown("level", label, levels[axis])
