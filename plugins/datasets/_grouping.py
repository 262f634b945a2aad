"""Which images show one object, for data of a user's own: the setting ``groups``, a table or a pattern."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from bench.api import DataError, SettingsError, is_picture, plural, read_csv


def check_groups(groups: str | None) -> None:
    r"""Hold the setting ``groups`` to its forms: None, the name of a csv file, or a pattern like ``^(part\d+)``.

    Raises:
        SettingsError: neither of them, or a pattern without exactly one pair of brackets.
    """
    if groups is None or groups.endswith(".csv"):
        return
    if re.search(r"\.(csv|tsv|txt|xlsx?|ods)$", groups, re.IGNORECASE):
        raise SettingsError(f"groups: {groups!r} looks like a table; save it as .csv, with commas between the columns")
    try:
        brackets = re.compile(groups).groups
    except re.error as error:
        raise SettingsError(f"groups: {groups!r} is neither a .csv file nor a valid pattern ({error})") from None
    if brackets != 1:
        raise SettingsError(f"groups: the pattern {groups!r} must have one pair of brackets, it has {brackets}")


def groups_of(root: Path, groups: str | None, ids: Sequence[str]) -> Mapping[str, str]:
    """The group of every image: itself, or what the csv file below ``root`` or the pattern says.

    Raises:
        DataError: the table is damaged or lacks an image, or the pattern finds nothing in an id.
    """
    if groups is None:
        return {id: id for id in ids}
    if groups.endswith(".csv"):
        return _from_csv(root / groups, ids)
    return {id: _captured(groups, id) for id in ids}


def _captured(pattern: str, id: str) -> str:
    """What the one capture group of ``pattern`` finds in an id."""
    found = re.search(pattern, id)
    if not found or not found[1]:
        raise DataError(f"image {id!r}: the pattern {pattern!r} of the setting 'groups' finds no group in it")
    return found[1]


def _as_listed(name: str, known: Collection[str]) -> str:
    """The id that a row means: itself, or without the type of a picture file, in composed Unicode."""
    composed = normalize("NFC", name)
    path = PurePosixPath(composed)
    bare = path.with_suffix("").as_posix() if is_picture(Path(composed)) else composed
    return composed if composed in known or bare not in known else bare


def _from_csv(path: Path, ids: Sequence[str]) -> Mapping[str, str]:
    """Read the columns ``id`` and ``group``; rows of absent images are allowed, images without a row are not.

    An id may have the type of its picture file; spaces around it do not matter.
    """
    known = set(ids)
    found: dict[str, str] = {}
    for row in read_csv(path, ("id", "group")):
        id, group = _as_listed(row["id"].strip(), known), row["group"].strip()
        if id in found or not group:
            raise DataError(f"{row.where}: image {id!r} " + ("stands here twice" if group else "has no group"))
        found[id] = group
    lost = [id for id in ids if id not in found]
    if lost:
        raise DataError(f"{path}: no row for image {lost[0]!r} ({plural(len(lost), 'such image')}); add its group")
    return found
