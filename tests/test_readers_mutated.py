"""Damaged files give one clear line that names them, or a correct result; never a traceback, never a wrong mask.

Every reader reads its own miniature after one file, or two, went wrong. What it returns is compared with what the files
hold, decoded here without the reader; what it refuses must be refused in one line that names a file concerned.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bench.catalog import Catalog
from bench.component import build
from bench.errors import BenchError, DataError
from bench.obtain.get import import_dataset
from bench.store.home import Places
from bench.suite.schema import Ref
from bench.types import Dataset, Mask, Record, Sample
from decoders import TRUTHS, decoded_image
from mutations import ARCHIVE_MUTATIONS, MUTATIONS, Mutation

SEEDS = range(3)
"""Places that each mutation hits in each miniature."""
READERS = tuple(TRUTHS)

Contents = Mapping[str, tuple[Record, Sample]]


@dataclass(frozen=True)
class World:
    """A miniature, its reader, and what that reads before anything is damaged."""

    root: Path
    opened: Callable[[Path], Dataset]
    contents: Contents


def contents_of(dataset: Dataset) -> Contents:
    return {record.id: (record, dataset.load(record.id)) for record in dataset.records()}


@pytest.fixture(scope="module")
def worlds(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, World]:
    def world(name: str) -> World:
        component = catalog.find("dataset", name).component
        root = tmp_path_factory.mktemp(name)
        assert component.example is not None
        component.example(root)
        for path in [path for path in root.rglob("*") if path.is_file() and TRUTHS[name].unread(path)]:
            path.unlink()

        def opened(folder: Path) -> Dataset:
            dataset: Dataset = build(component, folder, settings=TRUTHS[name].settings)
            return dataset

        return World(root, opened, contents_of(opened(root)))

    return {name: world(name) for name in READERS}


def judged(world: World, root: Path, hit: Collection[Path], truth: Callable[[Path, Record], Mask]) -> str | None:
    """What is wrong with how a reader takes a damaged copy; None where nothing is."""
    try:
        found = contents_of(world.opened(root))
    except BenchError as error:
        return complaint(str(error), hit)
    except Exception as error:
        return f"a traceback: {type(error).__name__}: {error}"
    hit = set(hit)
    for id in world.contents.keys() - found.keys():
        if not hit & {root / path.relative_to(world.root) for path in world.contents[id][0].files}:
            return f"image {id} is lost, though none of its files was touched"
    for id, (record, sample) in found.items():
        if not np.array_equal(sample.mask, truth(root, record)):
            return f"a wrong mask of {id}"
        if not np.array_equal(sample.image, decoded_image(record.files[0], sample.image.shape[2])):
            return f"a wrong image of {id}"
    return None


def complaint(message: str, hit: Iterable[Path]) -> str | None:
    """What is wrong with a message: several lines, or none of the files concerned (or a partner) named."""
    if "\n" in message:
        return f"a message of several lines: {message}"
    if any(path.name in message or path.stem.removesuffix(" (copy)") in message for path in hit):
        return None
    return f"a message that names no file concerned: {message}"


@pytest.mark.sampled("name", "mutation", each=2)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_named_or_read_correctly(
    worlds: Mapping[str, World], tmp_path: Path, name: str, mutation: Mutation
) -> None:
    world = worlds[name]
    for seed in SEEDS:
        root = Path(shutil.copytree(world.root, tmp_path / str(seed)))
        hit = mutation(root, np.random.default_rng([seed, len(name), len(mutation.__name__)]))
        wrong = judged(world, root, hit, TRUTHS[name].mask)
        assert wrong is None, f"seed {seed}, {[str(path.relative_to(root)) for path in hit]}: {wrong}"


@pytest.mark.parametrize("mutation", ARCHIVE_MUTATIONS, ids=lambda mutation: mutation.__name__)
@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_damaged_archives_are_refused_by_name_or_imported_whole(
    worlds: Mapping[str, World], catalog: Catalog, tmp_path: Path, form: str, mutation: Mutation
) -> None:
    world = worlds["dagm"]
    packed = Path(shutil.make_archive(str(tmp_path / "release"), form, world.root))
    for seed in SEEDS:
        archive = tmp_path / f"{seed}" / packed.name
        archive.parent.mkdir()
        shutil.copy(packed, archive)
        hit = mutation(archive.parent, np.random.default_rng([seed, len(form)]))
        places = Places(tmp_path / f"home{seed}", tmp_path / "runs", {})
        refused = refusal(catalog, places, archive)
        assert (refused is None) == places.root("dagm").exists()
        assert refused is None or complaint(refused, hit) is None
        if refused is None:
            assert judged(world, places.root("dagm"), hit, TRUTHS["dagm"].mask) is None
            assert contents_of(world.opened(places.root("dagm"))).keys() == world.contents.keys()


def refusal(catalog: Catalog, places: Places, archive: Path) -> str | None:
    """The message with which an archive is refused; None where it was imported."""
    try:
        import_dataset(catalog, Ref(use="dagm"), places, [archive], lambda *_: None)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", READERS)
def test_an_untouched_miniature_is_read_as_its_files_say(
    worlds: Mapping[str, World], tmp_path: Path, name: str
) -> None:
    assert judged(worlds[name], worlds[name].root, (), TRUTHS[name].mask) is None
    assert worlds[name].contents


def test_every_reader_of_files_is_tried(catalog: Catalog) -> None:
    examples = {offer.component.name for offer in catalog.offers("dataset") if offer.component.example}
    own = {offer.component.name for offer in catalog.offers("dataset") if offer.provider.package == "defectbench"}
    assert examples & own - {"mtd-leaky"} == set(READERS)


def test_at_least_five_hundred_inputs_are_mutated() -> None:
    assert len(READERS) * len(MUTATIONS) * len(SEEDS) >= 500
