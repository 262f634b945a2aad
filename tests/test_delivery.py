"""A bank and a draw beside the image store give the same crops, to the bit, however they are delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.crops.bank import Bank, build_bank, build_tiles, open_bank
from bench.crops.cuts import Cuts, build_draw, build_tile_positions, open_cuts, verify_draw
from bench.crops.images import build_images, open_images
from bench.errors import StoreError
from bench.train import delivery
from bench.train.delivery import Delivery, Mapped, Streamed, deliver, in_order
from bench.train.resident import ResidentBank, ResidentImages, resident_bytes
from bench.types import Record
from crops_worlds import Given, Mixture, World, world
from sampling import whole_run
from tiny import bench, write_world

CPU = torch.device("cpu")
WORLDS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stacked(image: Any) -> Any:
    """A step that makes three times as many channels, so that the guide is another image."""
    return np.concatenate([image, image // 2, image // 4], axis=2)


def wide(image: Any) -> Any:
    """A step to 16 bits."""
    return image.astype(np.uint16) * 200


class Halves(World):
    """A world of which one half is for validation."""

    def records(self) -> list[Record]:
        half = len(self.images) // 2
        return [replace(r, split="train" if n < half else "validation") for n, r in enumerate(super().records())]


def everywhere(size: int) -> Any:
    """Positions of a part that admits all."""
    return lambda image, mask: np.ones((image.shape[0] - size + 1, image.shape[1] - size + 1), bool)


def brighter(size: int) -> Any:
    """Positions of a part that is weighted by what it sees of the guide."""
    return lambda image, mask: image[: image.shape[0] - size + 1, : image.shape[1] - size + 1, 0].astype(np.float32) + 1


def mixture(size: int) -> Mixture:
    """A strategy of both."""
    return Mixture([Given(everywhere(size), share=0.75), Given(brighter(size), share=0.25)])


def both_forms(folder: Path, made: World, chain: list[Any], size: int, crops: int) -> Iterator[tuple[Bank, Cuts]]:
    """The crops of a world as a bank made by decoding and as a draw beside the image store, then its tiles likewise."""
    index, decoded = made.index(), made.source(*chain)
    build_images(folder / "images.h5", key="i", index=index, source=decoded, provenance={})
    images = open_images(folder / "images.h5")
    halves = (
        replace(index, entries=tuple(e for e in index.entries if e.official == split))
        for split in ("train", "validation")
    )
    training, validation = halves
    strategy = mixture(size)
    drawing = {
        "index": training, "strategy": strategy, "size": size, "crops": crops, "seed": 3, "provenance": {},
    }  # fmt: skip
    build_bank(folder / "bank.h5", key="c", source=decoded, **drawing)
    build_bank(folder / "other.h5", key="c", source=images, **drawing)
    build_draw(folder / "draw.h5", key="c", source=images, **drawing)
    yield open_bank(folder / "bank.h5"), open_cuts(folder / "draw.h5", images)
    assert (folder / "bank.h5").read_bytes() == (folder / "other.h5").read_bytes()
    laying = {"training": training, "validation": validation, "size": size, "provenance": {}}
    build_tiles(folder / "tiles.h5", key="t", source=decoded, **laying)
    build_tile_positions(folder / "grid.h5", key="t", source=images, **laying)
    yield open_bank(folder / "tiles.h5"), open_cuts(folder / "grid.h5", images)


def delivered(form: Delivery, rows: list[Any]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """All batches, none of which may be changed by a later one."""
    return list(form.batches(rows))


@WORLDS
@given(
    shapes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=2, max_size=5),
    channels=st.sampled_from([1, 3, 5]),
    chain=st.lists(st.sampled_from([stacked, wide]), max_size=2, unique=True),
    size=st.sampled_from([1, 8, 16, 17]),
    seed=st.integers(0, 99),
)
def test_every_form_delivers_the_same_batches(
    tmp_path: Path, shapes: list[tuple[int, int]], channels: int, chain: list[Any], size: int, seed: int
) -> None:
    made = world(seed, shapes, channels)
    for bank, cuts in both_forms(tmp_path, Halves(made.images, made.masks), chain, size, 20):
        assert len(bank) == len(cuts)
        assert (bank.size, bank.format) == (cuts.size, cuts.format)
        assert np.array_equal(bank.source, cuts.tables.source)
        assert np.array_equal(bank.corner, cuts.tables.corner)
        assert np.array_equal(bank.part, cuts.tables.part)
        assert bank.mean is None or np.array_equal(bank.mean, cuts.mean)
        assert bank.std is None or np.array_equal(bank.std, cuts.std)
        rows = [*in_order(len(bank), 7), np.random.default_rng(seed).integers(0, len(bank), 11)]
        expected = [(bank.image[batch], bank.mask[batch]) for batch in rows]
        forms: list[Delivery] = [
            Mapped(bank), Mapped(cuts), Streamed(bank, CPU), Streamed(cuts, CPU), ResidentBank.of(bank, CPU),
            ResidentImages.of(cuts, CPU),
        ]  # fmt: skip
        for form in forms:
            assert len(form) == len(bank)
            for (image, mask), (images, masks) in zip(expected, delivered(form, rows), strict=True):
                assert images.numpy().dtype == image.dtype
                assert np.array_equal(images.numpy(), image)
                assert np.array_equal(masks.numpy(), mask)


def test_a_processor_reads_from_the_map(tmp_path: Path) -> None:
    made = world(channels=3)
    ((_, cuts), _) = both_forms(tmp_path, Halves(made.images, made.masks), [], 8, 5)
    assert isinstance(deliver(cuts, CPU), Mapped)


def test_a_device_holds_crops_that_fit_in_half_of_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(channels=3)
    ((bank, cuts), _) = both_forms(tmp_path, Halves(made.images, made.masks), [wide], 8, 5)
    nowhere = torch.device("meta")  # neither a processor nor a GPU: nothing is copied to it
    for crops, form in ((bank, ResidentBank), (cuts, ResidentImages)):
        for free, expected in ((2 * resident_bytes(crops), form), (2 * resident_bytes(crops) - 1, Streamed)):
            monkeypatch.setattr(delivery, "free_bytes", lambda _, free=free: free)
            assert isinstance(deliver(crops, nowhere), expected)


def test_a_row_that_is_not_there_is_refused(tmp_path: Path) -> None:
    made = world()
    ((_, cuts), _) = both_forms(tmp_path, Halves(made.images, made.masks), [], 8, 5)
    images, masks = np.empty((1, 8, 8, 1), np.uint8), np.empty((1, 8, 8), np.uint8)
    for wrong in (5, -1):
        with pytest.raises(IndexError, match="5 crops"):
            cuts.read(np.array([wrong]), images, masks)


def test_a_damaged_draw_or_image_is_refused(tmp_path: Path) -> None:
    made = world()
    ((_, _), _) = both_forms(tmp_path, Halves(made.images, made.masks), [], 8, 5)
    assert verify_draw(tmp_path / "draw.h5") == []
    with h5py.File(tmp_path / "images.h5", "r+") as file:
        file["image"][0] ^= 1
    with pytest.raises(StoreError, match=r"'image 0'.*bench cache gc"):
        open_cuts(tmp_path / "draw.h5", open_images(tmp_path / "images.h5"))
    with h5py.File(tmp_path / "draw.h5", "r+") as file:
        file["corner"][0, 0] += 1
    assert len(verify_draw(tmp_path / "draw.h5")) == 1
    with pytest.raises(StoreError, match="bench cache gc"):
        open_cuts(tmp_path / "draw.h5", open_images(tmp_path / "images.h5"))


def records(folder: Path) -> dict[str, Any]:
    """Records of a run without what was only timed."""
    found = {}
    for path in (folder / "runs" / "tiny" / "cells").glob("*.json"):
        record = json.loads(path.read_text())
        found[path.stem] = {key: value for key, value in record.items() if key not in ("cost", "provenance", "digest")}
    return found


SHORT = ("run", "tiny.yaml", "--plugin", "models.py", "-x", "recipe.epochs=1", "-x", "axes.preprocess=[none, stretch]")


@whole_run
def test_boards_are_equal_and_what_is_on_disk_in_another_form_serves(tmp_path: Path) -> None:
    ran = {}
    for chosen, kept in (("images", "draw.h5"), ("crops", "crops.h5"), ("auto", "crops.h5")):
        folder = tmp_path / chosen
        write_world(folder)
        assert bench(folder, *SHORT, "-x", f"runtime.delivery={chosen}").returncode == 0
        stages = folder / "home" / "stages"
        assert {path.name for path in stages.glob("crops/[!.]*/*.h5")} == {kept}
        assert bool(list(stages.glob("images/[!.]*/images.h5"))) == (chosen != "crops")
        assert bench(folder, "cache", "verify").returncode == 0
        ran[chosen] = records(folder)
    assert ran["images"] == ran["crops"] == ran["auto"]
    for first, other in (("images", "crops"), ("crops", "images")):
        folder = tmp_path / first
        for path in (folder / "runs" / "tiny" / "cells").glob("*.json"):
            path.unlink()
        for path in (folder / "home" / "stages").glob("*/[!.]*/stage.json"):
            if path.parent.parent.name in ("images", "train", "predict"):
                path.unlink()
        assert bench(folder, *SHORT, "-x", f"runtime.delivery={other}").returncode == 0
        assert records(folder) == ran[first]
