"""``metalpart``: rendered machined parts in dark field, embedded so that every suite runs without a download."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from bench_plugins.datasets.metalpart._body import THREAD, Region
from bench_plugins.datasets.metalpart._confusers import REGIONS
from bench_plugins.datasets.metalpart._defects import CLASSES
from bench_plugins.datasets.metalpart._frozen import FIRST, SECOND, Frozen
from bench_plugins.datasets.metalpart._render import Domain, picture

from bench.api import (
    About,
    BenchError,
    Component,
    DataError,
    Dataset,
    Image,
    Mask,
    Record,
    Sample,
    SettingsError,
    Split,
    hookimpl,
    read_image,
    read_mask,
    write_png,
)

HIGHEST = {"images": 255, "masks": len(CLASSES), "regions": len(REGIONS) - 1}
"""What the files of a picture may hold."""


@dataclass(frozen=True, slots=True)
class MetalPart:
    """Pictures under ``folder``, each rendered when it is first loaded.

    An id names object and viewpoint and is the same in both domains; the group is the object.
    """

    folder: Path
    domain: Domain
    size: int
    frozen: Frozen
    listed: Mapping[str, Record]
    regions: Sequence[str]
    classes: Sequence[str] = CLASSES

    def records(self) -> Sequence[Record]:
        """Every viewpoint of every object; the files need not exist yet."""
        return tuple(self.listed.values())

    def load(self, id: str, /) -> Sample:
        """Read image and mask, rendering them where they are absent.

        Raises:
            DataError: unknown id, or a file is damaged or not the one that was rendered.
        """
        self._ensure(id, "images", "masks")
        return Sample(id, self._read(id, "images")[:, :, None], self._read(id, "masks"))

    def region(self, id: str, /) -> Region:
        """The region map ``uint8[H, W]``: values index ``regions``; where a defect lies is no region of its own.

        Raises:
            DataError: as in :meth:`load`.
        """
        self._ensure(id, "regions")
        return self._read(id, "regions")

    def _file(self, id: str, kind: str) -> Path:
        return self.folder / kind / f"{id}.png"

    def _ensure(self, id: str, *kinds: str) -> None:
        """Render all files of a picture if one of these kinds is absent."""
        if id not in self.listed:
            raise DataError(f"metalpart has no image {id!r}; its ids run from part-000-view-0")
        if all(self._file(id, kind).exists() for kind in kinds):
            return
        meta = self.listed[id].meta
        made = picture(int(meta["object"]), int(meta["viewpoint"]), self.domain, self.size, self.frozen)
        for kind, pixels in made.items():
            _publish(self._file(id, kind), pixels)

    def _read(self, id: str, kind: str) -> Mask:
        """One file of a picture, ``uint8[size, size]``."""
        path = self._file(id, kind)
        try:
            pixels: Image = read_image(path)[:, :, 0] if kind == "images" else read_mask(path)
        except DataError as error:
            raise DataError(f"{error}; or delete it, and it is rendered again") from None
        if pixels.dtype != np.uint8 or pixels.shape != (self.size, self.size) or pixels.max() > HIGHEST[kind]:
            raise DataError(f"{path}: not the file that was rendered; delete it, and it is rendered again")
        return pixels.astype(np.uint8, copy=False)


def _publish(path: Path, pixels: Mask) -> None:
    """Write beside the target and rename, so that no reader ever sees half a file.

    Raises:
        BenchError: nothing can be written there, which is no fault of a picture and ends the reading of all.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        write_png(draft, pixels)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise BenchError(
            f"{path.parent}: cannot be written ({error.strerror or error}); name another folder with --data or "
            "BENCH_HOME, or free space"
        ) from None


def splits(objects: int, frozen: Frozen) -> tuple[Split, ...]:
    """The official split by object number, in the proportion of the default set for any count."""
    validation, test = (max(1, round(objects * share)) for share in frozen.held_out)
    counts: dict[Split, int] = {"train": objects - validation - test, "validation": validation, "test": test}
    return tuple(split for split, count in counts.items() for _ in range(count))


def build(
    root: Path,
    /,
    *,
    domain: Domain = "camera",
    objects: int = SECOND.objects,
    views: int = 2,
    size: int = 512,
) -> Dataset:
    """List ``objects`` x ``views`` pictures of ``size`` x ``size`` pixels under ``root``.

    ``domain`` is ``camera``, with sensor noise, blur and inter-reflection, or ``render``, clean and with randomised
    lighting; objects and viewpoints of the two correspond.

    Raises:
        SettingsError: fewer than 3 objects, 1 view or 64 pixels.
    """
    return listed(root, domain, objects, views, size, SECOND)


def build_first(
    root: Path,
    /,
    *,
    domain: Domain = "camera",
    objects: int = FIRST.objects,
    views: int = 2,
    size: int = 512,
) -> Dataset:
    """The same of version 1, whose defects a threshold on the grey level finds: for results of before.

    Raises:
        SettingsError: as for ``metalpart``.
    """
    return listed(root, domain, objects, views, size, FIRST)


def listed(root: Path, domain: Domain, objects: int, views: int, size: int, frozen: Frozen) -> MetalPart:
    """The pictures of one version.

    Raises:
        SettingsError: fewer than 3 objects, 1 view or 64 pixels.
    """
    for name, value, least in (("objects", objects, 3), ("views", views, 1), ("size", size, 64)):
        if value < least:
            raise SettingsError(f"setting {name!r} of 'metalpart' must be at least {least}, got {value}")
    folder = root / f"v{frozen.version}-{domain}-{size}"
    records = {}
    for number, split in enumerate(splits(objects, frozen)):
        for index in range(views):
            id = f"part-{number:03}-view-{index}"
            files = folder / "images" / f"{id}.png", folder / "masks" / f"{id}.png"
            meta = {"object": number, "viewpoint": index, "domain": domain}
            records[id] = Record(id, f"part-{number:03}", split, files, meta)
    regions = REGIONS[: THREAD + 1] if frozen is FIRST else REGIONS
    return MetalPart(folder, domain, size, frozen, records, regions)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """The embedded data set, in both versions."""
    licence, obtain = "Apache-2.0 (generated)", "nothing to fetch: rendered on first use, in seconds"
    yield Component(
        "metalpart",
        build,
        version=SECOND.version,
        about=About(
            summary="Machined metal parts with scratches, dents and pits that show by their shape, among threads, tool "
            "marks, stains and dust (800 rendered grey images of 512x512, 400 objects)",
            licence=licence,
            obtain=obtain,
        ),
    )
    yield Component(
        "metalpart-v1",
        build_first,
        version=FIRST.version,
        about=About(
            summary="Version 1, in dark field, where torn metal is bright: for results of before "
            "(144 rendered grey images of 512x512, 72 objects)",
            licence=licence,
            obtain=obtain,
        ),
    )
