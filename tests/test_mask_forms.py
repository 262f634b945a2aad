"""One mask saved in many ways is one mask, or is refused by name: never another one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from bench.catalog import Catalog
from bench.errors import DataError
from bench.images import read_mask
from mask_worlds import FILE_TYPES, FORMS, READERS, Reader, levels_of, reader_id, saved

MASKS = 4
"""Masks of each miniature that are saved anew, clean and defective ones."""
SAME = ("grey", "equal channels")
"""Forms that no reader may refuse, in PNG."""


@pytest.mark.parametrize("reader", READERS, ids=reader_id)
def test_a_mask_saved_otherwise_is_the_same_mask_or_refused_by_name(
    reader: Reader, catalog: Catalog, tmp_path: Path
) -> None:
    reader.example(catalog, tmp_path)
    dataset = reader.opened(catalog, tmp_path)
    masks = {record.id: mask for record in dataset.records() if (mask := reader.mask(record))}
    assert len(masks) >= MASKS
    marked = [id for id in masks if dataset.load(id).mask.any()]
    spread = [*marked[:: max(1, len(marked) // 3)][:3], *sorted(masks.keys() - set(marked))][:MASKS]
    answers: Counter[tuple[str, str, str]] = Counter()
    for id in spread:
        path, expected = masks[id], dataset.load(id).mask
        content, levels = path.read_bytes(), levels_of(path)
        for form in FORMS:
            for type in FILE_TYPES:
                if not saved(levels, form, type, path):
                    continue
                try:
                    found = reader.opened(catalog, tmp_path).load(id).mask
                except DataError as error:
                    named = str(path) in str(error) and "\n" not in str(error)
                    answers[form, type, "refused" if named else str(error)] += 1
                else:
                    assert np.array_equal(found, expected), f"another mask of {id}: {form} as {type}"
                    answers[form, type, "read"] += 1
        path.write_bytes(content)
    assert {answer for _, _, answer in answers} <= {"read", "refused"}
    assert answers["palette, as is", "PNG", "read"]
    refused = [form for form in SAME if answers[form, "PNG", "read"] < len(spread)]
    assert not refused


@given(
    indices=arrays.arrays(np.uint8, (5, 6), elements=st.integers(0, 7)),
    palette=st.lists(st.integers(0, 255).map(lambda level: (level, level, level)), min_size=8, max_size=8),
    colours=st.dictionaries(st.integers(0, 7), st.tuples(*[st.integers(0, 255)] * 3), max_size=2),
    type=st.sampled_from(("PNG", "GIF", "TIFF")),
)
def test_a_palette_is_looked_up_where_it_shows_grey_and_refused_where_it_shows_colour(
    tmp_path_factory, indices, palette, colours, type
):
    entries = [colours.get(index, colour) for index, colour in enumerate(palette)]
    file = Image.frombytes("P", (6, 5), indices.tobytes())
    file.putpalette([channel for entry in entries for channel in entry])
    path = tmp_path_factory.mktemp("palette") / "mask.png"
    file.save(path, format=type)
    shown = np.asarray(Image.open(path).convert("RGB"))
    grey = (shown == shown[..., :1]).all()
    if grey:
        assert np.array_equal(read_mask(path), shown[..., 0])
    else:
        with pytest.raises(DataError, match=r"mask\.png: .*colour"):
            read_mask(path)


def test_a_soft_mask_with_a_palette_of_its_own_marks_what_every_viewer_shows(catalog: Catalog, tmp_path: Path) -> None:
    reader = READERS[0]
    soft = np.clip(255 * (1.4 - np.hypot(*np.mgrid[-20:20, -25:25] / 12.0)), 0, 255).astype(np.uint8)
    for folder, picture in (("images", np.full((40, 50), 90, np.uint8)), ("masks", soft)):
        (tmp_path / folder).mkdir()
        Image.fromarray(picture).save(tmp_path / folder / "a.png")
    plain = reader.opened(catalog, tmp_path).load("a").mask
    Image.fromarray(soft).convert("RGB").quantize(64).save(tmp_path / "masks" / "a.png")
    shown = levels_of(tmp_path / "masks" / "a.png")
    found = reader.opened(catalog, tmp_path).load("a").mask
    assert np.array_equal(found, shown >= 128)
    assert abs(int(found.sum()) - int(plain.sum())) < 0.1 * plain.sum()


def test_every_reader_of_mask_pictures_is_tried(catalog: Catalog) -> None:
    without = {"coco", "crackforest", "metalpart", "metalpart-v1"}  # annotations, MATLAB files, rendered
    own = {offer.component.name for offer in catalog.offers("dataset") if offer.provider.package == "defectbench"}
    assert {reader.name for reader in READERS} == own - without
