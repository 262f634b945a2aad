"""Coverage figures against counting by hand, crop by crop."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from bench.component import build
from bench.crops.bank import build_bank, open_bank
from bench.crops.coverage import coverage
from crops_worlds import Given, World, world

SIZE = 16


def _strategy(catalog, name, **chosen):
    return build(catalog.find("crop", name).component, SIZE, settings=chosen)


def _coverage(made, strategy, crops=40, seed=5, **asked):
    return coverage(made.index(), made.source(), strategy, SIZE, crops, seed, **asked)


def _noisy(seed=0):
    """Images with many defects of several sizes, ignored pixels, and one image smaller than the crop."""
    generator = np.random.default_rng(seed)
    images, masks = [], []
    for shape in ((40, 50), (33, 64), (10, 30)):
        images.append(generator.integers(0, 40, (*shape, 3)).astype(np.uint8))
        mask = (ndimage.gaussian_filter(generator.random(shape), 1.2) > 0.6).astype(np.uint8)
        mask[generator.random(shape) < 0.02] = 255
        masks.append(mask)
    return World(images, masks)


STRATEGIES = (
    "uniform", "defect-centred", "intensity-bias", "forced-foreground", "positive-negative", "class-ratios",
    "defect-anywhere", "category-limit", "weight-map", "rare-class", "grid", "mixture",
)  # fmt: skip


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_figures_are_those_of_the_crops_of_the_bank(tmp_path, catalog, name):
    made, strategy = _noisy(), _strategy(catalog, name)
    index = made.index()
    build_bank(
        tmp_path / "bank.h5", key="k", index=index, source=made.source(), strategy=strategy,
        size=SIZE, crops=40, seed=5, provenance={},
    )  # fmt: skip
    bank = open_bank(tmp_path / "bank.h5")
    labels = [ndimage.label((m > 0) & (m < 255), np.ones((3, 3)))[0] for m in made.masks]
    areas = [np.bincount(each.ravel())[1:] for each in labels]
    seen = [np.zeros(each.shape, bool) for each in labels]
    whole = [np.zeros(len(each), bool) for each in areas]
    occurrences = cut = 0
    for source, (top, left) in zip(bank.source, bank.corner, strict=True):
        window = slice(top, top + SIZE), slice(left, left + SIZE)
        seen[source][window] = True
        shown = np.bincount(labels[source][window].ravel(), minlength=len(areas[source]) + 1)[1:]
        occurrences += (shown > 0).sum()
        cut += ((shown > 0) & (shown < areas[source])).sum()
        whole[source] |= shown == areas[source]
    defects = sum(map(len, areas))
    hit = sum(len(np.setdiff1d(labels[n][seen[n]], [0])) for n in range(3))
    defect, valid = (bank.mask == 1), (bank.mask != 255)
    thing = (bank.image.astype(float).mean(axis=3) > 20) & valid

    found = _coverage(made, strategy, object_level=20.0)
    assert found.defects == defects
    assert found.smallest_defect == min(each.min() for each in areas)
    assert found.defect_pixels_seen == pytest.approx(
        sum((labels[n][seen[n]] > 0).sum() for n in range(3)) / sum(each.sum() for each in areas)
    )
    assert found.defects_seen == pytest.approx(hit / defects)
    assert found.defects_whole == pytest.approx(sum(map(np.count_nonzero, whole)) / defects)
    assert found.cut == pytest.approx(cut / occurrences)
    assert found.empty == pytest.approx((~defect.any(axis=(1, 2))).mean())
    assert found.positive == pytest.approx(np.mean(defect.sum(axis=(1, 2)) / valid.sum(axis=(1, 2))))
    assert found.with_object == pytest.approx(np.mean(thing.sum(axis=(1, 2)) > 0.25 * valid.sum(axis=(1, 2))))


def test_bias_towards_bright_windows_shows_more_object_than_uniform(catalog):
    biased = _coverage(world(), _strategy(catalog, "intensity-bias", threshold=110), object_level=100.0)
    uniform = _coverage(world(), _strategy(catalog, "uniform"), object_level=100.0)
    assert biased.with_object > uniform.with_object
    assert biased.admissible < 1 == uniform.admissible


def test_images_from_which_no_crop_comes_count_too(catalog):
    found = _coverage(world(), _strategy(catalog, "uniform"), crops=1)
    assert (found.images, found.defects) == (3, 2)
    assert found.admissible == 1.0


def test_centring_on_defects_leaves_no_crop_empty(catalog):
    assert _coverage(world(), _strategy(catalog, "defect-centred")).empty == 0.0


def test_without_defects_shares_of_defects_are_none_not_one(catalog):
    clean = World([np.zeros((20, 20, 1), np.uint8)], [np.zeros((20, 20), np.uint8)])
    found = _coverage(clean, _strategy(catalog, "uniform"))
    assert found.defect_pixels_seen is found.defects_seen is found.defects_whole is found.cut is None
    assert (found.empty, found.positive, found.smallest_defect) == (1.0, 0.0, None)


def test_inert_levels_fallbacks_and_skipped_images_are_told(catalog):
    assert _coverage(world(), _strategy(catalog, "intensity-bias", threshold=0)).inert
    dark = _coverage(world(), _strategy(catalog, "intensity-bias", threshold=250))
    assert (dark.fallback, dark.admissible, dark.inert) == (1.0, 0.0, False)
    wide = Given(lambda image, mask: np.full((image.shape[0] - 15, image.shape[1] - 15), image.shape[1] > 40))
    assert _coverage(world(), wide).skipped == 1


def test_coverage_is_the_same_for_any_number_of_workers_and_plain_json(catalog):
    few, many = (_coverage(_noisy(), _strategy(catalog, "intensity-bias"), workers=n) for n in (1, 3))
    assert few == many
    assert json.loads(json.dumps(few.as_dict(), allow_nan=False)) == few.as_dict()


def test_coverage_imports_no_torch():
    import subprocess
    import sys

    code = "import sys, bench.crops.coverage, bench.crops.bank; print({'torch', 'h5py', 'cv2'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
