"""CSEM-MISD (Honzatko et al. 2021): machined parts, each seen under 108 directions of light, with one mask.

Layout of the release, at the folder the user names or one level below it; a part may lie in a
folder of its own name once more, as its archive may unpack (``Gear/Gear/Train``)::

    {Gear,Screw,Washer}/{Train,Test}/{sample}/{part}_{sample}_{EAA}.png          108 grey images of 512 x 512
                                             /{part}_{sample}_mask.png           defects, drawn by hand
                                             /{part}_{sample}_segmentation.png   foreground, found automatically
    {Gear,Screw}/Unannotated/...                                                 not read: nobody marked them
    {part}/light_vectors.csv, ...                                                not read

A light is named by its elevation E, 1 (highest) to 9, and its azimuth AA, 01 to 12 in steps of 30 degrees. Names of
parts may be written in capitals or not, and one part alone may be there.

Known from the loader its authors publish (names of files, lights, 8 bits, size) and from others who use the set
(folders of Washer, ``washer_{sample}``, its 32 samples in Train and 18 in Test; tables of light; the licence).
Assumed, as no copy of the files could be had: that Gear and Screw are laid out like Washer, that a sample of one number
in Train and in Test is two objects, and two things that are settings: which grey level marks a defect
(``mask_threshold``), and whether an intact sample has an empty mask or no mask file (``clean``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from bench.api import (
    IGNORED,
    About,
    Bool,
    Component,
    DataError,
    Dataset,
    Image,
    Mask,
    Record,
    Release,
    Sample,
    SettingsError,
    Split,
    check_drawn,
    check_size,
    hookimpl,
    part_folders,
    plural,
    read_image,
    read_mask,
    release_files,
    release_home,
    subfolders,
    visible,
    write_png,
)

PARTS = ("gear", "screw", "washer")
SPLIT_FOLDERS: Mapping[str, Split] = {"Train": "train", "Test": "test"}
LIGHTS = tuple(100 * elevation + azimuth for azimuth in range(1, 13) for elevation in range(1, 10))
"""Every light: all elevations of one azimuth before the next, the order that rotating the light by 30 degrees rolls."""
MASK, FOREGROUND = "mask", "segmentation"

OBTAIN = (
    "fetch the archives of the parts from https://doi.org/10.5281/zenodo.5513768 and unpack them side by side, so that "
    "Gear/, Screw/ and Washer/ lie in one folder; then name it in the suite, 'data: {csem-misd: path/to/csem-misd}', "
    "or with '--data csem-misd=path/to/csem-misd'"
)


@dataclass(frozen=True, slots=True)
class Specimen:
    """One sample: its pictures by light, and its two masks; None where there is no such file."""

    part: str
    split: Split
    folder: Path
    pictures: Mapping[int, Path]
    mask: Path | None
    foreground: Path | None

    @property
    def id(self) -> str:
        """``Washer/Train/001``, however that is spelled on disk: numbers may begin anew in each folder."""
        return f"{self.part.capitalize()}/{self.split.capitalize()}/{self.folder.name}"


@dataclass(frozen=True)
class Specimens:
    """The release on disk. Ids are ``Washer/Train/001/101``, without the light where lights are channels."""

    root: Path
    parts: tuple[str, ...] | None
    lights: tuple[int, ...]
    lights_are: Literal["images", "channels"]
    outside: Literal["keep", "ignore"]
    mask_threshold: int
    clean: Literal["refuse", "empty"]

    @property
    def classes(self) -> Sequence[str]:
        """Scratches, notches and holes are not told apart."""
        return ("defect",)

    def records(self) -> Sequence[Record]:
        """Every sample under every light that is asked for; a group is a sample.

        Raises:
            DataError: the folder is not the data set, a part that is asked for is missing, or a sample lacks one of
                its pictures or masks.
        """
        return [self._record(id, *found) for id, found in self._listed.items()]

    def load(self, id: str, /) -> Sample:
        """One image ``uint8[H, W, 1]``, or ``[H, W, lights]`` in the order of the lights; the mask is the sample's.

        Where ``outside`` is ignored, so are pixels outside the foreground that no one marked as defect.

        Raises:
            DataError: a file is damaged, in colour or of another size than the others, a mask never reaches the
                threshold, or the id is unknown.
        """
        if id not in self._listed:
            raise DataError(f"{self.root}: no image {id!r}; ids are like 'Washer/Train/001/101'")
        specimen, lights = self._listed[id]
        image = _stacked([specimen.pictures[light] for light in lights])
        return Sample(id, image, self._mask(specimen, image, specimen.pictures[lights[0]]))

    def _mask(self, specimen: Specimen, image: Image, picture: Path) -> Mask:
        """The mask of a sample ``uint8[H, W]``: 1 defect, 255 ignored."""
        defect = self._reaching(specimen.mask, image, picture)
        if self.outside == "keep":
            return defect.astype(np.uint8)
        inside = self._reaching(specimen.foreground, image, picture)
        return np.where(defect, np.uint8(1), np.where(inside, np.uint8(0), np.uint8(IGNORED)))

    def _reaching(self, file: Path | None, image: Image, picture: Path) -> Bool:
        """``bool[H, W]``: where a file reaches the threshold; nowhere if there is no file."""
        if file is None:
            return np.zeros(image.shape[:2], np.bool_)
        values = read_mask(file)
        check_size(values, image.shape[1], image.shape[0], file, picture)
        largest = int(values.max(initial=0))
        if 0 < largest < self.mask_threshold:
            raise DataError(
                f"{file}: its largest value is {largest}, so no pixel reaches mask_threshold {self.mask_threshold}; "
                "lower it, or save the mask with 0 and 255"
            )
        check_drawn(values, file)
        return values >= self.mask_threshold

    def _record(self, id: str, specimen: Specimen, lights: Sequence[int]) -> Record:
        """What is known of an image before it is decoded."""
        masks = (specimen.mask, specimen.foreground if self.outside == "ignore" else None)
        meta: dict[str, str | int | float] = {"part": specimen.part, "sample": specimen.folder.name}
        if self.lights_are == "images":
            elevation, azimuth = divmod(lights[0], 100)
            meta |= {"illumination": lights[0], "elevation": elevation, "azimuth": azimuth}
        files = (*(specimen.pictures[light] for light in lights), *(file for file in masks if file))
        return Record(id=id, group=specimen.id, split=specimen.split, files=files, meta=meta)

    @cached_property
    def _listed(self) -> Mapping[str, tuple[Specimen, tuple[int, ...]]]:
        """Sample and lights of every image by id; looked up once, as decoding asks for them one by one."""
        found = [specimen for part, folder in self._part_folders() for specimen in _specimens(part, folder)]
        for specimen in found:
            self._check_complete(specimen)
        if self.lights_are == "channels":
            return {specimen.id: (specimen, self.lights) for specimen in found}
        return {f"{specimen.id}/{light}": (specimen, (light,)) for specimen in found for light in self.lights}

    def _part_folders(self) -> list[tuple[str, Path]]:
        """The parts that are asked for with their folders: all that are there if none is named.

        Raises:
            DataError: there is none, one that is named is missing, or one is there twice.
        """
        home = release_home(
            self.root,
            lambda folder: bool(_parts(folder)),
            wanted="folder Gear, Screw or Washer that holds Train or Test",
            obtain=OBTAIN,
        )
        folders = _parts(home)
        lost = [part for part in self.parts or () if part not in folders]
        if lost:
            raise DataError(f"{home / lost[0].capitalize()}: the folder is missing, but 'parts' asks for it; {OBTAIN}")
        return [(part, folders[part]) for part in self.parts or folders]

    def _check_complete(self, specimen: Specimen) -> None:
        """Refuse a sample without a picture or a mask that is needed.

        Raises:
            DataError: names the sample's folder and the file.
        """
        stem = f"{specimen.part}_{specimen.folder.name}"
        dark = [light for light in self.lights if light not in specimen.pictures]
        if dark:
            raise DataError(
                f"{specimen.folder}: its image {stem}_{dark[0]}.png is missing ({plural(len(dark), 'such image')}); "
                "fetch the data set again, or set 'illuminations' to those that are there"
            )
        if specimen.mask is None and self.clean == "refuse":
            raise DataError(
                f"{specimen.folder}: its mask {stem}_{MASK}.png is missing; fetch the data set again, "
                "or set 'clean: empty' if a sample without a mask is free of defects"
            )
        if specimen.foreground is None and self.outside == "ignore":
            raise DataError(
                f"{specimen.folder}: its foreground {stem}_{FOREGROUND}.png is missing; fetch the data set again, "
                "or set 'outside: keep'"
            )


def _parts(home: Path) -> Mapping[str, Path]:
    """The folders of the parts by name."""
    return part_folders(home, PARTS, lambda folder: bool(subfolders(folder, tuple(SPLIT_FOLDERS))))


def _specimens(part: str, home: Path) -> list[Specimen]:
    """The samples of a part: Train, then Test, each in the order of names."""
    return [
        _specimen(part, SPLIT_FOLDERS[name], folder)
        for name, split in subfolders(home, tuple(SPLIT_FOLDERS)).items()
        for folder in visible(split)
        if folder.is_dir()
    ]


def _specimen(part: str, split: Split, folder: Path) -> Specimen:
    """What lies in the folder of a sample; files of other names are strays and are not read.

    Raises:
        DataError: the files do not all have the same before the name of the sample.
    """
    sample = re.escape(folder.name)
    (found,) = release_files(folder, rf"(?:[^_]+_)?{sample}_([1-9](?:0[1-9]|1[0-2])|{MASK}|{FOREGROUND})\.png")
    before: dict[str, str] = {}
    for path, key in sorted((path, key) for key, path in found.items()):
        before.setdefault(path.name.lower().removesuffix(f"{folder.name}_{key}.png".lower()), path.name)
    if len(before) > 1:
        first, other, *_ = before.values()
        raise DataError(f"{folder / other}: {first} beside it has another beginning; they are not of one sample")
    pictures = {light: found[str(light)] for light in LIGHTS if str(light) in found}
    return Specimen(part, split, folder, pictures, found.get(MASK), found.get(FOREGROUND))


def _stacked(files: Sequence[Path]) -> Image:
    """Grey images as the channels of one, ``uint8[H, W, files]``.

    Raises:
        DataError: a file is damaged, in colour or not of 8 bits, or two files differ in size.
    """
    first = _grey(files[0])
    stack = np.empty((*first.shape, len(files)), np.uint8)
    stack[..., 0] = first
    for channel, file in enumerate(files[1:], start=1):
        grey = _grey(file)
        if grey.shape != first.shape:
            raise DataError(
                f"{file}: {grey.shape[1]}x{grey.shape[0]} pixels but {files[0].name} beside it is "
                f"{first.shape[1]}x{first.shape[0]}; they must be the same size"
            )
        stack[..., channel] = grey
    return stack


def _grey(file: Path) -> Mask:
    """One picture ``uint8[H, W]``."""
    pixels = read_image(file, channels=1)[..., 0]
    if pixels.dtype != np.uint8:
        raise DataError(f"{file}: pixels of type {pixels.dtype}; this data set has 8 bits, save it so")
    return pixels.astype(np.uint8, copy=False)


def build(
    root: Path,
    /,
    *,
    parts: tuple[Literal["gear", "screw", "washer"], ...] | None = None,
    illuminations: Literal["all"] | tuple[int, ...] = "all",
    illuminations_are: Literal["images", "channels"] = "images",
    outside: Literal["keep", "ignore"] = "keep",
    mask_threshold: int = 128,
    clean: Literal["refuse", "empty"] = "refuse",
) -> Dataset:
    """Read the ``parts`` named, which must all be there, or those that are there, under some ``illuminations``.

    Lights are numbers such as 101 and 912; each makes an image of its own, or all are the ``channels`` of one image,
    in the order given (``all``: every elevation of azimuth 1, then of azimuth 2, ...; the authors' own default is 24
    channels, 101, 201, 102, 202, ... 112, 212). ``outside: ignore`` takes pixels outside the foreground out of training
    and scoring; the authors blank predictions there. A defect is where the mask has ``mask_threshold`` or more; the
    same holds for the foreground. ``clean`` says what a sample without a mask file is: a mistake, or free of defects.

    Raises:
        SettingsError: no part or no light, one that is named twice, a light that does not exist, or a threshold that
            marks all or nothing.
    """
    lights = LIGHTS if illuminations == "all" else illuminations
    unknown = [light for light in lights if light not in LIGHTS]
    if unknown or not lights or len(set(lights)) < len(lights):
        raise SettingsError(
            f"illuminations is {list(lights)}; name 101 to 112, 201 to 212, ... 901 to 912, each once, or 'all'"
        )
    if parts is not None and (not parts or len(set(parts)) < len(parts)):
        raise SettingsError(f"parts is {list(parts)}; name some of {', '.join(PARTS)}, each once")
    if not 0 < mask_threshold <= 255:
        raise SettingsError(f"mask_threshold is {mask_threshold}; masks hold 0 to 255, so it must be 1 to 255")
    return Specimens(root, parts, lights, illuminations_are, outside, mask_threshold, clean)


EXAMPLE: Mapping[str, Sequence[tuple[str, bool]]] = {
    "Train": (("001", True), ("002", False), ("003", True)),
    "Test": (("004", True), ("005", False)),
}
"""Samples of each part in the miniature, and whether they are defective."""
SIDE = 32


def example(folder: Path) -> None:
    """Write a miniature of the release, a sixteenth of the size, with all 108 lights, and stray files."""
    for number, part in enumerate(PARTS):
        home = folder / part.capitalize()
        for split, samples in EXAMPLE.items():
            for sample, defective in samples:
                rng = np.random.default_rng([number, int(sample)])
                _write_specimen(home / split / sample, f"{part}_{sample}", defective, rng)
        (home / "light_vectors.csv").write_text("0.1,0.2,0.97\n", encoding="ascii")
    stray = folder / "Washer" / "Unannotated" / "099"
    stray.mkdir(parents=True)
    (stray / "washer_099_101.png").write_bytes(b"not read")
    (folder / "Washer" / "Train" / "Thumbs.db").write_bytes(b"not a sample")
    (folder / "Washer" / "Train" / "001" / "washer_001_101 (copy).png").write_bytes(b"not an image")


def _write_specimen(folder: Path, stem: str, defective: bool, rng: np.random.Generator) -> None:
    """A bright ring on black; a scratch shines under lights that come across it."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    ring = (radius > 6) & (radius < 14)
    at = rng.uniform(-np.pi, np.pi)
    scratch = ring & (np.abs(np.angle(np.exp(1j * (angle - at)))) < 0.15) & defective
    texture = rng.uniform(40, 60, (SIDE, SIDE))
    for light in LIGHTS:
        elevation, azimuth = divmod(light, 100)
        toward = np.cos(angle - azimuth * np.pi / 6)
        grey = ring * texture * (1.2 - elevation / 12 + 0.4 * toward)
        glint = scratch * 120 * abs(np.sin(at - azimuth * np.pi / 6))
        write_png(folder / f"{stem}_{light}.png", np.clip(grey + glint, 0, 255).astype(np.uint8))
    write_png(folder / f"{stem}_{MASK}.png", (scratch * 255).astype(np.uint8))
    write_png(folder / f"{stem}_{FOREGROUND}.png", (ring * 255).astype(np.uint8))


ABOUT = About(
    summary=(
        "Gears, screws and washers under 108 directions of light each, one mask per sample, split by sample; "
        "laid out as the authors' loader reads them, not yet tried on the real files"
    ),
    licence="CC BY-NC-ND 4.0 according to users of its Zenodo record",
    citation=(
        "Honzatko, Turetken, Bigdeli, Dunbar, Fua: Defect segmentation for multi-illumination quality control "
        "systems, Machine Vision and Applications 32 (2021) 118"
    ),
    home="https://github.com/DawyD/illumination-preserving-rotations",
    obtain=OBTAIN,
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the three parts, lights as images or as channels."""
    yield Component("csem-misd", build, about=ABOUT, example=example, release=Release())
