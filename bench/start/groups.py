"""Which images probably show one part: by a part of their names that comes back with the same endings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.errors import DataError

LEAST_GROUPS = 5
"""So many parts must be told apart; fewer are rather kinds of defects, or days."""
MOST_IN_A_GROUP = 24
FULL = 0.3
"""Least share of all pairs of a part and an ending: views of parts fill such a table, names by chance do not."""
_RUN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")


@dataclass(frozen=True, slots=True)
class Groups:
    """A pattern whose one pair of brackets finds the part in an id, the part of every id, and an example."""

    pattern: str
    of: Mapping[str, str]

    @property
    def count(self) -> int:
        """Different parts."""
        return len(set(self.of.values()))

    @property
    def usual(self) -> float:
        """Median number of images of a part."""
        return median(Counter(self.of.values()).values())

    @property
    def example(self) -> tuple[str, str]:
        """Two ids of one part."""
        largest = Counter(self.of.values()).most_common(1)[0][0]
        first, second = [id for id, group in self.of.items() if group == largest][:2]
        return first, second


def likely_groups(ids: Sequence[str]) -> Groups | None:
    """Several photographs of one part, if names say so: ``part12_top`` and ``part12_side``, or a folder for each part.

    Of several patterns that fit, the one of the fewest parts is taken: keeping together what could be apart costs a
    little; tearing one part apart makes scores too good.
    """
    found = []
    for pattern in _patterns(ids):
        groups = _grouped(pattern, ids)
        if groups is not None and _is_likely(groups, ids):
            found.append(groups)
    return min(found, key=lambda groups: groups.count, default=None)


def by_pattern(pattern: str, ids: Sequence[str]) -> Groups:
    """The groups that a pattern of the user finds.

    Raises:
        DataError: it is no pattern, has not one pair of brackets, or finds nothing in an id.
    """
    try:
        brackets = re.compile(pattern).groups
    except re.error as error:
        raise DataError(f"groups: {pattern!r} is no valid pattern ({error}); write one as '^(part\\d+)'") from None
    found = _grouped(pattern, ids) if brackets == 1 else None
    if found is None:
        raise DataError(
            f"groups: {pattern!r} must have one pair of brackets and find something in every id, as {ids[0]!r}"
        )
    return found


def _patterns(ids: Sequence[str]) -> Iterator[str]:
    if all("/" in id for id in ids):
        yield r"^(.+)/[^/]*$"
    names = [id.rpartition("/")[2] for id in ids]
    shapes = {tuple(map(_shape, _RUN.findall(name))) for name in names}
    shortest = min(shapes, key=len)
    if any(shape[: len(shortest) - 1] != shortest[:-1] for shape in shapes):
        return
    columns = list(zip(*(_RUN.findall(name)[: len(shortest)] for name in names), strict=True))
    forms = [_form(column) for column in columns]
    for cut in range(1, len(shortest)):
        if shortest[cut - 1] != "sign":
            yield f"(?:^|/)({''.join(forms[:cut])})[^/]*$"


def _shape(run: str) -> str:
    if run.isdecimal():
        return "digits"
    return "letters" if run.isalpha() else "sign"


def _form(column: Sequence[str]) -> str:
    """A pattern for one place of all names: its text where all have the same, else what kind it is."""
    if len(set(column)) == 1:
        return re.escape(column[0])
    return {"digits": r"\d+", "letters": r"[^\W\d_]+"}.get(_shape(column[0]), r"[\W_]+")


def _grouped(pattern: str, ids: Sequence[str]) -> Groups | None:
    of = {}
    for id in ids:
        match = re.search(pattern, id)
        if not match:
            return None
        of[id] = match[1]
    return Groups(pattern, of)


def _is_likely(groups: Groups, ids: Sequence[str]) -> bool:
    """Whether parts and endings fill a table, as views of parts do."""
    sizes = Counter(groups.of.values())
    if len(sizes) < LEAST_GROUPS or max(sizes.values()) > MOST_IN_A_GROUP or max(sizes.values()) < 2:
        return False
    if not all(re.search(r"\d", group) for group in sizes):
        return False  # words without a number are kinds of defects rather than parts
    endings = {id.rpartition("/")[2].replace(groups.of[id], "", 1) for id in ids}
    return groups.usual >= 2 and len(ids) / (len(sizes) * len(endings)) >= FULL
