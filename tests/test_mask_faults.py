"""What goes wrong with a mask of a release is noticed by ``bench data verify``, with the name of the file.

Masks are emptied, inverted, exchanged with their image, quantised, or saved with 0 and 1, one at a time. What cannot be
noticed is listed here with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.catalog import Catalog
from bench.component import complete
from bench.data.index import build_index
from bench.data.remarks import remarks
from bench.errors import DataError
from mask_worlds import READERS, Reader, levels_of, reader_id

Fault = Callable[[Path, Path], None]
"""Spoils a mask; the other path is that of its image."""


def emptied(mask: Path, _image: Path) -> None:
    levels = levels_of(mask)
    _replace(mask, np.zeros_like(levels))


def inverted(mask: Path, _image: Path) -> None:
    _replace(mask, 255 - levels_of(mask))


def exchanged(mask: Path, image: Path) -> None:
    one, other = mask.read_bytes(), image.read_bytes()
    mask.write_bytes(other)
    image.write_bytes(one)


def quantised(mask: Path, _image: Path) -> None:
    """White at index 0, as common tools do."""
    levels = levels_of(mask)
    used = np.unique(levels)[::-1]
    indices = np.searchsorted(-used.astype(int), -levels.astype(int)).astype(np.uint8)
    file = Image.frombytes("P", levels.shape[::-1], indices.tobytes())
    file.putpalette([channel for level in used.tolist() for channel in (level, level, level)])
    _save(mask, file)


def of_zero_and_one(mask: Path, _image: Path) -> None:
    _replace(mask, (levels_of(mask) > 0).astype(np.uint8))


def _replace(mask: Path, levels: np.ndarray) -> None:
    _save(mask, Image.fromarray(levels))


def _save(mask: Path, file: Image.Image) -> None:
    file.save(mask, format={".bmp": "BMP"}.get(mask.suffix.lower(), "PNG"))


FAULTS: tuple[Fault, ...] = (emptied, inverted, exchanged, quantised, of_zero_and_one)

OWN = "people's own data: whether an image is clean is said by its mask alone"
UNNOTICED: Mapping[tuple[str, str], str] = {
    ("folder", "emptied"): OWN,
    ("listed", "emptied"): OWN,
    ("folder-classes", "emptied"): OWN,
    ("folder-classes", "of_zero_and_one"): "1 is the number of a class",
    ("realclutch", "emptied"): OWN,
    ("synthclutch", "emptied"): OWN,
    ("csem-misd", "emptied"): "no copy of the release could be looked at: which samples are intact is not known",
    (
        "severstal",
        "emptied",
    ): "an empty mask image is as good as none; verify counts classes of a whole release",
    ("ksdd", "emptied"): "which folders hold the 52 cracks is not published; verify counts them in a whole release",
}
"""What no reader can know of one file."""


def noticed(reader: Reader, catalog: Catalog, root: Path, mask: Path, id: str) -> bool:
    """Whether verifying complains of the file, or remarks on its image, or reads it as it was."""
    component = catalog.find("dataset", reader.name).component
    try:
        index = build_index(reader.name, reader.opened(catalog, root))
    except DataError as error:
        return str(mask) in str(error)
    said = remarks(index, complete(component, reader.settings))
    return any(repr(id) in remark for remark in said)


@pytest.mark.sampled("reader", "fault")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("reader", READERS, ids=reader_id)
def test_a_mask_that_cannot_be_the_released_one_is_noticed_by_name(
    reader: Reader, fault: Fault, catalog: Catalog, tmp_path: Path
) -> None:
    reader.example(catalog, tmp_path)
    dataset = reader.opened(catalog, tmp_path)
    record = next(r for r in dataset.records() if reader.mask(r) and (dataset.load(r.id).mask == 1).any())
    mask = reader.mask(record)
    assert mask is not None
    before = dataset.load(record.id).mask
    fault(mask, record.files[0])
    known = UNNOTICED.get((reader_id(reader), fault.__name__))
    found = noticed(reader, catalog, tmp_path, mask, record.id)
    if known:
        assert not found, f"noticed after all: strike it from the list ({known})"
    elif not found:
        again = reader.opened(catalog, tmp_path).load(record.id).mask
        assert np.array_equal(again, before), f"{fault.__name__}: another mask, and not a word"
