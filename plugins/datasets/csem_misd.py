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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from bench_plugins.datasets._mask_values import Binary
from bench_plugins.datasets._miniature import pixels
from bench_plugins.datasets._released import Layout, Released
from bench_plugins.datasets._settings import Clean, check_choice, check_threshold

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
    Split,
    check_size,
    hookimpl,
    part_folders,
    plural,
    read_image,
    release_files,
    subfolders,
    visible,
    write_png,
)

LightsAre: TypeAlias = Literal["images", "channels"]
Outside: TypeAlias = Literal["keep", "ignore"]
PARTS = ("gear", "screw", "washer")
SPLIT_FOLDERS: Mapping[str, Split] = {"Train": "train", "Test": "test"}
LIGHTS = tuple(100 * (1 + turn % 9) + 1 + turn // 9 for turn in range(108))
"""Every light: all elevations of one azimuth before the next, the order that rotating the light by 30 degrees rolls."""
MASK, FOREGROUND = "mask", "segmentation"

OBTAIN = (
    "fetch the archives of the parts from https://doi.org/10.5281/zenodo.5513768 and unpack them side by side, so that "
    "Gear/, Screw/ and Washer/ lie in one folder; then name it in the suite, 'data: {csem-misd: path/to/csem-misd}', "
    "or with '--data csem-misd=path/to/csem-misd'"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of the release, and how: the settings of :func:`build`."""

    parts: tuple[str, ...] | None
    lights: tuple[int, ...]
    lights_are: LightsAre
    outside: Outside
    mask_threshold: int
    clean: Clean

    def records(self, home: Path) -> Iterator[Record]:
        """Every sample under every light that is asked for; a group is a sample.

        Raises:
            DataError: a part that is asked for is missing, or a sample lacks one of its pictures or masks.
        """
        folders = _parts(home)
        for part in self.parts or folders:
            if part not in folders:
                raise DataError(
                    f"{home / part.capitalize()}: the folder is missing, but 'parts' asks for it; {LAYOUT.obtain}"
                )
            for name, half in _halves(folders[part]).items():
                for folder in filter(Path.is_dir, visible(half)):
                    yield from self._of_sample(part, SPLIT_FOLDERS[name], folder)

    def _of_sample(self, part: str, split: Split, folder: Path) -> Iterator[Record]:
        """The images of one sample; their files are the pictures, and then the masks that are there and needed.

        A group is ``Washer/Train/001``, however that is spelled on disk: numbers may begin anew in each folder.
        """
        files = _files(folder)
        self._check_complete(f"{part}_{folder.name}", folder, files)
        pictures = [files[str(light)] for light in self.lights]
        needed = (MASK, FOREGROUND) if self.outside == "ignore" else (MASK,)
        masks = [files[kind] for kind in needed if kind in files]
        group = f"{part.capitalize()}/{split.capitalize()}/{folder.name}"
        meta: dict[str, str | int | float] = {"part": part, "sample": folder.name}
        if self.lights_are == "channels":
            yield Record(group, group, split, (*pictures, *masks), meta)
            return
        for light, picture in zip(self.lights, pictures, strict=True):
            elevation, azimuth = divmod(light, 100)
            lit = meta | {"illumination": light, "elevation": elevation, "azimuth": azimuth}
            yield Record(f"{group}/{light}", group, split, (picture, *masks), lit)

    def _check_complete(self, stem: str, folder: Path, files: Mapping[str, Path]) -> None:
        """Refuse a sample without a picture or a mask that is needed.

        Raises:
            DataError: names the sample's folder and the file.
        """
        dark = [light for light in self.lights if str(light) not in files]
        if dark:
            raise DataError(
                f"{folder}: its image {stem}_{dark[0]}.png is missing ({plural(len(dark), 'such image')}); "
                "fetch the data set again, or set 'illuminations' to those that are there"
            )
        if MASK not in files and self.clean == "refuse":
            raise DataError(
                f"{folder}: its mask {stem}_{MASK}.png is missing; fetch the data set again, "
                "or set 'clean: empty' if a sample without a mask is free of defects"
            )
        if FOREGROUND not in files and self.outside == "ignore":
            raise DataError(
                f"{folder}: its foreground {stem}_{FOREGROUND}.png is missing; fetch the data set again, "
                "or set 'outside: keep'"
            )

    def read(self, record: Record) -> tuple[Image, Mask]:
        """One image ``uint8[H, W, 1]``, or ``[H, W, lights]`` in the order of the lights; the mask is the sample's.

        Where ``outside`` is ignored, so are pixels outside the foreground that no one marked as defect.

        Raises:
            DataError: a file is damaged, in colour or of another size than the others, or a mask never reaches the
                threshold.
        """
        count = len(self.lights) if self.lights_are == "channels" else 1
        pictures, masks = record.files[:count], record.files[count:]
        kinds = {file.stem.lower().rpartition("_")[2]: file for file in masks}
        image = _stacked(pictures)
        defect = self._reaching(kinds.get(MASK), image, pictures[0])
        if self.outside == "keep":
            return image, defect.astype(np.uint8)
        inside = self._reaching(kinds[FOREGROUND], image, pictures[0])
        mask = np.where(inside, np.uint8(0), np.uint8(IGNORED))
        mask[defect] = 1
        return image, mask

    def _reaching(self, file: Path | None, image: Image, picture: Path) -> Bool:
        """``bool[H, W]``: where a file reaches the threshold; nowhere if there is no file."""
        if file is None:
            return np.zeros(image.shape[:2], np.bool_)
        mask = Binary(self.mask_threshold).read(file)
        check_size(mask, image.shape[1], image.shape[0], file, picture)
        return mask > 0


def _parts(home: Path) -> Mapping[str, Path]:
    """The folders of the parts by name."""
    return part_folders(home, PARTS, lambda folder: bool(_halves(folder)))


def _halves(folder: Path) -> Mapping[str, Path]:
    return subfolders(folder, tuple(SPLIT_FOLDERS))


def _files(folder: Path) -> Mapping[str, Path]:
    """What lies in the folder of a sample, by light, ``mask`` and ``segmentation``; other names are those of strays.

    Raises:
        DataError: the files do not all have the same before the name of the sample.
    """
    sample = re.escape(folder.name)
    (found,) = release_files(folder, rf"(?:[^_]+_)?{sample}_([1-9](?:0[1-9]|1[0-2])|{MASK}|{FOREGROUND})\.png")
    before: dict[str, str] = {}
    for key, path in sorted(found.items(), key=itemgetter(1)):
        before.setdefault(path.name.lower().removesuffix(f"{folder.name}_{key}.png".lower()), path.name)
    if len(before) > 1:
        first, other, *_ = before.values()
        raise DataError(f"{folder / other}: {first} beside it has another beginning; they are not of one sample")
    return found


def _stacked(files: Sequence[Path]) -> Image:
    """Grey images as the channels of one, ``uint8[H, W, files]``.

    Raises:
        DataError: a file is damaged, in colour or not of 8 bits, or two files differ in size.
    """
    greys: list[Mask] = []
    for file in files:
        grey = read_image(file, channels=1)[..., 0]
        if grey.dtype != np.uint8:
            raise DataError(f"{file}: pixels of type {grey.dtype}; this data set has 8 bits, save it so")
        greys.append(grey.astype(np.uint8, copy=False))
    height, width = greys[0].shape
    for file, grey in zip(files, greys, strict=True):
        if grey.shape != (height, width):
            raise DataError(
                f"{file}: {grey.shape[1]}x{grey.shape[0]} pixels but {files[0].name} beside it is {width}x{height}; "
                "they must be the same size"
            )
    return np.stack(greys, axis=2)


LAYOUT = Layout(
    holds=_parts,
    wanted="folder Gear, Screw or Washer that holds Train or Test",
    obtain=OBTAIN,
    image="Washer/Train/001/washer_001_101.png",
    unknown="no image {!r}; ids are like 'Washer/Train/001/101'",
)


def build(
    root: Path,
    /,
    *,
    parts: tuple[Literal["gear", "screw", "washer"], ...] | None = None,
    illuminations: Literal["all"] | tuple[int, ...] = "all",
    illuminations_are: LightsAre = "images",
    outside: Outside = "keep",
    mask_threshold: int = 128,
    clean: Clean = "refuse",
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
    check_choice("illuminations", lights, LIGHTS, "101 to 112, 201 to 212, ... 901 to 912, each once, or 'all'")
    check_choice("parts", parts, PARTS, f"some of {', '.join(PARTS)}, each once")
    check_threshold(mask_threshold)
    reading = Reading(parts, lights, illuminations_are, outside, mask_threshold, clean)
    return Released(root, LAYOUT, ("defect",), reading.records, reading.read)


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
    strays = {
        "Unannotated/099/washer_099_101.png": b"not read",
        "Train/Thumbs.db": b"not a sample",
        "Train/001/washer_001_101 (copy).png": b"not an image",
    }
    for name, content in strays.items():
        stray = folder / "Washer" / name
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(content)


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
        write_png(folder / f"{stem}_{light}.png", pixels(grey + glint))
    write_png(folder / f"{stem}_{MASK}.png", (scratch * 255).astype(np.uint8))
    write_png(folder / f"{stem}_{FOREGROUND}.png", (ring * 255).astype(np.uint8))


ABOUT = About(
    summary=(
        "Gears, screws and washers under 108 directions of light each, one mask per sample, split by sample; "
        "laid out as the authors' loader reads them, not yet tried on the real files"
    ),
    licence="CC BY-NC-ND 4.0 according to users of its Zenodo record",
    withheld="its licence (ND) allows no changed copies",
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
