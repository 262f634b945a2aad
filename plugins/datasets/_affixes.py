"""What file names of images and masks have in common, and which settings say what stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


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


def pairing_settings(images: Sequence[str], masks: Sequence[str]) -> dict[str, str] | None:
    """The settings by which every mask would find an image; empty if none are needed, None if none would do.

    Names are without folders and types.
    """
    fitting = affixes_of(images, masks)
    if fitting is None:
        return None
    image, mask = fitting
    settings = {
        "image_prefix": image.prefix,
        "image_suffix": image.suffix,
        "prefix": mask.prefix,
        "suffix": mask.suffix,
    }
    return {name: affix for name, affix in settings.items() if affix}


def as_yaml(settings: Mapping[str, str]) -> str:
    """Settings as they stand in a suite, in one line."""
    return ", ".join(f"{name}: {_plain(affix)}" for name, affix in settings.items())


def _plain(text: str) -> str:
    """The text as YAML takes it for text."""
    return text if re.fullmatch(r"[A-Za-z_][\w-]*", text) else f'"{text}"'


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
