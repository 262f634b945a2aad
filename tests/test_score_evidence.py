"""Evidence: zones, rows per class, what is refused, and files."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.errors import DataError, Diverged, StoreError, TrainingError
from bench.score.evidence import Collector, measure
from bench.score.evidence_file import read_evidence, write_evidence
from bench.score.zones import ANY, Truth, zones_of
from score_worlds import defect_probability, noisy, observed, random_mask, two_planes, world


def assert_equal(one, other):
    """Two evidences, or tables of them, are equal field by field, types included."""
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if is_dataclass(a):
            assert_equal(a, b)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(0, 4), low=st.integers(0, 2))
def test_zones_are_scipys_dilation_and_erosion_with_the_square(seed, k, low):
    mask = random_mask(np.random.default_rng(seed), (23, 31))
    truth = ANY if low == 0 else Truth(low, low)
    inside, known = (mask >= truth.low) & (mask <= truth.high), mask != 255
    square = np.ones((2 * k + 1, 2 * k + 1), bool)
    dilated = ndimage.binary_dilation(inside, square)
    eroded = ndimage.binary_erosion(inside | ~known, square, border_value=1)
    zone = zones_of(mask, truth, k)
    np.testing.assert_array_equal((zone[known] >= 1), dilated[known])
    np.testing.assert_array_equal((zone[known] >= 2), inside[known])
    np.testing.assert_array_equal((zone[known] == 3), (eroded & inside)[known])
    assert (zone[~known] >= 4).all()


def test_histograms_hold_every_valid_pixel_of_every_zone_once():
    rng = np.random.default_rng(3)
    mask = random_mask(rng, (41, 57), classes=3)
    counts = measure(("a", "g"), noisy(rng, mask), mask, 3).counts
    for row, truth in enumerate([Truth(1, 1), Truth(2, 2), Truth(3, 3), ANY]):
        zone = zones_of(mask, truth, 2)
        expected = [(zone == z).sum() for z in range(4)]
        assert counts[row].sum(axis=1).tolist() == expected


def test_long_images_are_cut_into_strips_without_a_seam():
    rng = np.random.default_rng(4)
    mask = random_mask(rng, (600, 1000), classes=1)
    for column, end in enumerate(range(255, 270)):  # borders of defects at every offset from the border of a strip
        mask[end - 9 : end, 50 + 20 * column : 60 + 20 * column] = 1
        mask[end : end + 9, 450 + 20 * column : 460 + 20 * column] = 1
    prediction = noisy(rng, mask)
    counts = measure(("a", "g"), prediction, mask, 1).counts[-1]
    zone, p = zones_of(mask, ANY, 2), defect_probability(prediction)
    for z in range(4):
        assert counts[z].sum() == (zone == z).sum()
        assert counts[z, 500:].sum() == (p[zone == z] >= np.float32(0.5)).sum()


def test_rows_of_a_union_model_use_one_minus_background_for_every_class():
    rng = np.random.default_rng(5)
    mask = random_mask(rng)
    prediction = noisy(rng, mask)
    counts, p = measure(("a", "g"), prediction, mask, 2).counts, defect_probability(prediction)
    for c in (1, 2):
        expected = [(p[mask == c] >= np.float32(k / 1000)).sum() for k in (1, 300, 777)]
        assert [int(counts[c - 1, 2:, k:].sum()) for k in (1, 300, 777)] == expected


def test_rows_of_a_model_of_each_class_use_the_probability_of_that_class():
    rng = np.random.default_rng(6)
    mask = random_mask(rng)
    logits = rng.normal(size=(3, *mask.shape))
    prediction = (np.exp(logits) / np.exp(logits).sum(axis=0)).astype(np.float32)
    counts = measure(("a", "g"), prediction, mask, 2).counts
    for c in (1, 2):
        positive = (prediction[c] >= np.float32(0.4)) & (mask != 255)
        assert counts[c - 1, 2:, 400:].sum() == (positive & (mask == c)).sum()
        assert counts[c - 1, :2, 400:].sum() == (positive & (mask != c)).sum()


def test_what_lies_under_ignored_pixels_changes_nothing():
    rng = np.random.default_rng(7)
    mask = random_mask(rng)
    first = noisy(rng, mask)
    second = first.copy()
    second[:, mask == 255] = 1 - second[:, mask == 255]
    assert_equal(measure(("a", "g"), first, mask, 2), measure(("a", "g"), second, mask, 2))


def test_evidence_survives_a_round_trip_through_its_file(tmp_path):
    masks, predictions = world(8)
    evidence = observed(masks, predictions, threshold=333, tolerance=3)
    write_evidence(tmp_path / "test.npz", evidence)
    assert_equal(read_evidence(tmp_path / "test.npz"), evidence)
    assert [path.name for path in tmp_path.iterdir()] == ["test.npz"]


def test_evidence_without_images_or_defects_survives_too(tmp_path):
    for number, evidence in enumerate(
        [observed([], []), observed([np.zeros((4, 5), np.uint8)], [two_planes(np.zeros((4, 5)))])]
    ):
        write_evidence(tmp_path / f"{number}.npz", evidence)
        assert_equal(read_evidence(tmp_path / f"{number}.npz"), evidence)


def test_equal_evidence_gives_equal_bytes(tmp_path):
    for name in ("one", "two"):
        write_evidence(tmp_path / name, observed(*world(9)))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_damaged_file_is_refused_by_name_or_reads_the_same(tmp_path):
    evidence = observed(*world(10, images=1))
    path = tmp_path / "damaged.npz"
    write_evidence(path, evidence)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.choice(len(whole), 120, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            read = read_evidence(path)
        except StoreError as error:
            refused += "damaged.npz" in str(error)
        else:
            assert_equal(read, evidence)  # the byte carries nothing, such as a date
    assert refused > 60


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = tmp_path / "short.npz"
    write_evidence(path, observed(*world(11)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else keep])
    with pytest.raises(StoreError, match=r"short\.npz"):
        read_evidence(path)


def test_missing_evidence_and_another_schema_are_store_errors(tmp_path):
    with pytest.raises(StoreError, match="missing"):
        read_evidence(tmp_path / "none.npz")
    np.savez(tmp_path / "later.npz", head=np.array([99, 2, 0]))
    with pytest.raises(StoreError, match="schema 99"):
        read_evidence(tmp_path / "later.npz")


def test_pickled_objects_are_never_read(tmp_path):
    np.savez(tmp_path / "foreign.npz", head=np.array([1, 2, 0]), ids=np.array([{"a": 1}], object))
    with pytest.raises(StoreError, match="damaged"):
        read_evidence(tmp_path / "foreign.npz")


def test_wrong_input_is_refused_with_the_name_of_the_image():
    mask = np.zeros((8, 9), np.uint8)
    half = two_planes(np.full(mask.shape, 0.5, np.float32))
    collector = Collector(("a", "b", "c"))
    with pytest.raises(TrainingError, match=r"'x'.*float32\[1 \+ classes, 8, 9\]"):
        collector.observe("x", "g", half[:, :7], mask)
    with pytest.raises(TrainingError, match="must give 2"):
        collector.observe("x", "g", np.concatenate([half, half[:1]]), mask)
    with pytest.raises(TrainingError, match=r"'x'.*softmax"):
        collector.observe("x", "g", half * 3, mask)
    with pytest.raises(Diverged, match="'x'"):
        collector.observe("x", "g", half * np.float32("nan"), mask)
    mask[3, 3] = 4
    with pytest.raises(DataError, match="'x' holds 4"):
        collector.observe("x", "g", half, mask)


def test_an_image_scored_twice_is_refused():
    mask = np.zeros((4, 4), np.uint8)
    collector = Collector(("a",))
    for _ in range(2):
        collector.observe("same", "g", two_planes(np.zeros(mask.shape)), mask)
    with pytest.raises(DataError, match="'same' was scored twice"):
        collector.evidence()
