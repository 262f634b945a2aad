"""Axes that advance together, as one: ``dataset`` with ``preprocess`` gives rows such as ``synthclutch, stack``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOTHING_DONE = "none"
"""Label of an empty chain; at the end of a joint label it is left out."""


def joint_axes(axis: str, paired: Sequence[Sequence[str]], alone: Sequence[str] = ()) -> tuple[str, ...]:
    """The axis, then those that advance with it, without the axes in ``alone``."""
    group = next((group for group in paired if axis in group), ())
    return (axis, *(other for other in group if other != axis and other not in alone))


def telling(axes: Sequence[str], rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """As many of the axes, from the first, as tell the rows apart by their labels: the others need not be said.

    A data set that varies is always said: rows of different data sets must not be compared.
    """
    said = tuple(axes[:1])
    for number in range(1, len(axes)):
        if count_names(rows, said) == count_names(rows, axes):
            break
        said = tuple(axes[: number + 1])
    hidden = "dataset" in axes and "dataset" not in said and count_names(rows, ["dataset"]) > 1
    return (*said, "dataset") if hidden else said


def followers(axis: str, paired: Sequence[Sequence[str]], rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The axes that advance with another one whose labels alone tell their rows apart: they say nothing more."""
    axes = joint_axes(axis, paired)
    return axes[1:] if telling(axes, rows) == axes[:1] else ()


def naming_axes(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The axes in which rows differ, without settings that only follow other axes and so tell nothing more."""
    known: dict[str, None] = {}
    for row in rows:
        known |= dict.fromkeys(row)
    axes = [axis for axis in known if count_names(rows, [axis]) > 1]
    for path in [axis for axis in axes if "." in axis]:
        others = [axis for axis in axes if axis != path]
        if count_names(rows, others) == count_names(rows, axes):
            axes = others
    return axes


def short_names(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The labels of each row in which rows differ, as ``uniform / unet / seed 1``; of a single row crop and model."""
    axes = naming_axes(rows) or ["crop", "model"]
    names = []
    for row in rows:
        labels = [f"seed {row[axis]}" if axis == "seed" else row[axis] for axis in axes if axis in row]
        names.append(" / ".join(labels))
    return names


def count_names(rows: Sequence[Mapping[str, str]], axes: Sequence[str]) -> int:
    """How many different names these axes give."""
    names = set()
    for row in rows:
        names.add(tuple(row.get(axis) for axis in axes))
    return len(names)


def joint_label(labels: Mapping[str, str], axes: Sequence[str]) -> str:
    """The labels of several axes as one, ``mtd, stretch`` or ``real (EX)``; an empty chain at the end is not named."""
    parts = [labels[axis] for axis in axes if axis in labels]
    while len(parts) > 1 and parts[-1] == NOTHING_DONE:
        parts.pop()
    return "".join(parts[:1] + [f" {part}" if part.startswith("(") else f", {part}" for part in parts[1:]])
