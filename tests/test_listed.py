"""A table of images and masks as a data set: what it reads, and every refusal by its row or file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.api import DataError, write_png
from bench.catalog import Catalog
from bench.component import build
from bench.types import Dataset

Opened = Callable[..., Dataset]


@pytest.fixture
def opened(catalog: Catalog, tmp_path: Path) -> Opened:
    """Write a table over three images and two masks, and build the component on its folder."""
    for name in ("a", "b", "c"):
        write_png(tmp_path / "photos" / f"{name}.png", np.full((4, 5, 1), 90, np.uint8))
    write_png(tmp_path / "drawn" / "1.png", np.full((4, 5), 255, np.uint8))
    write_png(tmp_path / "drawn" / "2.png", np.full((4, 5), 1, np.uint8))

    def build_on(*rows: str, header: str = "id,image,mask,group", **settings: object) -> Dataset:
        (tmp_path / "pairs.csv").write_text("\n".join((header, *rows)) + "\n")
        component = catalog.find("dataset", "listed").component
        dataset: Dataset = build(component, tmp_path, settings=settings)  # type: ignore[arg-type]
        return dataset

    return build_on


def test_rows_are_images_with_their_masks_groups_and_splits(opened: Opened, tmp_path: Path) -> None:
    dataset = opened(
        "x,photos/a.png,drawn/1.png,p1,train",
        f"y,{tmp_path / 'photos' / 'b.png'},,,test",
        header="id,image,mask,group,split",
    )
    assert [(record.id, record.group, record.split, len(record.files)) for record in dataset.records()] == [
        ("x", "p1", "train", 3),
        ("y", "y", "test", 2),
    ]
    assert (dataset.load("x").mask == 1).all()
    assert not dataset.load("y").mask.any()


def test_values_of_masks_mean_what_the_settings_of_folder_say(opened: Opened) -> None:
    assert (opened("x,photos/a.png,drawn/2.png,", mask_threshold=1).load("x").mask == 1).all()
    with pytest.raises(DataError, match="every pixel of it is 1"):
        opened("x,photos/a.png,drawn/2.png,").load("x")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (("x,photos/a.png,drawn/9.png,",), r"drawn/9\.png: the file is missing, and .*pairs\.csv lists it"),
        (("x,photos/a.png,,", "x,photos/b.png,,"), r"pairs\.csv:3: the id 'x' stands here twice"),
        (("x,photos/a.png,,", "y,photos/a.png,,"), r"pairs\.csv:3: a\.png stands in .*pairs\.csv:2 already"),
        (("x,,,",), r"pairs\.csv:2: a row needs an id and an image"),
        ((), r"pairs\.csv: lists no image; add a row"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_by_its_place(opened: Opened, rows: tuple[str, ...], told: str) -> None:
    with pytest.raises(DataError, match=told):
        opened(*rows).records()


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        (("train", "best"), r":3: 'best' is no split; write train, validation, test"),
        (("train", ""), "'y' has no split"),
    ],
)
def test_splits_are_named_for_all_images_or_for_none(opened: Opened, splits: tuple[str, str], told: str) -> None:
    rows = (f"x,photos/a.png,,{splits[0]}", f"y,photos/b.png,,{splits[1]}")
    with pytest.raises(DataError, match=told):
        opened(*rows, header="id,image,mask,split").records()


def test_a_missing_table_is_named(catalog: Catalog, tmp_path: Path) -> None:
    dataset: Dataset = build(catalog.find("dataset", "listed").component, tmp_path, settings={})
    with pytest.raises(DataError, match=r"pairs\.csv: the file is missing"):
        dataset.records()
