"""All 1000 thresholds of 20 megapixels: our histogram, scikit-learn, and one pass over the same bytes, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.metrics import precision_recall_curve
from torchmetrics.functional.classification import binary_precision_recall_curve

from bench.score.evidence import bins_of, measure
from bench.score.objects import LEVELS, predicted_components
from bench.score.zones import ANY, histogram

SHAPE = (4000, 5000)
MEGAPIXELS = SHAPE[0] * SHAPE[1] / 1e6
SUBSET = 1_000_000
"""Pixels for peers that sort: fewer pixels are cheaper each, so the comparison favours them."""
PEERS = ("scikit_learn", "torchmetrics")
ROUNDS = 7


def smooth_noise(rng: np.random.Generator) -> np.ndarray:
    """Standard normal noise with the grain of a defect, ``float32[H, W]``."""
    coarse = rng.standard_normal((SHAPE[0] // 10, SHAPE[1] // 10), dtype=np.float32)
    fine = ndimage.zoom(ndimage.gaussian_filter(coarse, 2), 10, order=1)
    return (fine / fine.std()).astype(np.float32)


def predictions(kind: str) -> np.ndarray:
    """Probabilities ``float32[H, W]``: of a sure model (most background below 0.001), an unsure one, smooth or grainy,
    or noise."""
    rng = np.random.default_rng(0)
    if kind == "noise":
        return rng.random(SHAPE, dtype=np.float32)
    logits = 4 * smooth_noise(rng) - (18 if kind == "sure" else 6)
    if kind == "grainy":
        logits += 0.5 * rng.standard_normal(SHAPE, dtype=np.float32)
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def truth(defects: int = 12) -> np.ndarray:
    """A mask with defects of 40 by 200 pixels here and there, 0.5 percent of all pixels, and a band of ignored ones."""
    mask, rng = np.zeros(SHAPE, np.uint8), np.random.default_rng(1)
    for top, left in zip(rng.integers(0, 3900, defects), rng.integers(8, 4800, defects), strict=True):
        mask[top : top + 40, left : left + 200] = 1
    mask[:, :8] = 255
    return mask


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_bytes_per_pixel(work: Callable[[], object]) -> float | None:
    """Resident memory that the work adds at its peak, per pixel; None where the kernel does not tell."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    before = status("VmRSS")
    work()
    return max(0, status("VmHWM") - before) * 1024 / (MEGAPIXELS * 1e6)


def status(field: str) -> int:
    """A line of the process status, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


@pytest.mark.parametrize("kind", ["sure", "unsure", "noise"])
def test_threshold_sweep(benchmark, kind, report):
    p, mask = predictions(kind), truth()
    flat, true = p.reshape(-1)[:SUBSET], mask.reshape(-1)[:SUBSET] == 1
    halves = [(p[rows], mask[rows]) for rows in (slice(0, 2000), slice(2000, 4000))]

    def ours():
        return histogram(p, mask, ANY, 2, complement=False)

    def two_threads():
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda half: histogram(*half, ANY, 2, complement=False), halves))

    works = {
        "ours": ours,
        "two_threads": two_threads,
        "one_pass": lambda: np.sum(p),
        "scikit_learn": lambda: precision_recall_curve(true, flat),
        "torchmetrics": lambda: binary_precision_recall_curve(torch.from_numpy(flat), torch.from_numpy(true).long()),
    }
    ours()  # compile, or read the compiled code
    extra = peak_bytes_per_pixel(ours)
    taken = {name: [] for name in works}
    for number in range(ROUNDS):  # interleaved, so that a busy moment meets all of them
        for name, work in works.items():
            if name not in PEERS or number < 3:
                taken[name].append(seconds(work))
    speed = {name: MEGAPIXELS / median(times) for name, times in taken.items()}
    for name in PEERS:
        speed[name] *= SUBSET / (MEGAPIXELS * 1e6)
    report(
        f"threshold sweep, {kind}",
        megapixels_per_s=speed["ours"],
        megapixels_per_s_two_threads=speed["two_threads"],
        times_scikit_learn=speed["ours"] / speed["scikit_learn"],
        times_torchmetrics=speed["ours"] / speed["torchmetrics"],
        share_of_one_pass=speed["ours"] / speed["one_pass"],
        extra_bytes_per_pixel=extra,
    )
    assert benchmark.pedantic(ours, rounds=3).sum() == (mask != 255).sum()


@pytest.mark.parametrize("kind", ["sure", "unsure", "grainy", "noise"])
def test_whole_evidence_of_an_image(benchmark, kind, report):
    p, mask = predictions(kind)[:2048, :2448], truth()[:2048, :2448]
    planes, mask = np.stack([1 - p, p]), np.ascontiguousarray(mask)
    bins = bins_of(planes[0])
    works = {
        "ours": lambda: measure(("a", "g"), planes, mask, 5),
        "components": lambda: predicted_components(mask, bins, LEVELS),
        "scipy": lambda: ndimage.label(bins >= 500, np.ones((3, 3))),
        "one_pass": lambda: np.sum(p),
    }
    taken = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            taken[name].append(seconds(work))
    speed = {name: mask.size / 1e6 / median(times[1:]) for name, times in taken.items()}
    report(
        f"evidence of five classes, {kind}",
        megapixels_per_s=speed["ours"],
        megapixels_per_s_components=speed["components"],
        share_of_one_pass=speed["ours"] / speed["one_pass"],
        components_times_one_labelling_of_scipy=speed["components"] / speed["scipy"],
    )
    measured = benchmark.pedantic(works["ours"], rounds=3)
    assert measured.counts.sum() == 6 * (mask != 255).sum()
