"""Which image is for training, validation and test: group first, split after.

The groups (physical objects) are dealt into equal parts. Part ``i`` is the test split of fold ``i``, part
``i + 1`` its validation split, the rest is for training; ``grouped`` is fold 0 of 5, so 60/20/20 by groups
(not in the supplement). Where a data set has official splits they stay as they are, and only what is missing
is dealt from the training groups: a fifth of them for validation.

Dealing is inside strata, the sets of classes found in a group (clean groups are a stratum of their own), in the
order of a hash of the group's name. Before that, every class with enough groups gets one seat in every split:
a plain draw of a fifth leaves rare classes out of the test split too often.
Nothing depends on the order of the images or on a random number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from hashlib import blake2b
from itertools import compress, product
from typing import Literal, TypeAlias, cast

from bench.canonical import DIGEST_BYTES, digest, digest_file
from bench.data.index import MOST_NAMED, DatasetIndex, some
from bench.data.leaks import Assignment, check
from bench.errors import DataError
from bench.home import expanded
from bench.releases import Row, read_csv
from bench.suite.schema import Fold, SplitFile
from bench.types import SPLITS, Split
from bench.words import plural

FIRST = Fold(fold=0, folds=5)
"""What ``grouped`` is: a fifth of the groups for test, a fifth for validation."""
SEARCH_STEPS = 2000
"""Placements tried before a class is given no guaranteed seats (only where groups of several classes collide)."""

Rule: TypeAlias = Literal["grouped"] | Fold | SplitFile
Classes: TypeAlias = frozenset[int]
"""Class numbers found in a group; ``{0}`` for a clean one."""
Demand: TypeAlias = tuple[int, range]
"""A class, and the parts in one of which it must have a group."""


def assign(index: DatasetIndex, rule: Rule) -> dict[str, Split]:
    """Give every image of the index its split, in the order of the index.

    Raises:
        DataError: a group would lie in two splits, a split stays empty, there is nothing to rotate, or the
            split file has mistakes (up to 20 are named at once, each with file and line).
    """
    if isinstance(rule, SplitFile):
        assignment = _completed(index, _from_file(index, rule), FIRST)
    elif isinstance(rule, Fold):
        assignment = _rotated(index, rule)
    else:
        assignment = _completed(index, _official(index), FIRST)
    check(index, assignment)
    _check_filled(index, assignment)
    return assignment


def restricted(index: DatasetIndex, assignment: Assignment, split: Split) -> DatasetIndex:
    """The images of one split only; the fingerprint stays that of the whole data set."""
    kept = [assignment[entry.id] == split for entry in index.entries]
    entries = tuple(compress(index.entries, kept))
    return replace(index, entries=entries, stamps=tuple(compress(index.stamps, kept)))


def split_digest(assignment: Assignment) -> str:
    """Digest of who is where, whatever the order."""
    return digest(dict(assignment))


def _official(index: DatasetIndex) -> dict[str, Split]:
    return {entry.id: entry.official for entry in index.entries if entry.official is not None}


def _rotated(index: DatasetIndex, fold: Fold) -> dict[str, Split]:
    """The fold that the data set ships, or the one dealt from its groups; an official test split stays.

    Raises:
        DataError: validation and test are both official.
    """
    if any("folds" in entry.meta for entry in index.entries):
        return _frozen(index, fold)
    official = _official(index)
    if not _missing(official):
        raise DataError(
            f"data set {index.dataset!r}: validation and test are official, so 'split: {{fold: {fold.fold}}}' has "
            "nothing to rotate; use 'split: grouped'"
        )
    return _completed(index, official, fold)


def _completed(index: DatasetIndex, official: Assignment, fold: Fold) -> dict[str, Split]:
    """Keep the official validation and test images, with their groups, and deal what is missing from the rest."""
    missing = _missing(official)
    fixed = {e.group: official[e.id] for e in index.entries if official.get(e.id, "train") != "train"}
    free = {group: classes for group, classes in _classes_of_groups(index).items() if group not in fixed}
    parts = deal(free, fold.folds, len(missing) + 1) if missing else {}
    dealt = fixed | {group: _turn(part, fold, missing) for group, part in parts.items()}
    assignment: dict[str, Split] = {}
    for entry in index.entries:
        of_group = dealt.get(entry.group, "train")
        assignment[entry.id] = official.get(entry.id, of_group) if entry.group in fixed else of_group
    return assignment


def _missing(official: Assignment) -> list[Split]:
    """The splits that must be dealt, test first."""
    return [split for split in ("test", "validation") if split not in official.values()]


def _turn(part: int, fold: Fold, missing: Sequence[Split]) -> Split:
    """What part ``part`` is for in this fold."""
    turn = (part - fold.fold) % fold.folds
    return missing[turn] if turn < len(missing) else "train"


def _classes_of_groups(index: DatasetIndex) -> dict[str, Classes]:
    """The classes of every group's pixels; ``{0}`` where all its images are clean."""
    found: dict[str, set[int]] = {}
    for entry in index.entries:
        found.setdefault(entry.group, set()).update(k for k, count in enumerate(entry.pixels) if k and count)
    return {group: frozenset(classes or {0}) for group, classes in found.items()}


def deal(groups: Mapping[str, Classes], parts: int, roles: int = len(SPLITS)) -> dict[str, int]:
    """Deal groups into ``parts`` equal parts, stratum by stratum; the order of ``groups`` plays no role.

    Every class with at least ``roles`` groups has one in each of the parts ``0 .. roles - 2`` and one in the
    parts after; a class with at least ``parts`` groups has one in every part. A class is left out of this only
    where groups of several classes collide so that it cannot be had, or is not found in ``SEARCH_STEPS``.
    """

    def hashed(group: str) -> bytes:  # so that neighbouring names are not neighbours
        return blake2b(group.encode(), digest_size=DIGEST_BYTES).digest()

    queue = sorted(groups, key=hashed)
    placed = _seats(groups, queue, parts, roles)
    load = Counter(placed.values())
    strata: dict[Classes, list[str]] = {}
    for group in queue:
        strata.setdefault(groups[group], []).append(group)
    for _, members in sorted(strata.items(), key=lambda item: (len(item[1]), sorted(item[0]))):
        inside = Counter(placed[group] for group in members if group in placed)
        for group in members:
            if group not in placed:
                part = min(range(parts), key=lambda part: (inside[part], load[part]))
                placed[group] = part
                inside[part] += 1
                load[part] += 1
    return placed


def _seats(groups: Mapping[str, Classes], queue: Sequence[str], parts: int, roles: int) -> dict[str, int]:
    """Place just enough groups that every class is where it must be; rare classes and groups of one class go first."""
    queues: dict[int, list[str]] = {}
    for group in sorted(queue, key=lambda group: len(groups[group])):
        for defect in sorted(groups[group]):
            queues.setdefault(defect, []).append(group)
    kept: list[Demand] = []
    placed: dict[str, int] = {}
    for bundle in _bundles({defect: len(queue) for defect, queue in queues.items()}, parts, roles):
        demands = [*kept, *bundle]
        # Mostly the seats taken so far can stay; if they are in the way, all are sought anew.
        found = _seated(demands, groups, queues, placed) or _seated(demands, groups, queues, {})
        if found is not None:
            kept, placed = demands, found
    return placed


def _bundles(sizes: Mapping[int, int], parts: int, roles: int) -> Iterator[list[Demand]]:
    """Demands to be met together: a seat in every split for each class, then one in every part."""
    enough = sorted((defect for defect, size in sizes.items() if size >= roles), key=lambda d: (sizes[d], d))
    for defect in enough:
        yield [*((defect, range(part, part + 1)) for part in range(roles - 1)), (defect, range(roles - 1, parts))]
    for defect in enough:
        if sizes[defect] >= parts:
            yield [(defect, range(part, part + 1)) for part in range(roles - 1, parts)]


def _seated(
    demands: Sequence[Demand],
    groups: Mapping[str, Classes],
    queues: Mapping[int, Sequence[str]],
    start: Mapping[str, int],
) -> dict[str, int] | None:
    """Extend ``start`` until every demand is met, depth first; None if that fails or takes too long."""
    trail: list[Iterator[Mapping[str, int]]] = [iter([start])]
    for _ in range(SEARCH_STEPS):
        if not trail:
            return None
        placed = next(trail[-1], None)
        if placed is None:
            trail.pop()
            continue
        filled: set[tuple[int, int]] = set()
        for group, part in placed.items():
            filled.update(product(groups[group], [part]))
        unmet = next((demand for demand in demands if filled.isdisjoint(product([demand[0]], demand[1]))), None)
        if unmet is None:
            return dict(placed)
        defect, allowed = unmet
        trail.append(_extensions(placed, allowed, queues[defect]))
    return None


def _extensions(placed: Mapping[str, int], parts: range, queue: Sequence[str]) -> Iterator[Mapping[str, int]]:
    """Every way to place one more group of the queue in one of the parts, the emptiest part first."""
    emptiest = sorted(parts, key=Counter(placed.values()).__getitem__)
    for group in queue:
        if group not in placed:
            for part in emptiest:
                yield {**placed, group: part}


def _frozen(index: DatasetIndex, rule: Fold) -> dict[str, Split]:
    """Rotate the parts that a data set ships in the metadata ``fold`` and ``folds`` of its images.

    So the folds of a subset are those of the whole set.

    Raises:
        DataError: the data set ships another number of folds, or an image names none of them.
    """
    shipped = next(entry.meta["folds"] for entry in index.entries if "folds" in entry.meta)
    if shipped != rule.folds:
        raise DataError(
            f"data set {index.dataset!r} ships {plural(int(shipped), 'fold')}, the suite asks for {rule.folds}: "
            f"set 'folds: {shipped}', or give a split file"
        )
    parts = {entry.id: entry.meta.get("fold") for entry in index.entries}
    lost = [id for id, part in parts.items() if part not in range(rule.folds)]
    if lost:
        raise DataError(f"data set {index.dataset!r}: image {lost[0]!r} names fold {parts[lost[0]]} of {shipped}")
    return {id: _turn(int(part or 0), rule, ("test", "validation")) for id, part in parts.items()}


def _check_filled(index: DatasetIndex, assignment: Assignment) -> None:
    sizes = Counter(assignment.values())
    empty = [split for split in SPLITS if not sizes[split]]
    if empty:
        groups = len({entry.group for entry in index.entries})
        raise DataError(
            f"data set {index.dataset!r}: no image is left for {' and '.join(empty)}; it has "
            f"{plural(len(index.entries), 'image')} in {plural(groups, 'group')}, "
            "and a group is never split: add groups or give a split file"
        )


def _from_file(index: DatasetIndex, rule: SplitFile) -> dict[str, Split]:
    """Read a user's csv: the columns ``id`` or ``group``, and ``split``; other columns are not read.

    Raises:
        DataError: the file is unreadable or has another content than when the suite was read, a name is
            unknown, doubled or missing, or a split is none of train, validation, test.
    """
    column, rows = _split_rows(rule)
    names = {entry.id: entry.id if column == "id" else entry.group for entry in index.entries}
    known = dict.fromkeys(names.values())
    found: dict[str, Split] = {}
    mistakes: list[str] = []
    for row in rows:
        name = row[column] if row[column] in known else row[column].strip()
        split = row["split"].strip()
        mistake = _mistake(column, name, split, known, found)
        if mistake:
            mistakes.append(f"{row.where}: {mistake}")
        else:
            found[name] = cast(Split, split)
    lost = [name for name in known if name not in found]
    if lost and not mistakes:
        mistakes = [f"{rule.file}: no row for {len(lost)} of {len(known)} {column}s: {some(lost)}"]
    if mistakes:
        raise DataError("; ".join(mistakes[:MOST_NAMED]))
    return {id: found[name] for id, name in names.items()}


def _split_rows(rule: SplitFile) -> tuple[str, list[Row]]:
    """The name of the column that says who, and the rows."""
    path = expanded(rule.file)
    rows = read_csv(path, ("split",))
    if rule.digest and rule.digest != digest_file(path):
        raise DataError(f"{path}: the split file changed after the suite was read; start again")
    columns = [column for column in ("id", "group") if rows and column in rows[0].values]
    if len(columns) != 1:
        found = f"the columns are {list(rows[0].values)}" if rows else "there is no row"
        raise DataError(f"{path}:1: {found}; there must be 'split' and either 'id' or 'group'")
    return columns[0], rows


def _mistake(column: str, name: str, split: str, known: Collection[str], found: Mapping[str, Split]) -> str | None:
    """What is wrong with one row, or None."""
    if name not in known:
        close = get_close_matches(name, known, 1)
        return f"no image has {column} {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
    if name in found:
        return f"{column} {name!r} has a split already ({found[name]})"
    if split not in SPLITS:
        return f"split {split!r} of {column} {name!r} is none of {', '.join(SPLITS)}"
    return None
