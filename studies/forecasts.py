"""How true forecasts are: ten varied suites, each foreseen from a pilot and then run, in a store of its own.

``python -m studies.forecasts --into docs/performance.md`` runs all of them, about two minutes each on two cores, and
writes the table between the markers of that file; names of suites run these alone and print their rows. Machines
drift and are shared: the reference load of ``bench perf`` is timed alone before the pilot, between pilot and run, and
after the run, and the forecast is corrected by the ratio of what it took around the run to what it took around the
pilot.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.catalog import load_catalog
from bench.engine.forecast import forecast
from bench.engine.invocation import Invocation, make_plan
from bench.engine.rates import rates_of
from bench.engine.workers import environments_of
from bench.images import write_png
from bench.perf.reference import Reference
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from studies.tables import table_of, tell

HEAD = ("suite", "cells", "workers", "foreseen", "corrected", "took", "error", "memory foreseen", "used", "error")
LOAD_S, LOAD_TIMES = 5.0, 50
"""Seconds of one timing of the reference load, and how many in a row are timed at once."""


@dataclass(frozen=True)
class Study:
    """A suite on images that are made up: how many of which height and width, and what is asked."""

    name: str
    images: int
    side: tuple[int, int]
    axes: Mapping[str, Any]
    recipe: Mapping[str, Any]
    runtime: Mapping[str, Any] = field(default_factory=dict)
    channels: int = 1

    def suite(self) -> dict[str, Any]:
        """The suite file."""
        axes = {"dataset": ["folder"], "crop": ["uniform"], **self.axes}
        recipe = {"precision": "float32", "warmup_steps": 5, **self.recipe}
        suite = {"name": self.name, "data": {"folder": "parts"}, "axes": axes, "recipe": recipe}
        return {**suite, "runtime": dict(self.runtime)}


UNET = {"use": "unet", "settings": {"encoder": "resnet10t", "depth": 4, "decoder": "light"}}
DILATED = {"encoder": "resnet10t", "depth": 4, "output_stride": 8}
FCN = {"use": "fcn", "settings": DILATED}
DEEPLAB = {"use": "deeplabv3", "settings": {**DILATED, "aspp": 32, "rates": [2, 4, 6]}}
LARGE_UNET = {"use": "unet", "settings": {"encoder": "resnet18"}}

STUDIES = (
    Study("light U-Net, colour", 24, (320, 200), {"crop_size": [128], "model": [UNET]},
          {"epochs": 9, "epoch_crops": 160, "batch": 8, "validate_every": 2}, {"workers": 1}, channels=3),
    Study("two seeds, two workers", 24, (256, 256), {"crop_size": [128], "model": [FCN], "seed": [0, 1]},
          {"epochs": 10, "epoch_crops": 160, "batch": 8, "validate_every": 1}, {"workers": 2}),
    Study("small crops", 30, (224, 224), {"crop_size": [64], "model": [DEEPLAB, UNET]},
          {"epochs": 9, "epoch_crops": 320, "batch": 16, "validate_every": 3}, {"workers": 1}),
    Study("U-Net ResNet-18", 16, (200, 300), {"crop_size": [128], "model": [LARGE_UNET]},
          {"epochs": 8, "epoch_crops": 60, "batch": 4, "validate_every": 2}, {"workers": 1}),
    Study("strategies by models", 24, (200, 200),
          {"crop": ["uniform", "defect-centred", "intensity-bias"], "crop_size": [96], "model": [FCN, UNET]},
          {"epochs": 7, "epoch_crops": 96, "batch": 8, "validate_every": 2}, {"workers": 2}),
    Study("pretraining", 24, (224, 224),
          {"crop_size": [96], "model": [FCN], "pretrain": ["none", {"dataset": "folder", "recipe": {"epochs": 12}}]},
          {"epochs": 6, "epoch_crops": 128, "batch": 8, "validate_every": 1}, {"workers": 2}),
    Study("large images", 10, (2000, 2600), {"crop_size": [128], "model": [FCN]},
          {"epochs": 6, "epoch_crops": 96, "batch": 8, "validate_every": 3}, {"workers": 2}),
    Study("two threads", 24, (256, 256), {"crop_size": [160], "model": [FCN]},
          {"epochs": 16, "epoch_crops": 120, "batch": 8, "threads": 2, "validate_every": 2}, {"workers": 1}),
    Study("large batch, SGD", 30, (224, 224), {"crop_size": [128], "model": [UNET]},
          {"epochs": 7, "epoch_crops": 192, "batch": 32, "optimiser": "sgd", "validate_every": 2}, {"workers": 1}),
    Study("bf16", 20, (160, 160), {"crop_size": [64], "model": [FCN]},
          {"epochs": 8, "epoch_crops": 64, "batch": 4, "precision": "bf16", "validate_every": 2}, {"workers": 1}),
)  # fmt: skip


def write_images(folder: Path, study: Study) -> None:
    """Noise with bright rectangles, which are the defects."""
    height, width = study.side
    for number in range(study.images):
        rng = np.random.default_rng(number)
        image = rng.integers(20, 90, (height, width, study.channels), dtype=np.uint8)
        mask = np.zeros((height, width), np.uint8)
        for _ in range(3):
            row, column = rng.integers(0, height - 20), rng.integers(0, width - 20)
            mask[row : row + 16, column : column + 12] = 255
        image[mask > 0] += 90
        write_png(folder / "images" / f"part{number:03d}.png", image)
        write_png(folder / "masks" / f"part{number:03d}.png", mask)


def load_now(reference: Reference) -> float:
    """Seconds of one reference load, as the mean over some seconds."""
    ending, spells = time.perf_counter() + LOAD_S, []
    while time.perf_counter() < ending:
        spells.append(reference.seconds(LOAD_TIMES))
    return fmean(spells)


def ran(command: Sequence[str], folder: Path, environment: Mapping[str, str], last: str = "") -> tuple[float, int]:
    """Seconds until a command said ``last``, or had ended, and the highest resident memory of one of its workers."""
    started, highest, said = time.perf_counter(), 0, 0.0
    log = folder / "log.txt"
    with log.open("ab") as file:
        process = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=file, stderr=file)
        while process.poll() is None:
            highest = max(highest, resident_of(process.pid))
            time.sleep(0.2)
            if last and not said and last in log.read_text():
                said = time.perf_counter() - started
    seconds = said or time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    return seconds, highest


def resident_of(parent: int) -> int:
    """The highest resident memory of a child of a process, in bytes."""
    highest = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue  # it has just ended
        if facts.get("PPid") == str(parent):
            highest = max(highest, int(facts.get("VmRSS", "0 kB").split()[0]) * 1024)
    return highest


def row_of(study: Study, reference: Reference) -> tuple[str, ...]:
    """Foresee and run one suite; its row of the table."""
    with TemporaryDirectory(prefix="bench-forecast-") as place:
        folder = Path(place)
        write_images(folder / "parts", study)
        file = folder / "suite.yaml"
        file.write_text(json.dumps({**study.suite(), "name": study.name.replace(" ", "-").replace(",", "")}))
        environment = {**os.environ, "BENCH_HOME": str(folder / "home")}
        bench = [sys.executable, "-m", "bench"]
        loads = [load_now(reference)]
        ran([*bench, "plan", "suite.yaml", "--pilot"], folder, environment)
        loads.append(load_now(reference))
        catalog = load_catalog()
        suite = load_suite(file, catalog)
        places = Places(folder / "home", folder / "runs", suite.data)
        plan = make_plan(suite, Invocation(catalog, places))
        workers = len(environments_of(suite))
        cost = forecast(plan, places, rates_of(places.home, suite.runtime), workers)
        assert cost.seconds is not None, cost.unmeasured
        memory = max((one.memory or 0) + one.mapped for one in cost.jobs.values())
        cells = len(plan.cells)
        took, used = ran([*bench, "run", "suite.yaml", "--plain"], folder, environment, f"({cells}/{cells},")
        loads.append(load_now(reference))
        corrected = cost.seconds * fmean(loads[1:]) / fmean(loads[:2])
        figures = [f"{cost.seconds:.0f} s", f"{corrected:.0f} s", f"{took:.0f} s", f"{corrected / took - 1:+.0%}"]
        figures += [f"{memory / 1e9:.2f} GB", f"{used / 1e9:.2f} GB", f"{memory / used - 1:+.0%}"]
        return study.name, str(cells), str(workers), *figures


def main() -> None:
    """Run the studies and write or print their rows."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="suites to run; all of them without any")
    parser.add_argument("--into", type=Path, help="a file with the markers of the table")
    asked = parser.parse_args()
    reference = Reference(torch.device("cpu"))
    rows = []
    for study in STUDIES:
        if not asked.names or study.name in asked.names:
            rows.append(row_of(study, reference))
            sys.stdout.write(f"{' | '.join(rows[-1])}\n")
            sys.stdout.flush()
    tell("forecasts", table_of(HEAD, rows), asked.into)


if __name__ == "__main__":
    main()
