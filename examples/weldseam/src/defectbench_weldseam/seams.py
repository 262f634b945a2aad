"""Weld seams, photographed frame by frame; defects are boxes, each with the pixels inside it as a mask of its own.

::

    seam_07/seam.json         the frames of one seam, and the defects of each
    seam_07/frame_03.png      image, grey
    seam_07/frame_03_0.png    pixels of one box, of the box's size: 255 on the defect

    {"process": "TIG", "frames": [{"image": "frame_03.png", "position_mm": 24.0, "defects": [
        {"kind": "pore", "box": [12, 20, 9, 8], "mask": "frame_03_0.png"},
        {"kind": "undercut", "box": [40, 41, 30, 4], "mask": null}]}]}

A box is left, top, width, height in pixels. Where somebody drew a box and no mask, its pixels are neither defect nor
background: they are ignored. A mask counts more than such a box; two masks of different kinds on one pixel are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.api import (
    IGNORED,
    About,
    Component,
    DataError,
    Dataset,
    Mask,
    Record,
    Sample,
    check_size,
    check_values,
    hookimpl,
    plural,
    read_image,
    read_mask,
    release_home,
    visible,
)

NAME = "weldseam"
CLASSES = ("crack", "pore", "undercut")
SEAM = re.compile(r"seam_\d{2}")
FRAME = re.compile(r"frame_\d{2}\.png")
ABOUT = About(
    summary="Weld seams, 3 kinds of defect, 36 rendered frames of 12 seams: made up for this example",
    licence="Apache-2.0",
    citation="none: rendered",
    home="none: made up for this example",
    obtain="python -m defectbench_weldseam FOLDER writes them; name the folder with '--data weldseam=FOLDER'",
)


class Strict(BaseModel):
    """Frozen, no unknown keys, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Defect(Strict):
    """One annotated box; ``mask`` is a file of the box's size, or null where only the box was drawn."""

    kind: Literal["crack", "pore", "undercut"]
    box: tuple[
        Annotated[int, Field(ge=0)],
        Annotated[int, Field(ge=0)],
        Annotated[int, Field(gt=0)],
        Annotated[int, Field(gt=0)],
    ]
    mask: Annotated[str, Field(pattern=r"^frame_\d{2}_\d\.png$")] | None


class Frame(Strict):
    """One photograph and where along the seam it was taken."""

    image: Annotated[str, Field(pattern=rf"^{FRAME.pattern}$")]
    position_mm: float
    defects: tuple[Defect, ...]

    def files(self, folder: Path) -> tuple[Path, ...]:
        """The photograph, and the masks of the defects that have one."""
        masks = [defect.mask for defect in self.defects if defect.mask]
        return tuple(folder / name for name in (self.image, *masks))


class Seam(Strict):
    """The content of ``seam.json``."""

    process: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Seams:
    """The folder on disk. Ids are ``seam_07/frame_03``; the frames of a seam are one group."""

    root: Path
    classes: Sequence[str] = CLASSES

    def records(self) -> Sequence[Record]:
        """Every frame by seam and number, with process and position along the seam.

        Raises:
            DataError: a table cannot be read, a file it names is missing, or a frame is in no table.
        """
        found = []
        for folder in visible(self._home):
            if not SEAM.fullmatch(folder.name) or not folder.is_dir():
                continue
            process, frames = _seam_in(folder)
            for frame in frames:
                id = f"{folder.name}/{Path(frame.image).stem}"
                files = (folder / "seam.json", *frame.files(folder))
                meta: dict[str, str | float] = {"process": process, "position_mm": frame.position_mm}
                found.append(Record(id, group=folder.name, files=files, meta=meta))
        return found

    def load(self, id: str, /) -> Sample:
        """One frame ``uint8[H, W, 1]``; the mask holds 1 crack, 2 pore, 3 undercut, 255 in boxes without a mask.

        Raises:
            DataError: a file is damaged, a box leaves the frame or has another size than its mask, or kinds overlap.
        """
        seam, _, stem = id.partition("/")
        folder = self._home / seam
        frames = _seam_in(folder)[1] if SEAM.fullmatch(seam) and folder.is_dir() else []
        frame = next((frame for frame in frames if frame.image == f"{stem}.png"), None)
        if frame is None:
            raise DataError(f"{self.root}: no frame {id!r}")
        pixels = read_image(folder / frame.image, channels=1)
        mask = np.zeros(pixels.shape[:2], np.uint8)
        for defect in sorted(frame.defects, key=lambda defect: defect.mask is not None):
            _draw(mask, defect, folder / frame.image)
        return Sample(id, pixels, mask)

    @cached_property
    def _home(self) -> Path:
        return release_home(self.root, _holds_seams, wanted="folder seam_NN with a seam.json", obtain=ABOUT.obtain)


def _holds_seams(folder: Path) -> bool:
    return any(SEAM.fullmatch(path.parent.name) for path in folder.glob("*/seam.json"))


def _seam_in(folder: Path) -> tuple[str, list[Frame]]:
    """The process of one seam, and its frames by number; table and folder must name the same ones."""
    table = folder / "seam.json"
    try:
        seam = Seam.model_validate_json(table.read_bytes())
    except OSError as error:
        raise DataError(f"{table}: cannot be read ({error.strerror}); {ABOUT.obtain}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"{table}: {place}: {first['msg']} ({plural(error.error_count(), 'such mistake')})") from None
    frames = sorted(seam.frames, key=lambda frame: frame.image)
    listed = [frame.image for frame in frames]
    doubled = [name for name in listed if listed.count(name) > 1]
    if doubled:
        raise DataError(f"{table}: names {doubled[0]} {listed.count(doubled[0])} times; keep one")
    files = chain.from_iterable(frame.files(folder) for frame in frames)
    lost = [path for path in files if not path.is_file()]
    if lost:
        raise DataError(f"{lost[0]}: the file is missing, {table} names it ({plural(len(lost), 'such file')})")
    unknown = [path for path in visible(folder) if FRAME.fullmatch(path.name) and path.name not in listed]
    if unknown:
        raise DataError(f"{unknown[0]}: {table} does not name it, so its defects are unknown; add it or remove it")
    return seam.process, frames


def _draw(mask: Mask, defect: Defect, image: Path) -> None:
    """Mark one defect in the mask of its frame, in place."""
    left, top, width, height = defect.box
    if left + width > mask.shape[1] or top + height > mask.shape[0]:
        raise DataError(
            f"{image.with_name('seam.json')}: box {list(defect.box)} of {image.name} leaves the image, "
            f"which is {mask.shape[1]}x{mask.shape[0]} pixels"
        )
    region = mask[top : top + height, left : left + width]
    if defect.mask is None:
        region[:] = IGNORED
        return
    file, number = image.with_name(defect.mask), CLASSES.index(defect.kind) + 1
    values = read_mask(file)
    check_size(values, width, height, file, image)
    check_values(values, {0, 255}, file)
    marked = values == 255
    others = marked & (region != 0) & (region != IGNORED) & (region != number)
    if others.any():
        raise DataError(f"{file}: {others.sum()} of its pixels are marked as a defect of another kind too; keep one")
    region[marked] = number


def build(root: Path, /) -> Dataset:
    """The seams below ``root``, which may also hold them one folder deeper."""
    return Seams(root)


def example(folder: Path) -> None:
    """Render the seams into a new or empty folder."""
    from defectbench_weldseam.render import write_seams

    write_seams(folder)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer ``weldseam``."""
    yield Component(NAME, build, about=ABOUT, example=example)
