"""Every extension point, in the order of a cell's life.

A plugin is a module with functions of these names, marked ``@hookimpl``, each returning or yielding
``Component`` objects. Nothing else is called: plugins offer, the core decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pluggy

from bench.component import Component
from bench.launcher import Carrier, Launcher, Queue
from bench.observers import Observer
from bench.reporters import Format, Section
from bench.types import CropStrategy, Dataset, ImageMetric, PixelMetric

hookspec = pluggy.HookspecMarker("bench")
hookimpl = pluggy.HookimplMarker("bench")
"""Marks a function of a plugin as a hook: the decorator of all that :mod:`bench.hookspecs` names."""


@hookspec
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Data sets. Context: ``root``, the folder the user named for it.

    A reader may also have ``remarks()``: lines about what it does not take as it stands in the files, such as regions
    that it ignores. They are shown wherever a score of the data set is.

    Example::

        @dataclass(frozen=True)
        class Scratches:
            root: Path
            classes = ("scratch",)

            def records(self):
                images = sorted((self.root / "images").glob("*.png"))
                if not images:
                    raise DataError(f"{self.root}: no images/*.png in it; {ABOUT.obtain}")
                return [Record(id=p.stem, group=p.stem, files=(p, self.root / "masks" / p.name)) for p in images]

            def load(self, id):
                image, values = read_pair(*(self.root / kind / f"{id}.png" for kind in ("images", "masks")))
                return Sample(id, image, (values >= 128).astype(np.uint8))

        def build(root: Path, /) -> Dataset:
            return Scratches(root)

        def example(folder: Path) -> None:
            for number in range(6):
                image, mask = np.full((48, 64), 90 + number, np.uint8), np.zeros((48, 64), np.uint8)
                mask[20:23, 5 : 30 * (number % 2) + 5] = 255
                write_png(folder / "images" / f"part{number}.png", image + mask // 4)
                write_png(folder / "masks" / f"part{number}.png", mask)

        ABOUT = About(summary="Scratched parts", licence="ours", obtain="ask the workshop for the folder")

        @hookimpl
        def bench_datasets():
            yield Component("scratches", build, about=ABOUT, example=example)
    """
    raise NotImplementedError


@hookspec
def bench_preprocess() -> Iterable[Component[Any]]:
    """Preprocessing, the same for training and testing. No context.

    Builds a function ``image -> image`` on ``uint8`` or ``uint16`` ``[H, W, C]``: deterministic, pixel
    grid unchanged; the number of channels may change.

    Example::

        def build(*, gamma: float = 0.5):
            def brighten(image):
                top = np.iinfo(image.dtype).max
                return (top * (image / top) ** gamma).round().astype(image.dtype)
            return brighten

        @hookimpl
        def bench_preprocess():
            yield Component("gamma", build)
    """
    raise NotImplementedError


@hookspec
def bench_crops() -> Iterable[Component[CropStrategy]]:
    """Crop strategies. Context: ``size``, the side of the square crop in pixels.

    A strategy that must see the training images first (a quantile of their windows, say) also meets
    ``bench.api.Fitting``; a part with a fallback window meets ``bench.api.FallingBack``, so that coverage counts it.

    Example::

        @dataclass(frozen=True)
        class LeftHalf:
            size: int
            share = 1.0

            def parts(self):
                return [self]

            def images(self, index):
                return np.ones(len(index.entries))

            def positions(self, image, mask):
                corners = np.zeros((image.shape[0] - self.size + 1, image.shape[1] - self.size + 1), bool)
                corners[:, : max(1, corners.shape[1] // 2)] = True
                return corners

        def build(size: int, /) -> CropStrategy:
            return LeftHalf(size)

        @hookimpl
        def bench_crops():
            yield Component("left-half", build)
    """
    raise NotImplementedError


@hookspec
def bench_augment() -> Iterable[Component[Any]]:
    """Augmentation, on the training device, batched. No context.

    Builds a function ``(images, masks, generator) -> (images, masks)`` on ``float32[N, C, h, w]`` and
    ``uint8[N, h, w]``. Masks gain no new class. ``generator`` is a CPU ``torch.Generator``. What is drawn goes to a GPU
    without a wait if it is drawn with ``pin_memory=images.is_cuda`` and moved with ``non_blocking=True``.

    Example::

        def build(*, probability: float = 0.5):
            def mirror(images, masks, generator):
                if torch.rand((), generator=generator) < probability:
                    return images.flip(-1), masks.flip(-1)
                return images, masks
            return mirror

        @hookimpl
        def bench_augment():
            yield Component("mirror", build)
    """
    raise NotImplementedError


@hookspec
def bench_models() -> Iterable[Component[Any]]:
    """Models. Context: ``task`` with ``channels`` and ``classes``.

    Builds a ``torch.nn.Module`` that maps normalised ``float[N, C, h, w]`` to logits
    ``float[N, 1 + classes, h, w]``; class 0 is background. The core pads h and w to multiples of 32.
    A model without trainable parameters is a baseline and is not trained; what it leaves open validation chooses
    (``bench.api.Choosing``).

    Example::

        def build(task: Task, /, *, width: int = 16) -> "torch.nn.Module":
            import torch
            return torch.nn.Conv2d(task.channels, 1 + task.classes, 3, padding=1)

        @hookimpl
        def bench_models():
            yield Component("one-layer", build)
    """
    raise NotImplementedError


@hookspec
def bench_losses() -> Iterable[Component[Any]]:
    """Losses. No context.

    Builds a function ``(logits, targets) -> scalar`` on ``float[N, 1 + K, h, w]`` and
    ``int64[N, h, w]``; pixels of value 255 are left out; finite on all-empty and all-full masks.

    Example::

        def build(*, smoothing: float = 0.0):
            def loss(logits, targets):
                options = {"ignore_index": 255, "label_smoothing": smoothing, "reduction": "sum"}
                return F.cross_entropy(logits, targets, **options) / (targets != 255).sum().clamp_min(1)
            return loss

        @hookimpl
        def bench_losses():
            yield Component("cross-entropy", build)
    """
    raise NotImplementedError


@hookspec
def bench_metrics() -> Iterable[Component[PixelMetric | ImageMetric]]:
    """Metrics. No context. Builds a ``PixelMetric`` or an ``ImageMetric``.

    Example::

        @dataclass(frozen=True)
        class Specificity:
            range = (0.0, 1.0)

            def value(self, counts):
                negatives = counts[..., 1] + counts[..., 3]
                return counts[..., 3] / np.maximum(negatives, 1)

        @hookimpl
        def bench_metrics():
            yield Component("specificity", Specificity)
    """
    raise NotImplementedError


@hookspec
def bench_launchers() -> Iterable[Component[Launcher | Queue | Carrier]]:
    """Launchers. Context: ``site``, with the suite's name, a folder and who hears of progress.

    Builds a ``Queue``, which runs commands on machines that see the same files, a ``Carrier``, which runs them on
    machines that do not and carries bytes there and back, or a ``Launcher``, which takes jobs however it likes. What a
    suite sets (``runtime.launcher``) is in no id: results are the same everywhere.

    Example::

        class Processes:
            def __init__(self):
                self.started = {}

            def start(self, commands):
                for command in commands:
                    with command.log.open("wb") as log:
                        process = Popen(command.words, stdout=log, stderr=log, start_new_session=True)
                    self.started[str(process.pid)] = process
                return list(self.started)[-len(commands) :]

            def alive(self, ids):
                return [id for id in ids if id in self.started and self.started[id].poll() is None]

            def stop(self, ids):
                for id in self.alive(ids):
                    self.started[id].terminate()

            def kill(self, ids):
                self.stop(ids)
                for id in self.started.keys() & ids:
                    self.started[id].wait()

        def build(site: Site, /) -> Queue:
            return Processes()

        @hookimpl
        def bench_launchers():
            yield Component("processes", build)
    """
    raise NotImplementedError


@hookspec
def bench_observers() -> Iterable[Component[Observer]]:
    """Observers of a run, such as trackers. Context: ``folder``, one of its own in the folder of the run's results.

    It lives in a process of its own while a run is at work, and is told of all that ends: it decides nothing. What a
    suite sets (``runtime.observers``) is in no id.

    Example::

        class Lines(Observer):
            def __init__(self, path: Path):
                self.path = path

            def cell_ended(self, cell: ObservedCell, result: CellResult):
                scores = result.record.scores.get("test")
                f1 = scores.number("f1") if scores else None
                with self.path.open("a") as file:
                    file.write(f"{cell.name}: {result.record.state.word}, F1 {f1}\\n")

        def build(folder: Path, /) -> Observer:
            return Lines(folder / "cells.txt")

        @hookimpl
        def bench_observers():
            yield Component("lines", build)
    """
    raise NotImplementedError


@hookspec
def bench_reporters() -> Iterable[Component[Section | Format]]:
    """Reporters. No context. Builds a ``Section`` of the page of a run, or a ``Format`` for all that it says.

    ``bench report RUN --section NAME`` puts the section on the page, ``--as NAME`` writes a file in the format. Records
    are those of finished cells. Documents are made of the blocks of ``bench.api.document``.

    Example::

        class Hardest:
            question = "fails"

            def section(self, records):
                recalls = {}
                for record in records.values():
                    for name, scores in record.of_split("test").types.items():
                        recalls.setdefault(name, []).append(scores["recall"])
                means = {name: sum(found) / len(found) for name, found in recalls.items()}
                listed = [f"{name}: {100 * mean:.1f} %" for name, mean in sorted(means.items(), key=lambda one: one[1])]
                blocks = [document.Heading("Types by mean recall"), document.Points(listed)]
                return document.Document("", blocks if listed else [])

        @hookimpl
        def bench_reporters():
            yield Component("hardest-types", Hardest)
    """
    raise NotImplementedError
