"""A folder of someone's own images and masks: pairs, and the settings or the table that describe them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

from bench.catalog import Catalog
from bench.errors import BenchError, DataError
from bench.start.facts import sampled
from bench.start.groups import Groups, by_pattern, likely_groups
from bench.start.masks import Levels, Meaning, levels_of, meaning
from bench.start.pairs import Pairs, affixes, check_alone, ids_of, pairs, table
from bench.start.pictures import Contents
from bench.start.reading import LEAVE_OUT, Answers, Reading, opened
from bench.start.roles import Roles, roles
from bench.start.words import says_clean
from bench.types import JsonValue
from bench.words import plural

MOST_MASKS = 100
"""Masks whose levels are looked at."""
PAIRING = frozenset({"images", "masks", "image_prefix", "image_suffix", "prefix", "suffix"})
"""Settings of the data set ``folder`` that say which mask belongs to which image."""
CLEAN_BY_NAME = "images without a mask are free of defects: their folders or names say so"


def own(catalog: Catalog, found: Contents, answers: Answers, table_file: Path, results: Path) -> Reading:
    """How a folder of someone's own is read; ``table_file`` is where a table would be written.

    ``results`` is the folder of runs: where it lies below images or masks its pictures would be taken for them, so
    these are listed in a table.

    Raises:
        DataError: it cannot be told which pictures are masks, which belongs to which, or what they mean; says how to
            answer.
    """
    root, settings = found.root, dict(answers.settings)
    if PAIRING & set(settings):
        return _as_set(catalog, found, settings)
    clean = settings.pop("clean", None)
    told = roles(root, found.pictures, answers.images, answers.masks)
    matched = _matched(catalog, root, told)
    cleared, comment = _cleared(root, matched, clean)
    mask_files = [root / mask for mask in cleared.values() if mask]
    levels = levels_of(sampled(mask_files, MOST_MASKS))
    meant = meaning(root, levels, settings)
    settings = {**meant.settings, **settings}
    as_folder = _as_folder(catalog, root, cleared, settings, results)
    if as_folder is not None:
        reading = _of_folder(root, as_folder, meant, comment)
    else:
        reading = _of_table(root, cleared, settings, meant, table_file)
    sentences = _sentences(len(cleared), len(mask_files), levels, told.why)
    left = [*_left_out(found), *_of_neither(told), *_of_dropped(len(matched.mask_of) - len(cleared))]
    return replace(reading, found=(*sentences, *([comment] if comment else [])), left_out=tuple(left))


def _as_set(catalog: Catalog, found: Contents, settings: Mapping[str, JsonValue]) -> Reading:
    """The data set ``folder`` with the settings that the user gave, which say how to pair.

    Raises:
        DataError: it refuses.
    """
    root = found.root
    _, records = opened(catalog, Reading("folder", root, settings, {}, ()))
    masks = [record.files[1] for record in records if len(record.files) > 1]
    levels = levels_of(sampled(masks, MOST_MASKS))
    meant = meaning(root, levels, settings)
    sentences = _sentences(len(records), len(masks), levels, "as you said")
    return Reading("folder", root, {**meant.settings, **settings}, meant.why, sentences, tuple(_left_out(found)))


def _sentences(images: int, masks: int, levels: Levels, why: str) -> tuple[str, str]:
    """How many images and masks, why these are the masks, and what levels they hold."""
    looked = "all masks" if levels.masks == masks else f"{levels.masks:,} of {masks:,} masks"
    return f"{plural(images, 'image')}, {masks:,} with a mask ({why})", f"levels of {looked}: {levels.sentence}"


def _matched(catalog: Catalog, root: Path, told: Roles) -> Pairs:
    """Pairs by name; where these words do not help, by the settings that the reader itself advises."""
    matched = pairs(root, told.images, told.masks)
    if not matched.alone:
        return matched
    images, masks = _common(told.images), _common(told.masks)
    settings: dict[str, JsonValue] = {"images": images.as_posix(), "masks": masks.as_posix(), "clean": "empty"}
    try:
        opened(catalog, Reading("folder", root, settings, {}, ()))
    except DataError as error:
        for remedy in error.remedies:
            advised = {**settings, **{name: str(value) for name, value in remedy.items()}}
            found = _listed(catalog, root, advised)
            if found and set(told.masks) == {mask for mask in found.values() if mask}:
                return Pairs(found, ())
    except BenchError:
        pass
    check_alone(root, matched)
    return matched


def _listed(catalog: Catalog, root: Path, settings: Mapping[str, JsonValue]) -> dict[Path, Path | None] | None:
    """The pairs that the data set ``folder`` lists with these settings; None where it refuses."""
    try:
        _, records = opened(catalog, Reading("folder", root, settings, {}, ()))
    except BenchError:
        return None
    found: dict[Path, Path | None] = {}
    for record in records:
        image, *mask = (file.relative_to(root) for file in record.files)
        found[image] = mask[0] if mask else None
    return found


def _common(paths: tuple[Path, ...]) -> Path:
    return Path(os.path.commonpath([path.parent.as_posix() or "." for path in paths]) or ".")


def _cleared(root: Path, matched: Pairs, clean: JsonValue) -> tuple[dict[Path, Path | None], str]:
    """The pairs to use, with a comment on images without a mask.

    Raises:
        DataError: nothing says whether these are free of defects.
    """
    without = matched.without
    if clean == LEAVE_OUT:
        return {image: mask for image, mask in matched.mask_of.items() if mask}, ""
    if not without:
        return dict(matched.mask_of), ""
    if clean == "empty":
        return dict(matched.mask_of), "images without a mask are free of defects, as you said"
    if all(map(says_clean, without)):
        return dict(matched.mask_of), CLEAN_BY_NAME
    unsaid = next(image for image in without if not says_clean(image))
    raise DataError(
        f"{root / unsaid}: has no mask ({len(without):,} of {plural(len(matched.mask_of), 'image')}); say what images "
        f"without a mask are: --set clean=empty (free of defects) or --set clean={LEAVE_OUT} (not to be used)"
    )


def _as_folder(
    catalog: Catalog,
    root: Path,
    mask_of: Mapping[Path, Path | None],
    settings: Mapping[str, JsonValue],
    results: Path,
) -> dict[str, JsonValue] | None:
    """The shortest settings with which the data set ``folder`` lists just these pairs; None where none do."""
    shown = next(((image, mask) for image, mask in mask_of.items() if mask), None)
    if shown is None:
        return None
    around = affixes(*shown)
    clean: dict[str, JsonValue] = {} if all(mask_of.values()) else {"clean": "empty"}
    masks = tuple(mask for mask in mask_of.values() if mask)
    for images_in, masks_in in product(_upwards(_common(tuple(mask_of))), _upwards(_common(masks))):
        if images_in != masks_in and (images_in in masks_in.parents or masks_in in images_in.parents):
            continue
        if results.is_relative_to(root / images_in) or results.is_relative_to(root / masks_in):
            continue
        folders = {"images": images_in.as_posix(), "masks": masks_in.as_posix()}
        tried: dict[str, JsonValue] = {**folders, **around, **clean, **settings}
        if _listed(catalog, root, tried) == dict(mask_of):
            return {name: value for name, value in tried.items() if value != name or name not in folders}
    return None


def _upwards(folder: Path) -> Iterator[Path]:
    """A folder and those above it, up to the root of all."""
    yield folder
    yield from folder.parents


def _of_folder(root: Path, settings: Mapping[str, JsonValue], meant: Meaning, comment: str) -> Reading:
    why = dict(meant.why)
    if "clean" in settings:
        why["clean"] = comment
    return Reading("folder", root, settings, why, ())


def _of_table(
    root: Path,
    mask_of: Mapping[Path, Path | None],
    settings: Mapping[str, JsonValue],
    meant: Meaning,
    table_file: Path,
) -> Reading:
    """The table, with the groups in it."""
    ids = ids_of(mask_of)
    settings = dict(settings)
    pattern = settings.pop("groups", None)
    grouped = by_pattern(str(pattern), list(ids.values())) if pattern else likely_groups(list(ids.values()))
    why = {
        "table": "written because no setting describes these names: correct a row by hand, or run bench start again "
        "after adding images",
        **meant.why,
    }
    text = table(root, mask_of, grouped.of if grouped else None, table_file.parent)
    told = f"column 'group' of {table_file.name}: {groups_sentence(grouped)}" if grouped else ""
    settings = {"table": table_file.name, **settings}
    return Reading("listed", table_file.parent, settings, why, (), table=text, groups_are=told)


def groups_sentence(groups: Groups) -> str:
    """How many parts, and two images of one."""
    first, second = groups.example
    return (
        f"{groups.count:,} parts by name, mostly of {plural(round(groups.usual), 'image')} ({first} and {second} are "
        "one part)"
    )


def _left_out(found: Contents) -> list[str]:
    sentences = []
    for why, paths in found.left_out.items():
        shown = paths[0].relative_to(found.root).as_posix()
        sentences.append(f"{plural(len(paths), 'file')} ({shown}{' ...' if len(paths) > 1 else ''}): {why}")
    return sentences


def _of_dropped(images: int) -> list[str]:
    return [f"{plural(images, 'image')} without a mask, as you said"] if images else []


def _of_neither(told: Roles) -> list[str]:
    if not told.neither:
        return []
    folders = ", ".join(sorted({path.parent.as_posix() for path in told.neither})[:4])
    return [
        f"{plural(len(told.neither), 'picture')} in {folders}: neither named as images nor as masks (--images FOLDER "
        "takes them)"
    ]
