r"""RealClutch and SynthClutch: clutch parts photographed and rendered from corresponding viewpoints (Fulir et al.).

No release and no description of its files was found, so this layout is ours; the settings name its parts. Both data
sets are read alike, at the folder the user names or one level below it::

    images/001.png        any of the file types below, sub-folders welcome
    masks/001.png         same name, any of the types; a defect is mask_threshold or more
    views.csv             a row for every image: image,instance,viewpoint and, if there are several, exposure

``image`` is the path below ``images``, with or without its file type. ``instance`` is the physical or virtual object,
and so the group. Equal instance and viewpoint in both sets correspond: ``bench data views`` shows them side by side.
Rows of absent images are allowed, so a part of the data can be read with the table of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
from bench_plugins.datasets._mask_values import HALF, Binary
from bench_plugins.datasets._miniature import pixels, write_stray
from bench_plugins.datasets._pairing import by_name, no_pictures, pictures_in, stored_channels
from bench_plugins.datasets._settings import check_threshold

from bench.api import (
    About,
    Channels,
    Component,
    DataError,
    Dataset,
    Float64,
    Mask,
    Record,
    Row,
    Sample,
    SettingsError,
    check_size,
    hookimpl,
    plural,
    read_csv,
    read_image,
    release_home,
    write_png,
)

Name = Literal["realclutch", "synthclutch"]

COLUMNS = ("image", "instance", "viewpoint")
EXPOSURE = "exposure"


@dataclass(frozen=True)
class Clutches:
    """The folders on disk. Ids are paths below the images folder without file type."""

    name: Name
    root: Path
    images: str
    masks: str
    table: str
    mask_threshold: int
    classes: Sequence[str] = ("defect",)

    def records(self) -> Sequence[Record]:
        """Every image in the order of its id, grouped by instance, without a split.

        Raises:
            DataError: a folder or the table is missing, a row is malformed or doubled, an image has no row or no
                mask, or a mask no image.
        """
        return list(self._records.values())

    def load(self, id: str, /) -> Sample:
        """One image as stored; the mask is 1 where its file holds ``mask_threshold`` or more.

        Raises:
            DataError: a file is damaged, the sizes differ, a mask has values but none that high, or the id is unknown.
        """
        if id not in self._records:
            raise DataError(f"{self._home / self.images}: no image {id!r}")
        image_file, mask_file, _ = self._records[id].files
        image = read_image(image_file, channels=self._channels)
        mask = Binary(None if self.mask_threshold == HALF else self.mask_threshold).read(mask_file)
        check_size(mask, image.shape[1], image.shape[0], mask_file, image_file)
        return Sample(id, image, mask)

    @cached_property
    def _channels(self) -> Channels:
        """As the first image is stored."""
        return stored_channels(next(iter(self._records.values())).files[0])

    @cached_property
    def _home(self) -> Path:
        """The folder that holds images and table: the one named, or the only one such a level below."""
        return release_home(
            self.root,
            lambda folder: (folder / self.images).is_dir() and (folder / self.table).is_file(),
            wanted=f"folder {self.images} with {self.table} beside it",
            obtain=f"to get it, {_obtain(self.name)}",
        )

    @cached_property
    def _records(self) -> Mapping[str, Record]:
        """The images by id; looked up once, as decoding asks for them one by one."""
        table = self._home / self.table
        pairs = _pairs(self._home / self.images, self._home / self.masks)
        rows = _rows(table, {id: image.suffix for id, (image, _) in pairs.items()})
        lost = [image for id, (image, _) in pairs.items() if id not in rows]
        if lost:
            raise DataError(
                f"{lost[0]}: {table} has no row for this image ({plural(len(lost), 'such image')}), so its "
                "instance is unknown; add a row, or move image and mask out of the data set"
            )
        found = {}
        for id, files in pairs.items():
            found[id] = Record(id, group=rows[id]["instance"], files=(*files, table), meta=_view(rows[id]))
        return found


def _obtain(name: Name) -> str:
    return (
        "ask its authors and lay it out as images/, masks/ of the same names, and views.csv with the columns "
        f"{','.join(COLUMNS)} and perhaps {EXPOSURE}; then name the folder in the suite, 'data: {{{name}: "
        f"path/to/{name}}}', or with '--data {name}=path/to/{name}'"
    )


def _pairs(images_home: Path, masks_home: Path) -> dict[str, tuple[Path, Path]]:
    """Image and mask by their path without file type, in the order of it.

    Raises:
        DataError: there is no image, an image or a mask stands alone, or a name is there twice.
    """
    images, masks = (by_name(home, pictures_in(home)) for home in (images_home, masks_home))
    if not images:
        raise no_pictures(images_home)
    bare = [id for id in images if id not in masks]
    if bare:
        raise DataError(
            f"{images[bare[0]]}: its mask {masks_home / bare[0]}.png is missing "
            f"({plural(len(bare), 'such image')}); add it: an image without defects has a mask of zeros"
        )
    unused = [path for id, path in masks.items() if id not in images]
    if unused:
        raise DataError(
            f"{unused[0]}: this mask has no image ({len(unused)} such); add the image, or move the mask out of the "
            "data set"
        )
    return {id: (image, masks[id]) for id, image in images.items()}


def _rows(table: Path, types: Mapping[str, str]) -> dict[str, Row]:
    """Rows by id; ``types`` are the file types of the images that are there.

    Raises:
        DataError: a value is missing, or an image, or a viewpoint of an instance, stands there twice; names the line.
    """
    ids = {f"{id}{type}": id for id, type in types.items()} | {id: id for id in types}
    rows: dict[str, Row] = {}
    views: dict[tuple[object, ...], Row] = {}
    for found in read_csv(table, COLUMNS):
        row = _stripped(found)
        id = ids.get(row["image"], row["image"])
        if id in rows:
            raise DataError(
                f"{row.where}: image {row['image']!r} stands in line {rows[id].line} already; keep one of the two"
            )
        said = _view(row)
        view = tuple(said.values())
        if view in views:
            text = ", ".join(f"{column} {value!r}" for column, value in said.items())
            raise DataError(
                f"{row.where}: {text} stands in line {views[view].line} already; correct one, or tell the "
                f"images apart by a column {EXPOSURE!r}"
            )
        rows[id] = views[view] = row
    return rows


def _stripped(row: Row) -> Row:
    """The row without spaces around its values.

    Raises:
        DataError: a value that must be there is empty.
    """
    values = {column: value.strip() for column, value in row.values.items()}
    empty = [column for column in (*COLUMNS, EXPOSURE) if values.get(column) == ""]
    if empty:
        raise DataError(f"{row.where}: its {empty[0]} is empty; fill it in")
    return Row(row.file, row.line, values)


def _view(row: Row) -> Mapping[str, str | int | float]:
    """What a row says of its image, as text, in the table's own words: 03 and 3 are two viewpoints."""
    return {column: row[column] for column in (*COLUMNS[1:], EXPOSURE) if column in row.values}


def _check(images: str, masks: str, table: str, mask_threshold: int) -> None:
    """Refuse settings that cannot be met.

    Raises:
        SettingsError: names the setting.
    """
    for setting, path in (("images", images), ("masks", masks), ("table", table)):
        if not path or Path(path).is_absolute() or ".." in Path(path).parts:
            raise SettingsError(f"{setting} is {path!r}; name a path below the folder of the data set")
    inner, other = Path(images), Path(masks)
    if inner == other or inner in other.parents or other in inner.parents:
        raise SettingsError(f"images {images!r} and masks {masks!r} must be folders beside each other")
    check_threshold(mask_threshold)


def reader(name: Name) -> Callable[..., Dataset]:
    """The builder of one of the two, which have one layout and the same settings."""

    def build(
        root: Path,
        /,
        *,
        images: str = "images",
        masks: str = "masks",
        table: str = "views.csv",
        mask_threshold: int = HALF,
    ) -> Dataset:
        """``images``, ``masks`` and ``table`` lie below the root; masks mark from ``mask_threshold`` on.

        Raises:
            SettingsError: settings that cannot be met.
        """
        _check(images, masks, table, mask_threshold)
        return Clutches(name, root, images, masks, table, mask_threshold)

    return build


INSTANCES, VIEWPOINTS = 8, 3
HEIGHT, WIDTH = 48, 64


def _write_example(folder: Path, noise: float, exposures: Sequence[int]) -> None:
    """Write eight parts from three viewpoints, each at these exposures; every second part is scratched."""
    rows = [",".join((*COLUMNS, EXPOSURE) if exposures else COLUMNS)]
    for instance in range(1, INSTANCES + 1):
        for viewpoint in range(1, VIEWPOINTS + 1):
            surface, mask = _part(instance, viewpoint)
            for exposure in exposures or (0,):
                name = f"{instance:02d}/{viewpoint:02d}" + (f"_ev{exposure}" if exposures else "")
                grain = noise * np.random.default_rng([9, instance, viewpoint]).standard_normal(surface.shape)
                write_png(folder / "images" / f"{name}.png", pixels(surface * 2.0**exposure + grain))
                write_png(folder / "masks" / f"{name}.png", mask)
                row = (f"{name}.png", f"clutch{instance:02d}", f"{viewpoint:02d}")
                rows.append(",".join((*row, str(exposure)) if exposures else row))
    (folder / "views.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    write_stray(folder / "images" / "Thumbs.db")


def _part(instance: int, viewpoint: int) -> tuple[Float64, Mask]:
    """Grey levels and mask of a ring on a dark ground, its highlight turned with the viewpoint."""
    rng = np.random.default_rng([instance, viewpoint])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    down, right = rows - HEIGHT / 2, columns - WIDTH / 2
    radius, angle = np.hypot(down, right), np.arctan2(down, right)
    ring = (radius > 9) & (radius < 21)
    levels = np.where(ring, 60 + 40 * np.cos(angle * 2 + viewpoint), 3.0)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    if instance % 2 == 0:
        row, column = 5 + int(rng.integers(6)), 26 + int(rng.integers(6))
        mask[row : row + 2, column : column + 8] = 255
    return np.where(mask > 0, levels + 80, levels), mask


PAPER = "Fulir, Bosnar, Hagen, Gospodnetic: Synthetic Data for Defect Segmentation over Complex Metal Surfaces"


def _offered(name: Name, what: str, noise: float, exposures: Sequence[int]) -> Component[Dataset]:
    about = About(
        summary=f"{what}; not found released: a folder of images, one of masks and a table of views",
        licence="unknown: no release was found",
        withheld="its licence is unknown",
        citation=PAPER,
        obtain=_obtain(name),
    )
    example = partial(_write_example, noise=noise, exposures=exposures)
    return Component(name, reader(name), about=about, example=example)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer photographs and renderings, which correspond by instance and viewpoint."""
    yield _offered("realclutch", "RealClutch: photographs of metal clutches with defects", 4.0, ())
    rendered = "SynthClutch: renderings of metal clutches that correspond to RealClutch"
    yield _offered("synthclutch", rendered, 0.0, (-1, 0))
