"""The pictures a user asks to be predicted, and the names that their products get."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from bench.errors import DataError
from bench.picture_files import TYPES, is_picture, left_out, visible
from bench.words import plural

PRODUCTS = ("prob", "mask", "overlay")
ENDINGS = (".prob.png", ".mask.png", ".overlay.png")
"""How the names of products end."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, and the name of its products below the output folder: ``day1/c`` gives ``day1/c.mask.png``."""

    path: Path
    name: Path


@dataclass(frozen=True, slots=True)
class Inputs:
    """What paths on a command line come to: ``missed`` has a line for each thing that cannot be predicted."""

    pictures: Sequence[Picture]
    missed: Sequence[str]
    remarks: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something that was asked for, its path below the folder that was given, and why it cannot be predicted."""

    path: Path
    below: Path
    why: str | None = None


def find_inputs(given: Sequence[Path], to: Path) -> Inputs:
    """Find the pictures in files and folders, each once, and name their products below the folder ``to``.

    A picture in the only folder that is given is named by its path below that folder. Of several inputs, each has a
    folder (or, for a file, a name) as :func:`labels` says. Where two names may be one file, see :func:`distinct`.
    Hidden entries are left out, and so are products of an earlier call that lie in ``to``.
    """
    pictures: list[Path] = []
    names: list[Path] = []
    missed: list[str] = []
    remarks: list[str] = []
    seen: set[Path] = set()
    place = to.resolve()
    for path, label in zip(given, labels(given), strict=True):
        root = Path() if len(given) == 1 and path.is_dir() else label
        twice = products = 0
        for entry in _entries(path):
            identity = entry.path.parent.resolve() / entry.path.name
            if entry.why is not None:
                missed.append(f"{entry.path}: {entry.why}")
            elif identity in seen:
                twice += 1
            elif entry.path != path and identity.is_relative_to(place) and identity.name.endswith(ENDINGS):
                products += 1
            else:
                seen.add(identity)
                pictures.append(entry.path)
                names.append(root / entry.below)
        if twice:
            remarks.append(f"{path}: {plural(twice, 'picture')} given before; each is predicted once")
        if products:
            remarks.append(f"{path}: {plural(products, 'product')} of earlier predictions in {to} left out")
    return Inputs(list(map(Picture, pictures, distinct(names))), missed, remarks)


def labels(given: Sequence[Path]) -> list[Path]:
    """The end of each path, as short as tells it from the others: ``day1``, ``day2`` for ``a/day1``, ``a/day2``."""
    places = [Path(os.path.abspath(path)).parts[1:] for path in given]  # noqa: PTH100 - a link keeps its own name
    found: dict[tuple[str, ...], Path] = {}
    length = 0
    while len(found) < len(set(places)):
        length += 1
        ends = {place: Path(*place[-length:]) for place in set(places)}
        counts = Counter(map(folded, ends.values()))
        for place in set(places) - set(found):
            if counts[folded(ends[place])] == 1 or length >= len(place):
                found[place] = ends[place]
    return [found[place] for place in places]


def distinct(paths: Sequence[Path]) -> list[Path]:
    """A name for each path: without the file's type where that is enough, and never two that may be one file.

    ``d.jpg`` and ``d.png`` keep their type. ``c.png`` and ``C.PNG``, or a name in two forms of Unicode, are one file
    on some file systems: all but the first get a number.
    """
    names = [path.with_suffix("") for path in paths]
    counts = Counter(map(folded, names))
    while True:
        typed = [path if counts[folded(name)] > 1 else name for path, name in zip(paths, names, strict=True)]
        if typed == names:
            break
        names, counts = typed, Counter(map(folded, typed))
    taken: set[str] = set()
    numbered = []
    for name in names:
        free, number = name, 1
        while folded(free) in taken:
            number += 1
            free = name.with_name(f"{name.name}-{number}")
        taken.add(folded(free))
        numbered.append(free)
    return numbered


def folded(path: Path) -> str:
    """Equal for paths that some file system takes for one: without case, in one form of Unicode."""
    return normalize("NFKC", normalize("NFKC", path.as_posix()).casefold())


def _entries(path: Path) -> Iterator[_Entry]:
    """What one path comes to; never nothing."""
    if path.is_dir():
        empty = True
        for entry in _inside(path, Path()):
            empty = False
            yield entry
        if empty:
            yield _Entry(path, Path(), f"no picture in it or below; these types are read: {' '.join(TYPES)}")
        return
    why = left_out(path)
    if why is None and not os.path.lexists(path):
        why = "there is no such file or folder; check the name"
    yield _Entry(path, Path(), why)


def _inside(folder: Path, below: Path) -> Iterator[_Entry]:
    """Pictures, and what looks like one, in a folder and below, in the order of names."""
    try:
        entries = list(visible(folder))
    except DataError as error:
        yield _Entry(folder, below, str(error).removeprefix(f"{folder}: "))
        return
    for path in entries:
        name = below / path.name
        if path.is_dir() and path.is_symlink():
            yield _Entry(path, name, "a link to a folder, which is not followed; give that folder as well")
        elif path.is_dir():
            yield from _inside(path, name)
        elif (why := left_out(path)) or is_picture(path):
            yield _Entry(path, name, why)
