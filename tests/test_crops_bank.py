"""A crop bank holds what was drawn, is the same for any number of workers, and is refused when anything is wrong."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.crops import writer
from bench.crops.bank import build_bank, build_tiles, open_bank, verify_bank
from bench.crops.prepare import padded
from bench.errors import DataError, PluginError, StoreError
from crops_worlds import Given, Mixture, World, world

SIZE = 16


def _anywhere(image, mask):
    return np.ones((image.shape[0] - SIZE + 1, image.shape[1] - SIZE + 1), bool)


def _left(image, mask):
    return _anywhere(image, mask) * np.linspace(1, 0, image.shape[1] - SIZE + 1, dtype=np.float32)


MIXED = Mixture([Given(_anywhere, share=0.75), Given(_left, share=0.25)])


def _build(path, made=None, strategy=MIXED, **changed):
    made = made or world()
    asked = {"key": "k", "size": SIZE, "crops": 150, "seed": 5, "provenance": {"suite": "s"}, "workers": 2, **changed}
    build_bank(path, index=made.index(), source=made.source(), strategy=strategy, **asked)
    return made


def _tiles(path, training, validation, **changed):
    asked = {"key": "t", "size": SIZE, "provenance": {}, **changed}
    build_tiles(
        path, training=training.index(), validation=validation.index(), source=Both(training, validation), **asked
    )


class Both:
    """Preprocessed images of two worlds; those of the second are called 'other ...'."""

    chain = ()

    def __init__(self, training, validation):
        self.worlds = training.source(), validation.source()

    def prepared(self, id):
        return self.worlds[id.startswith("other")].prepared(id)


class Other(World):
    """A world of validation images."""

    def records(self):
        return [replace(record, id=f"other {n}", group=f"other {n}") for n, record in enumerate(super().records())]


def _other(seed=9, shapes=((40, 35), (7, 50), (16, 16))):
    made = world(seed, shapes)
    return Other(made.images, made.masks)


def test_every_crop_is_the_window_at_its_corner(tmp_path):
    made = _build(tmp_path / "bank.h5")
    bank = open_bank(tmp_path / "bank.h5")
    assert len(bank) == 150
    assert bank.key == "k"
    for image, mask, source, (top, left) in zip(bank.image, bank.mask, bank.source, bank.corner, strict=True):
        whole = padded(made.source().prepared(bank.ids[source]), SIZE)
        window = slice(top, top + SIZE), slice(left, left + SIZE)
        assert np.array_equal(image, whole.image[window])
        assert np.array_equal(mask, whole.mask[window])


def test_consecutive_slices_of_a_bank_are_balanced(tmp_path):
    _build(tmp_path / "bank.h5")
    bank = open_bank(tmp_path / "bank.h5")
    for start in range(0, 150, 30):
        part = bank.part[start : start + 30]
        assert abs(np.count_nonzero(part) - 7.5) <= 1.5
        assert (np.abs(np.bincount(bank.source[start : start + 30], minlength=3) - 10) <= 3).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_bank_has_the_same_bytes_for_any_number_of_workers(tmp_path, dtype):
    made = world(channels=3)
    made = World([image.astype(dtype) * dtype(1 if dtype is np.uint8 else 257) for image in made.images], made.masks)
    for workers in (1, 3):
        _build(tmp_path / f"{workers}.h5", made, workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()
    assert open_bank(tmp_path / "1.h5").image.dtype == dtype


def test_a_bank_has_the_same_bytes_whenever_it_is_built(tmp_path):
    _build(tmp_path / "now.h5")
    time.sleep(1.1)  # HDF5 can file times in whole seconds
    _build(tmp_path / "later.h5")
    assert (tmp_path / "now.h5").read_bytes() == (tmp_path / "later.h5").read_bytes()


def test_another_reader_of_hdf5_finds_plain_data_sets_under_their_names(tmp_path):
    _build(tmp_path / "bank.h5")
    bank = open_bank(tmp_path / "bank.h5")
    with h5py.File(tmp_path / "bank.h5", "r") as file:
        assert np.array_equal(file["image"][()], bank.image)
        assert file["image"].chunks is None
        assert file["image"].compression is None
        assert file["sources/group"][()].tolist() == [b"part 0", b"part 1", b"part 2"]
        assert file["checksum"].dtype == np.uint64
        assert file.attrs["schema"] == 1


def test_reading_copies_the_rows_asked_for(tmp_path):
    _build(tmp_path / "bank.h5")
    bank = open_bank(tmp_path / "bank.h5")
    rows = np.array([149, 3, 3, 77])
    image, mask = np.empty((4, SIZE, SIZE, 1), np.uint8), np.empty((4, SIZE, SIZE), np.uint8)
    bank.read(rows, image, mask)
    assert np.array_equal(image, bank.image[rows])
    assert np.array_equal(mask, bank.mask[rows])
    for wrong in (150, -1):
        with pytest.raises(IndexError, match="150 crops"):
            bank.read(np.array([0, wrong]), image[:2], mask[:2])


def test_a_bank_cannot_be_changed_through_its_arrays(tmp_path):
    _build(tmp_path / "bank.h5")
    bank = open_bank(tmp_path / "bank.h5")
    assert not bank.image.flags.writeable
    assert not bank.mask.flags.writeable


def test_the_provenance_tells_what_the_strategy_had_to_choose_from(tmp_path, catalog):
    from bench.component import build

    strategy = build(catalog.find("crop", "intensity-bias").component, SIZE, settings={"threshold": 100})
    _build(tmp_path / "bank.h5", strategy=strategy)
    told = open_bank(tmp_path / "bank.h5").provenance
    assert told["suite"] == "s"
    assert 0 < told["draw"]["admissible"] < 1
    assert told["draw"] | {"admissible": 0, "strategy": ""} == {
        "admissible": 0, "strategy": "", "fallback": 0.0, "skipped": [], "inert": False,
    }  # fmt: skip
    assert "threshold=100.0" in told["draw"]["strategy"]


def test_a_quantile_is_fitted_before_the_draw_and_filed(tmp_path, catalog):
    from bench.component import build

    strategy = build(catalog.find("crop", "intensity-bias").component, SIZE, settings={"threshold": {"quantile": 0.75}})
    _build(tmp_path / "bank.h5", strategy=strategy)
    told = open_bank(tmp_path / "bank.h5").provenance["draw"]
    assert told["admissible"] == pytest.approx(0.25, abs=0.01)
    assert "threshold=" in told["strategy"]


def test_the_share_of_fallback_crops_is_counted(tmp_path, catalog):
    from bench.component import build

    made = world()
    dark = World([made.images[0], made.images[1] // 20, made.images[2]], made.masks)
    strategy = build(catalog.find("crop", "intensity-bias").component, SIZE, settings={"threshold": 20})
    _build(tmp_path / "bank.h5", dark, strategy)
    assert open_bank(tmp_path / "bank.h5").provenance["draw"]["fallback"] == pytest.approx(1 / 3)


def test_a_group_that_is_also_in_another_split_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"'part 1'.*another split"):
        _build(tmp_path / "bank.h5", other_groups={"part 1", "part 9"})
    with pytest.raises(DataError, match=r"'part 0' and 2 more.*another split"):
        _tiles(tmp_path / "tiles.h5", world(), world())
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(PluginError):
        _build(tmp_path / "bank.h5", strategy=Given(np.ones((2, 2), bool)))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    usage = writer.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(writer.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(StoreError, match=r"needs 1\.1 MB and its disk has 1\.0 kB; free space"):
        _build(tmp_path / "bank.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_while_writing_is_one_sentence(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer.os, "pwrite", full)
    with pytest.raises(StoreError, match=r"cannot be written.*No space left"):
        _build(tmp_path / "bank.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most", [1_000, 5_000, 30_000])
def test_a_file_that_may_not_grow_is_a_clear_error_and_leaves_nothing(tmp_path, most):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot be written.*File too large"):
            _build(tmp_path / "bank.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("bank") / "bank.h5"
    _build(path)
    assert verify_bank(path) == []
    return path.read_bytes()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), near_end=st.booleans())
def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path, sound, where, bit, near_end):
    damaged = bytearray(sound)
    place = int(where * len(sound)) if not near_end else len(sound) - 1 - int(where * 12000)
    damaged[place] ^= 1 << bit
    path, whole = tmp_path / "damaged.h5", tmp_path / "whole.h5"
    path.write_bytes(damaged)
    whole.write_bytes(sound)
    if verify_bank(path):
        with pytest.raises(StoreError, match=r"damaged\.h5: .*bench cache gc"):
            open_bank(path)
        return
    bank = open_bank(path)
    expected = open_bank(whole)
    for name in ("image", "mask", "source", "corner", "part"):
        assert np.array_equal(getattr(bank, name), getattr(expected, name))
    assert (bank.ids, bank.groups, bank.splits, bank.key) == (
        expected.ids,
        expected.groups,
        expected.splits,
        expected.key,
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_bank_is_refused_before_it_is_mapped(tmp_path, sound, share):
    path = tmp_path / "short.h5"
    path.write_bytes(sound[: int(share * len(sound))])
    with pytest.raises(StoreError, match="bench cache gc"):
        open_bank(path)


def test_every_wrong_crop_is_named(tmp_path, sound):
    bank = tmp_path / "bank.h5"
    bank.write_bytes(sound)
    with h5py.File(bank, "r+") as file:
        file["image"][3, 0, 0, 0] ^= 1
        file["mask"][149, 0, 0] ^= 1
        file["corner"][7, 0] += 1
    tables, first, last = verify_bank(bank)
    assert "tables" in tables
    assert "crop 3 " in first
    assert "crop 149 " in last


@pytest.mark.parametrize("schema", [0, 2, None, "one"])
def test_a_bank_of_another_schema_is_refused(tmp_path, sound, schema):
    path = tmp_path / "foreign.h5"
    path.write_bytes(sound)
    with h5py.File(path, "r+") as file:
        del file.attrs["schema"]
        if schema is not None:
            file.attrs["schema"] = schema
    with pytest.raises(StoreError, match="bench cache gc"):
        open_bank(path)


@pytest.mark.parametrize("content", [b"", b"not HDF5", None])
def test_what_is_no_bank_is_refused(tmp_path, content):
    path = tmp_path / "bank.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=str(path)):
        open_bank(path)


def test_a_killed_writer_leaves_nothing_under_the_name(tmp_path):
    path = tmp_path / "bank.h5"
    script = f"""
        import os, signal, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        import test_crops_bank as here
        from bench.crops import writer
        first = writer._write
        writer._write = lambda *arguments: (first(*arguments), os.kill(os.getpid(), signal.SIGKILL))
        here._build(Path({str(path)!r}))
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, env={**os.environ})
    assert ended.returncode == -signal.SIGKILL
    assert [left.suffix for left in tmp_path.iterdir()] == [".partial"]
    _build(path)
    assert verify_bank(path) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shapes=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=3),
    size=st.sampled_from([8, 16, 17]),
)
def test_every_valid_validation_pixel_is_in_exactly_one_tile(tmp_path, shapes, size):
    made = world(1, shapes)
    for mask in made.masks:
        mask[:] = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), mask.shape)
    validation = Other(made.images, made.masks)
    _tiles(tmp_path / "tiles.h5", world(), validation, size=size)
    tiles = open_bank(tmp_path / "tiles.h5")
    for number, (image, mask) in enumerate(zip(made.images, made.masks, strict=True)):
        seen = np.zeros(mask.shape, int)
        for row in np.flatnonzero(tiles.source == number):
            top, left = tiles.corner[row]
            here = np.argwhere(tiles.mask[row] != 255)
            for down, right in here:
                seen[top + down, left + right] += 1
                assert tiles.mask[row][down, right] == mask[top + down, left + right]
                assert tiles.image[row][down, right] == image[top + down, left + right]
        assert np.array_equal(seen, mask != 255)
    assert set(tiles.splits) == {"validation"}


def test_normalisation_constants_are_those_of_all_training_pixels(tmp_path):
    training = world(3, channels=3)
    made = _other()
    validation = Other([np.repeat(image, 3, axis=2) for image in made.images], made.masks)
    _tiles(tmp_path / "tiles.h5", training, validation)
    tiles = open_bank(tmp_path / "tiles.h5")
    pixels = np.concatenate([image.reshape(-1, 3) for image in training.images]).astype(float)
    assert np.allclose(tiles.mean, pixels.mean(axis=0), rtol=1e-12)
    assert np.allclose(tiles.std, pixels.std(axis=0), rtol=1e-12)


def test_a_constant_channel_has_deviation_one_not_zero(tmp_path):
    flat = World([np.full((20, 20, 1), 7, np.uint8)], [np.zeros((20, 20), np.uint8)])
    _tiles(tmp_path / "tiles.h5", flat, _other())
    tiles = open_bank(tmp_path / "tiles.h5")
    assert (tiles.mean.tolist(), tiles.std.tolist()) == ([7.0], [1.0])


def test_tiles_have_the_same_bytes_for_any_number_of_workers(tmp_path):
    for workers in (1, 3):
        _tiles(tmp_path / f"{workers}.h5", world(), _other(), workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()


def test_images_of_other_channels_after_preprocessing_are_refused(tmp_path):
    made = world()

    def uneven(image):
        return image if image.shape[1] > 40 else np.repeat(image, 3, axis=2)

    with pytest.raises(DataError, match=r"3 channels.*others have 1|1 channel of.*others have 3"):
        build_bank(
            tmp_path / "bank.h5", key="k", index=made.index(), source=made.source(uneven), strategy=MIXED,
            size=SIZE, crops=50, seed=0, provenance={},
        )  # fmt: skip


def test_progress_ends_at_its_total(tmp_path):
    told = []
    _build(tmp_path / "bank.h5", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
