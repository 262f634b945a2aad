"""The suite as commented YAML: beside each line what it rests on, and the alternative."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap

from bench.start.budget import EPOCHS, Budget
from bench.start.reading import Reading
from bench.types import JsonValue

WIDTH = 118
MANY_TILES = 750
"""Validated every 5 epochs, more tiles than these cost over a tenth of what the gpu profile's training costs."""
MODELS: Mapping[str, str] = {
    "U-Net": "{use: unet, settings: {encoder: resnet10t, depth: 4, decoder: light}, label: U-Net}",
    "FCN": "{use: fcn, settings: {encoder: resnet10t, depth: 4, output_stride: 8}, label: FCN}",
}


def suite_text(
    name: str, reading: Reading, plan: Budget, sizes: tuple[int, int], told: tuple[str, ...], to: Path
) -> str:
    """The whole file, to be written to ``to``; ``told`` are sentences on the data for its head."""
    return (
        "\n".join([*_head(told), *_data(name, reading, to), *_axes(name, reading, plan, sizes), *recipe(plan)]) + "\n"
    )


def _head(told: tuple[str, ...]) -> Iterator[str]:
    yield from _comment("Written by 'bench start'. What it assumed stands beside the line that follows from it.")
    for sentence in told:
        yield from _comment(sentence)


def _data(name: str, reading: Reading, to: Path) -> Iterator[str]:
    root, home = reading.root, to.resolve().parent
    shown = os.path.relpath(root, home) if root.is_relative_to(home) else str(root)
    yield f"name: {yaml(name)}  # results go to runs/{name}"
    yield f"data: {{{reading.use}: {yaml(shown)}}}"
    yield ""


def _axes(name: str, reading: Reading, plan: Budget, sizes: tuple[int, int]) -> Iterator[str]:
    yield "axes:"
    yield "  dataset:"
    yield f"    - use: {reading.use}"
    yield f"      label: {yaml(name)}"
    if reading.settings:
        yield "      settings:"
    for setting, value in reading.settings.items():
        yield from _beside(f"        {setting}: {yaml(value)}", reading.why.get(setting, ""))
    if reading.use in ("folder", "coco") and "groups" not in reading.settings:
        yield from _comment(
            r"groups: '^(part\d+)' would keep images of one part on one side of the split; no such pattern was found, "
            "so every image counts as a part of its own",
            "        ",
        )
    yield from _beside("  crop:", "where training crops are taken; more strategies: bench list crops")
    for strategy in plan.strategies:
        yield f"    - {strategy}"
    if "uniform" not in plan.strategies:
        yield "    # - uniform  # left out for time"
    yield "    # - {use: intensity-bias, settings: {threshold: 10}, label: Intensity bias (10)}"
    yield from _beside(f"  crop_size: [{plan.crop_size}]", _size_comment(plan.crop_size, sizes[1]))
    yield from _beside("  model:", "small models for a processor; the profile gpu has larger ones")
    for model in plan.models:
        yield f"    - {MODELS[model]}"
    if "FCN" not in plan.models:
        yield f"    # - {MODELS['FCN']}  # left out for time"
    yield from _beside("  seed: [0]", "[0, 1, 2] lets the leaderboard claim an order, in three times the time")
    yield ""
    yield "include:  # models with nothing to fit: what a score is worth"
    first = f"crop: {plan.strategies[0]}, crop_size: {plan.crop_size}, seed: 0"
    yield f"  - {{{first}, model: otsu}}"
    yield f"  - {{{first}, model: local-contrast}}"
    yield ""


def _size_comment(size: int, asked: int) -> str:
    if asked > size:
        return (
            f"side of the crops in pixels; three quarters of the defects with as much around them ask for {asked}, "
            f"which costs {(asked / size) ** 2:.1f} times as much"
        )
    return "side in pixels; three quarters of the defects fit in twice over, with what is around them"


def recipe(plan: Budget) -> Iterator[str]:
    """The lines from the recipe on."""
    yield from _beside(
        "recipe:", f"fits about {plan.seconds / 60:.0f} minutes on {plan.workers} cores; more epochs are better"
    )
    yield f"  epochs: {EPOCHS}"
    yield f"  epoch_crops: {plan.epoch_crops}"
    yield "  batch: 8"
    yield "  learning_rate: 2e-3"
    yield "  warmup_steps: 30"
    yield "  schedule: cosine"
    yield from _beside("  precision: float32", "most processors only emulate bf16, twenty times slower")
    yield f"  validate_every: {plan.validate_every}"
    yield "protocol: {split: grouped}  # tiles overlap by a quarter, so that no defect is seen at the edge of one alone"
    yield ""
    yield "profiles:  # taken where an NVIDIA GPU is found; --profile chooses by hand"
    yield "  cpu: {}"
    yield "  gpu:"
    yield "    axes:"
    yield "      seed: [0, 1, 2]"
    yield "      model:"
    yield "        - {use: unet, settings: {encoder: resnet34}, label: U-Net}"
    if "FCN" in plan.models:
        yield "        - {use: fcn, settings: {encoder: resnet50}, label: FCN}"
    yield "    recipe:"
    yield "      epochs: 40"
    yield "      epoch_crops: 500"
    yield "      batch: 16"
    yield "      learning_rate: 1e-3"
    yield "      precision: bf16"
    if plan.validation_tiles > MANY_TILES:
        yield from _beside("      validate_every: auto", "validation images are many: at most a tenth of the training")
    else:
        yield "      validate_every: 5"


def _beside(line: str, comment: str) -> Iterator[str]:
    """A line with its comment behind it, or above it where both are too long for one line."""
    together = f"{line}  # {comment}"
    if not comment or len(together) <= WIDTH:
        yield together if comment else line
        return
    yield from _comment(comment, " " * (len(line) - len(line.lstrip())))
    yield line


def _comment(text: str, indent: str = "") -> Iterator[str]:
    start = f"{indent}# "
    yield from wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=start, break_long_words=False, break_on_hyphens=False
    )


def yaml(value: JsonValue) -> str:
    """A value in YAML's flow style; text is quoted where YAML would take it for something else."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(name)}: {yaml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(yaml, value)) + "]"
    return json.dumps(value)


WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
"""Text that some reader of YAML takes for a truth value or nothing."""


def _text(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_/][\w/.\-]*", text, re.ASCII) and text.lower() not in WORDS
    if plain:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    escaped = [sign if sign.isprintable() and sign not in '"\\' else f"\\U{ord(sign):08x}" for sign in text]
    return f'"{"".join(escaped)}"'
