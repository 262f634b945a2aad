"""The case of names does not matter: a file or folder renamed to capitals is read as before, never lost or left out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.catalog import Catalog
from bench.component import build
from bench.errors import DataError
from bench.types import Dataset, Mask

READERS: Mapping[str, Mapping[str, Any]] = {
    "mtd": {},
    "mtd-leaky": {},
    "dagm": {},
    "ksdd": {},
    "ksdd2": {},
    "severstal": {},
    "neu-seg": {},
    "mvtec-ad": {"good": "all"},
    "crackforest": {},
    "csem-misd": {"illuminations": [101, 905], "outside": "ignore", "clean": "empty"},
}
KINDS = 2
"""Files renamed of every kind, which is the folder's name and the file's name without its digits."""


class World:
    """A miniature and its reader."""

    def __init__(self, catalog: Catalog, name: str, root: Path) -> None:
        self.component = catalog.find("dataset", name).component
        self.name, self.root = name, root
        assert self.component.example is not None
        self.component.example(root)
        self.before = self.masks(root)

    def opened(self, root: Path, **settings: Any) -> Dataset:
        dataset: Dataset = build(self.component, root, settings={**READERS[self.name], **settings})
        return dataset

    def masks(self, root: Path, **settings: Any) -> dict[str, Mask]:
        dataset = self.opened(root, **settings)
        return {record.id: dataset.load(record.id).mask for record in dataset.records()}


@pytest.fixture(scope="module", params=READERS)
def world(request: pytest.FixtureRequest, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(catalog, request.param, tmp_path_factory.mktemp(request.param))


def of_every_kind(root: Path) -> list[Path]:
    """Some files of every kind."""
    kinds: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = "".join(letter for letter in path.name if not letter.isdigit())
        kinds.setdefault((path.parent.name, name), []).append(path)
    return [path for paths in kinds.values() for path in paths[:: max(1, len(paths) // KINDS)][:KINDS]]


def same(first: Mapping[str, Mask], second: Mapping[str, Mask]) -> bool:
    return list(first) == list(second) and all(np.array_equal(first[id], second[id]) for id in first)


def with_capitals(path: Path) -> Path:
    """The same name in the other case: capitals, or small letters where it has nothing but capitals."""
    return path.with_name(path.name.upper() if path.name != path.name.upper() else path.name.lower())


@pytest.mark.parametrize("part", ["suffix", "name"])
def test_files_in_capitals_lose_no_image_and_change_no_mask(world: World, part: str, tmp_path: Path) -> None:
    """Every kind of file at once, then each kind of suffix alone, so that partners differ in case."""
    chosen = [path.relative_to(world.root) for path in of_every_kind(world.root)]
    suffixes = sorted({path.suffix for path in chosen})
    for hit in [chosen, *([path for path in chosen if path.suffix == suffix] for suffix in suffixes)]:
        copy = Path(shutil.copytree(world.root, tmp_path / "copy", copy_function=os.link))
        for path in hit:
            file = copy / path
            file.rename(file.with_suffix(file.suffix.swapcase()) if part == "suffix" else with_capitals(file))
        assert same(world.masks(copy), world.before), hit
        shutil.rmtree(copy)


def test_every_file_in_capitals_loses_no_image_and_changes_no_mask(world: World, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(world.root, tmp_path / "copy", copy_function=os.link))
    for path in [path for path in copy.rglob("*") if path.is_file()]:
        path.rename(path.with_suffix(path.suffix.swapcase()))
    assert same(world.masks(copy), world.before)


def test_folders_in_the_other_case_lose_no_image_and_change_no_mask(world: World, tmp_path: Path) -> None:
    """Folders of samples, whose names are numbers, have no case."""
    copy = Path(shutil.copytree(world.root, tmp_path / "copy", copy_function=os.link))
    folders = [path for path in copy.rglob("*") if path.is_dir()]
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        folder.rename(folder.with_name(folder.name.swapcase()))
    assert same(world.masks(copy), world.before)


def test_files_that_differ_in_case_alone_are_refused_naming_both(world: World, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(world.root, tmp_path / "copy", copy_function=os.link))
    file = world.opened(copy).records()[0].files[0]
    twin = file.with_suffix(file.suffix.swapcase())
    if twin.exists():
        pytest.skip("this file system does not tell capitals apart")
    shutil.copy(file, twin)
    with pytest.raises(DataError, match="beside it stands for the same") as refused:
        world.opened(copy).records()
    assert file.name in str(refused.value)
    assert twin.name in str(refused.value)


def test_a_mask_image_in_capitals_is_not_taken_for_a_clean_steel(catalog: Catalog, tmp_path: Path) -> None:
    from bench.images import write_png

    steel = World(catalog, "severstal", tmp_path)
    defective = [id for id, mask in steel.before.items() if len(np.unique(mask)) == 2]
    for id in defective:
        kind = int(steel.before[id].max())
        write_png(tmp_path / "masks" / f"{id}_{kind}.png", (steel.before[id] > 0).astype(np.uint8) * np.uint8(255))
    hit = tmp_path / "masks" / f"{defective[0]}_{int(steel.before[defective[0]].max())}.png"
    hit.rename(hit.with_suffix(".PNG"))
    found = steel.masks(tmp_path, masks="masks")
    assert all(np.array_equal(found[id], steel.before[id]) for id in defective)


@pytest.mark.parametrize(("name", "parts"), [("dagm", 10), ("mvtec-ad", 15), ("csem-misd", 3)])
def test_parts_may_lie_in_a_folder_of_their_own_name_once_more(
    catalog: Catalog, tmp_path: Path, name: str, parts: int
) -> None:
    world = World(catalog, name, tmp_path / "release")
    folders = sorted(path for path in world.root.iterdir() if path.is_dir())
    assert len(folders) == parts
    for folder in folders:
        inner = folder.rename(folder.with_name("moved"))
        folder.mkdir()
        inner.rename(folder / folder.name)
    assert same(world.masks(world.root), world.before)
    assert same(world.masks(tmp_path), world.before)
    shutil.copytree(folders[0] / folders[0].name, folders[0], dirs_exist_ok=True)
    with pytest.raises(DataError, match="holds it again; remove one of them"):
        world.opened(world.root).records()


def test_a_category_without_its_test_images_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    world = World(catalog, "mvtec-ad", tmp_path)
    shutil.rmtree(tmp_path / "cable" / "test")
    with pytest.raises(DataError, match="cable: ground_truth without a folder test"):
        world.opened(tmp_path).records()


def test_the_release_of_neu_seg_names_no_splits_as_each_layout_has_its_own(catalog: Catalog) -> None:
    release = catalog.find("dataset", "neu-seg").component.release
    assert release is not None
    assert release.splits == ()
    assert release.images == 4470
