"""Splits and groups as the leak search needs them: also such as a suite would refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from bench.canonical import DIGEST_BYTES
from bench.data.index import DatasetIndex, some
from bench.data.splits import assign
from bench.errors import DataError
from bench.home import expanded
from bench.releases import read_csv
from bench.suite.schema import SplitFile
from bench.types import Split
from bench.words import plural

SHARE = 5
"""A random split gives one image in so many to test, as many to validation, the rest to training."""


def placed(index: DatasetIndex, rule: SplitFile | None = None) -> dict[str, Split]:
    """The split a suite would use, by groups or by a file, even if it tears groups apart.

    The parts of a torn group are taken for groups of their own; what a file or the release does not say is dealt
    as always.

    Raises:
        DataError: as :func:`bench.data.splits.assign`, except for torn groups.
    """
    given: dict[str, str] = {e.id: e.official for e in index.entries if e.official}
    if rule:
        rows = read_csv(expanded(rule.file), ("split",))
        given = {row["id"]: row["split"].strip() for row in rows if "id" in row.values}  # groups it cannot tear
    sides: dict[str, set[str]] = {}
    for entry in index.entries:
        if entry.id in given:
            sides.setdefault(entry.group, set()).add(given[entry.id])
    torn = {group for group, splits in sides.items() if len(splits) > 1}
    parts = {e.id: f"{e.group} ({given.get(e.id)})" if e.group in torn else e.group for e in index.entries}
    return assign(regrouped(index, parts), rule or "grouped")


def random_split(index: DatasetIndex, seed: int) -> dict[str, Split]:
    """60/20/20 image by image, as if there were no groups; the order of the images plays no role.

    Raises:
        DataError: fewer than five images.
    """

    def drawn(id: str) -> bytes:
        return blake2b(f"{seed}:{id}".encode(), digest_size=DIGEST_BYTES).digest()

    ids = sorted((entry.id for entry in index.entries), key=drawn)
    size = len(ids) // SHARE
    if not size:
        raise DataError(
            f"data set {index.dataset!r}: {plural(len(ids), 'image')} cannot be split at random; give a split file"
        )
    split: dict[str, Split] = dict.fromkeys(ids[:size], "test")
    split.update(dict.fromkeys(ids[size : 2 * size], "validation"))
    return {entry.id: split.get(entry.id, "train") for entry in index.entries}


def regrouped(index: DatasetIndex, groups: Mapping[str, str]) -> DatasetIndex:
    """The same images in other groups, id to group; more ids than the index has do no harm.

    Raises:
        DataError: an image is in no group.
    """
    lost = [entry.id for entry in index.entries if entry.id not in groups]
    if lost:
        raise DataError(f"data set {index.dataset!r}: no group is given for {plural(len(lost), 'image')}: {some(lost)}")
    return replace(index, entries=tuple(replace(entry, group=groups[entry.id]) for entry in index.entries))


def read_groups(path: Path) -> dict[str, str]:
    """The columns ``id`` and ``group`` of a csv file.

    Raises:
        DataError: the file is missing or malformed, a value is empty, or an id stands twice; names file and line.
    """
    groups: dict[str, str] = {}
    for row in read_csv(path, ("id", "group")):
        if not row["id"] or not row["group"]:
            raise DataError(f"{row.where}: 'id' or 'group' is empty")
        if row["id"] in groups:
            raise DataError(f"{row.where}: id {row['id']!r} stands twice; every image has one group")
        groups[row["id"]] = row["group"]
    return groups
