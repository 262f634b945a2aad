"""Images and masks in two folders, paired by name: for readers of people's own data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from bench.api import PICTURE_TYPES, Channels, DataError, is_picture, picture_files, plural, read_image, visible


@dataclass(frozen=True, slots=True)
class Affixes:
    """What stands before and after the part of a file name, without its type, that image and mask share.

    Whether it is written in capitals does not matter.
    """

    prefix: str = ""
    suffix: str = ""

    def within(self, stem: str) -> str | None:
        """The shared part of a name; None where the name is not of this form."""
        begin, end = len(self.prefix), len(stem) - len(self.suffix)
        whole = stem[:begin].lower() == self.prefix.lower() and stem[end:].lower() == self.suffix.lower()
        return stem[begin:end] if whole and begin < end else None

    def around(self, id: str) -> str:
        """The name, folders included, that belongs to an id."""
        folders, slash, name = id.rpartition("/")
        return f"{folders}{slash}{self.prefix}{name}{self.suffix}"


PLAIN = Affixes()


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


def affixes_of(images: Sequence[str], masks: Sequence[str]) -> tuple[Affixes, Affixes] | None:
    """The affixes, of images and of masks, by which every mask finds an image; None where none are found.

    Names are without folders and types. What all of one side have in common before and after is tried: ``img_001`` and
    ``mask_001``, ``001_image`` and ``001_label``, ``part1`` and ``part1_GT``.
    """
    names = set(images)
    for image, mask in _candidates(images, masks):
        wanted = {image.prefix + shared + image.suffix for name in masks if (shared := mask.within(name))}
        if len(wanted) == len(set(masks)) and wanted <= names:
            return image, mask
    return None


def _candidates(images: Sequence[str], masks: Sequence[str]) -> Iterator[tuple[Affixes, Affixes]]:
    """Pairs of affixes to try: from one mask and the images that share the most with it, the longest first."""
    mask = min(masks)
    for image in sorted(set(images), key=lambda name: (-len(_middle(name, mask)), name))[:20]:
        shared = _middle(image, mask)
        if shared:
            before_image, _, after_image = image.partition(shared)
            before_mask, _, after_mask = mask.partition(shared)
            yield Affixes(before_image, after_image), Affixes(before_mask, after_mask)


def _middle(one: str, other: str) -> str:
    """The longest text that both hold, signs that separate left out."""
    from difflib import SequenceMatcher

    found = SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return one[found.a : found.a + found.size].strip("_-. ")
