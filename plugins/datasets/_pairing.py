"""Images and masks in two folders, paired by name: for readers of people's own data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from bench_plugins.datasets._affixes import PLAIN, Affixes, as_yaml, pairing_settings
from bench_plugins.datasets._settings import Clean

from bench.api import PICTURE_TYPES, Channels, DataError, is_picture, picture_files, plural, read_image, visible


@dataclass(frozen=True, slots=True)
class Side:
    """Where images, or masks, lie and how their names are formed."""

    folder: Path
    names: Affixes = PLAIN


def pictures_in(folder: Path) -> list[Path]:
    """Pictures in and below a folder of the data set.

    Raises:
        DataError: the folder is missing, or holds no picture, or one that cannot be read.
    """
    try:
        found = picture_files(folder)
    except DataError as error:
        if folder.is_dir():
            raise
        raise DataError(
            f"{error}{_instead(folder)}; images and masks have a folder each, named by the settings 'images' and "
            "'masks'"
        ) from None
    return found


def _instead(folder: Path) -> str:
    """What lies where the folder is looked for: folders, or else how many pictures."""
    if not folder.parent.is_dir():
        return ", and so is the one that should hold it"
    beside = list(visible(folder.parent))
    folders = [path.name for path in beside if path.is_dir()]
    pictures = sum(map(is_picture, beside))
    if folders:
        return f" ({folder.parent} holds the folders {', '.join(folders[:5])})"
    return f" ({folder.parent} holds {plural(pictures, 'picture')})" if pictures else ""


def by_name(folder: Path, files: Iterable[Path], affixes: Affixes = PLAIN) -> dict[str, Path]:
    """Files by their id: the path below the folder without file type and affixes, in composed Unicode.

    Files whose names have other affixes are left out.

    Raises:
        DataError: two files have one id.
    """
    named: dict[str, Path] = {}
    for path in files:
        below = path.relative_to(folder)
        shared = affixes.within(normalize("NFC", below.stem))
        if shared is None:
            continue
        id = normalize("NFC", below.with_name(shared).as_posix())
        if id in named:
            raise DataError(f"{path}: {named[id].name} beside it has the same name; keep one of the two")
        named[id] = path
    return named


def stored_channels(first: Path) -> Channels:
    """How the first image of a data set is stored; the others are brought to it, where that loses nothing."""
    return 1 if read_image(first, exif="keep").shape[2] == 1 else 3


def no_pictures(folder: Path) -> DataError:
    """What to say of a folder without images."""
    return DataError(f"{folder}: holds no image; files of type {', '.join(PICTURE_TYPES)} are read")


def paired(images: Side, masks: Side, clean: Clean) -> dict[str, tuple[Path, Path | None]]:
    """Image and mask file by id; ``clean`` says what an image without a mask is: a mistake, or free of defects.

    Raises:
        DataError: a folder is missing, a name is doubled, or a partner is missing.
    """
    image_files, mask_files = pictures_in(images.folder), pictures_in(masks.folder)
    if images.folder.resolve() == masks.folder.resolve():
        mask_files = [path for path in mask_files if masks.names.within(path.stem)]
        image_files = sorted(set(image_files) - set(mask_files))
    image_of = by_name(images.folder, image_files, images.names)
    mask_of = by_name(masks.folder, mask_files, masks.names)
    if not image_files:
        raise no_pictures(images.folder)
    _check_masks_used(image_of, mask_of, image_files, mask_files)
    _check_images_named(image_of, image_files, images.names)
    bare = [id for id in image_of if id not in mask_of]
    _check_no_other_form(bare, masks)
    if bare and clean == "refuse":
        raise DataError(
            f"{image_of[bare[0]]}: its mask {masks.folder / masks.names.around(bare[0])}.png is missing "
            f"({plural(len(bare), 'such image')}); add it, or set 'clean: empty' if an image without a "
            "mask is free of defects",
            remedies=({"clean": "empty"},),
        )
    return {id: (image, mask_of.get(id)) for id, image in image_of.items()}


def _check_masks_used(
    image_of: Mapping[str, Path], mask_of: Mapping[str, Path], image_files: Sequence[Path], mask_files: Sequence[Path]
) -> None:
    """Refuse masks without an image, which would be left out.

    Raises:
        DataError: names the first, and the settings that would pair all where there are such: ``part1_GT.png`` is
            common.
    """
    used = {mask for id, mask in mask_of.items() if id in image_of}
    unused = [path for path in mask_files if path not in used]
    if not unused:
        return
    settings = pairing_settings([path.stem for path in image_files], [path.stem for path in mask_files])
    if settings is None:
        advice = "add its image, rename one so that both have one name, or move the mask out of this folder"
    elif not settings:
        advice = "its image lies in a sub-folder of another name; masks must lie in sub-folders as their images do"
    else:
        advice = f"set '{as_yaml(settings)}' if that is how images and masks are named"
    remedies = (settings,) if settings else ()
    raise DataError(f"{unused[0]}: this mask has no image ({len(unused)} such); {advice}", remedies=remedies)


def _check_images_named(image_of: Mapping[str, Path], image_files: Sequence[Path], names: Affixes) -> None:
    """Refuse images without the affixes asked for, which would be left out.

    Raises:
        DataError: names the first.
    """
    unnamed = sorted(set(image_files) - set(image_of.values()))
    if unnamed:
        raise DataError(
            f"{unnamed[0]}: its name is not of the form {names.around('NAME')} "
            f"({plural(len(unnamed), 'such image')}); correct the settings 'image_prefix' and "
            "'image_suffix', or move it out of this folder"
        )


def _check_no_other_form(bare: Sequence[str], masks: Side) -> None:
    """Refuse images whose mask is there as another kind of file: they would pass for clean.

    Raises:
        DataError: names the first such file.
    """
    wanted = {masks.names.around(id) for id in bare}
    for path in sorted(masks.folder.rglob("*")) if wanted else ():
        name = path.relative_to(masks.folder).with_suffix("").as_posix()
        if name.lstrip(".") in wanted and path.is_file() and not is_picture(path):
            raise DataError(f"{path}: looks like the mask of an image, but is no picture; save it as PNG")
