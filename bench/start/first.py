"""From a folder to a first suite: what is found, and the texts to write."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.catalog import Catalog
from bench.data.remarks import MOST_OF_AN_IMAGE
from bench.data.statistics import is_defective
from bench.errors import DataError
from bench.files import whole_file
from bench.home import resolved
from bench.machine import processors
from bench.start.budget import Amount, Budget, budget, crop_sizes
from bench.start.coco_files import coco
from bench.start.fewer import fewer
from bench.start.own import own
from bench.start.pictures import contents
from bench.start.reading import Answers, Reading, Settled, check_settings, settled
from bench.start.released import OWN, named, released
from bench.start.suite import suite_text
from bench.start.survey import Survey, grouped, survey
from bench.start.told import found_lines
from bench.store.home import Places
from bench.threads import Progress, silent
from bench.types import SPLITS, Split

NEARLY_ALL = 0.9
"""Share of the marked images from which on masks look inverted."""


@dataclass(frozen=True, slots=True)
class First:
    """Lines on what was found, the files written, and the budget of the suite."""

    name: str
    found: tuple[str, ...]
    files: tuple[Path, ...]
    plan: Budget


def first_suite(
    catalog: Catalog,
    places: Places,
    folder: Path,
    answers: Answers,
    to: Path,
    *,
    overwrite: bool,
    every_image: bool = False,
    progress: Progress = silent,
) -> First:
    """Look at ``folder`` and write a suite for it to ``to``, and beside it the table of pairs where one is needed.

    Where a run on all images would take long the suite uses some of them, unless ``every_image`` is asked for.
    Nothing is left behind where the data are refused.

    Raises:
        DataError: what lies there cannot be read, or can be read in several ways; says how to answer. Or a file would
            be overwritten.
    """
    root = resolved(folder)
    to = resolved(to)
    table_file = to.with_name(f"{to.stem}-pairs.csv")
    _check_free(to, overwrite)
    reading = _reading(catalog, root, answers, table_file, resolved(places.out))
    if reading.table is not None:
        _check_free(table_file, overwrite)
        _write(table_file, reading.table)
    try:
        found, seen = _seen(catalog, places, reading, progress)
        sizes = crop_sizes(seen.facts)
        amount = _amount(seen)
    except BaseException:
        if reading.table is not None:
            table_file.unlink(missing_ok=True)
        raise
    plan = budget(sizes[0], amount, processors())
    part = None if every_image else fewer(found, amount, plan, processors(), table_file)
    if part is not None:
        if reading.table is None:
            _check_free(table_file, overwrite)
        _write(table_file, str(part.reading.table))
        found, plan = replace(found, reading=part.reading), part.plan
    name = name_of(to.stem)
    lines = tuple(found_lines(found, seen))
    _write(to, suite_text(name, found.reading, plan, sizes, lines, to))
    files = (to,) if found.reading.table is None else (to, table_file)
    return First(name, lines, files, plan)


def _check_free(file: Path, overwrite: bool) -> None:
    """Refuse to replace what is there.

    Raises:
        DataError: something is.
    """
    if not overwrite and (file.exists() or file.is_symlink()):
        raise DataError(
            f"{file}: exists already and is left as it is; replace it with --overwrite, or name another --to"
        )


def _write(file: Path, text: str) -> None:
    with whole_file(file) as opened:
        opened.write(text.encode())


def _seen(catalog: Catalog, places: Places, reading: Reading, progress: Progress) -> tuple[Settled, Survey]:
    """Read some images, and look at all or a part.

    Raises:
        DataError: they cannot be read, no image has a defect, or the masks look inverted.
    """
    found = grouped(catalog, settled(catalog, reading))
    reading = found.reading
    _check_upright(found)
    data = {**places.data, reading.use: str(reading.root)}
    seen = survey(catalog, found, replace(places, data=data), progress)
    if not any(map(is_defective, seen.index.entries)):
        raise DataError(
            f"{reading.root}: no image has a defect, so nothing can be learned; if masks were left out, say where they "
            "are with --masks FOLDER"
        )
    return found, seen


def _check_upright(found: Settled) -> None:
    """Ask where nearly all masks mark most of their image: a surface is mostly sound.

    Raises:
        DataError: says which settings answer it.
    """
    reading = found.reading
    shares = [fact.share for fact in found.look.facts if fact.areas.size]
    if "invert" in reading.settings or reading.use not in ("folder", "listed") or "masks_are" in reading.settings:
        return
    if shares and sum(share > MOST_OF_AN_IMAGE for share in shares) > NEARLY_ALL * len(shares):
        raise DataError(
            f"{reading.root}: masks mark most of their images ({median(shares):.0%} in the median), as if defects and "
            "background were exchanged; say which it is: --set invert=true (dark pixels are the defects) or --set "
            "invert=false (it is meant so)"
        )


def _amount(seen: Survey) -> Amount:
    """Images and pixels of validation and test, scaled up where a part of the images was indexed."""
    if isinstance(seen.assignment, str):
        raise DataError(seen.assignment)
    scale = seen.images / len(seen.index.entries)
    pixels: dict[Split, float] = dict.fromkeys(SPLITS, 0.0)
    images = 0
    for entry in seen.index.entries:
        split = seen.assignment[entry.id]
        pixels[split] += scale * entry.height * entry.width
        images += split != "train"
    return Amount(round(scale * images), round(pixels["validation"]), round(pixels["test"]))


def name_of(text: str) -> str:
    """A name for suite and results out of that of a folder or file: letters, digits, '.', '_' and '-'."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "my-data"


def _reading(catalog: Catalog, root: Path, answers: Answers, table_file: Path, results: Path) -> Reading:
    """By the reader that the user named; else a release, a file in COCO's format, or pairs of files."""
    if answers.reader is not None and answers.reader not in OWN:
        check_settings(catalog, answers.reader, list(answers.settings))
        return named(catalog, answers.reader, root, answers.settings)
    found = contents(root)
    told = answers.images is not None or answers.masks is not None
    if answers.reader is None and not told and not answers.settings:
        release = released(catalog, root)
        if release is not None:
            return release
    if answers.reader in (None, "coco") and not told:
        listed = coco(root, found.pictures, answers.settings)
        if listed is not None:
            check_settings(catalog, "coco", list(answers.settings))
            return listed.with_settings(answers.settings, {})
        if answers.reader == "coco":
            raise DataError(
                f"{root}: no file in COCO's format below it (a JSON file with images, annotations and categories); "
                "leave --as coco out, or name another folder"
            )
    check_settings(catalog, "folder", list(answers.settings))
    return own(catalog, found, answers, table_file, results)
