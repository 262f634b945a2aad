"""Cells and records as the store holds them, made up for report tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from bench.record import Record, record_from
from bench.report.board import Leaderboard, leaderboard
from bench.report.sides import Side, SideCell
from bench.suite.schema import Board

CROPS = ("Random (uniform)", "Intensity bias (5)", "Intensity bias (10)", "Intensity bias (15)", "Intensity bias (20)")
MODELS = ("FCN", "DLv3", "U-Net")


@dataclass(frozen=True)
class FakeCell:
    id: str
    labels: Mapping[str, str]
    tuned: Mapping[str, Any] = field(default_factory=dict)
    excluded: str | None = None
    skipped: str | None = None
    included: bool = False


def cell(crop: str = CROPS[0], model: str = MODELS[0], seed: int = 0, **more: Any) -> FakeCell:
    """A cell of the embedded data set; ``axes`` adds labels, ``tuned`` makes it a trial."""
    axes = more.pop("axes", {})
    labels = {"dataset": "metalpart", "crop": crop, "crop_size": "128", "model": model, "seed": str(seed), **axes}
    id = "/".join([*labels.values(), *map(str, more.get("tuned", {}).values())])
    return FakeCell(id=id, labels=labels, **more)


def split_scores(f1: float, **more: Any) -> dict[str, Any]:
    return {
        "images": 80,
        "groups": 20,
        "defective_groups": 20,
        "positive_share": 0.004,
        "threshold": 0.41,
        "f1": f1,
        "precision": min(f1 * 1.1, 1.0),
        "recall": f1 * 0.9,
        "f2": f1 * 0.95,
        "accuracy": 0.99,
        "iou": f1 / (2 - f1),
        "ap": f1,
        "f1_half": f1 * 0.97,
        "floor": 0.008,
        "f1_interval": [max(f1 - 0.05, 0.0), min(f1 + 0.04, 1.0)],
        "interval_note": "groups only, one seed",
        "types": {
            "Scratch": {"pixels": 12345, "groups": 17, "recall": 0.61, "objects": 44, "object_recall": 0.75},
            "Dent": {"pixels": 4021, "groups": 9, "recall": 0.31, "objects": 12, "object_recall": 0.5},
        },
        "object_recall": 0.7,
        "objects": 56,
        "false_alarms": 7,
        "false_alarms_per_clean_image": 0.2,
        "flags": [],
        "image_counts": {"ids": ["a", "b"], "groups": ["g", "g"], "counts": [[1, 2, 3, 4], [0, 0, 0, 9]]},
        **more,
    }


def record(of: FakeCell, f1_v: float, f1_t: float, epoch: int | None = 20, **more: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "id": of.id,
        "axes": dict(of.labels),
        "cell": {"recipe": {"epochs": 30, "epoch_crops": 80}},
        "state": "done",
        "reason": None,
        "keys": {"train": of.id},
        "scores": {"validation": split_scores(f1_v), "test": split_scores(f1_t)},
        "ceiling": {"test": 0.97},
        "convergence": {"epoch": epoch, "budget": 30},
        "parameters": 4_900_000,
        "output_stride": 8,
        "badges": [],
        "inert": False,
        "cost": {"train_s": 31.2, "predict_s": 2.5},
        "provenance": {"torch": "2.11.0", "device": "cpu", "finished": "2026-11-22T13:00:00+00:00", "threads": 2},
        "reuse": 1.0,
        **more,
    }


def failed(of: FakeCell, reason: str = "out of memory", state: str = "failed") -> dict[str, Any]:
    return {"schema": 1, "id": of.id, "axes": dict(of.labels), "state": state, "reason": reason, "keys": {}}


def product_cells(seeds: int = 1, crops: Sequence[str] = CROPS, models: Sequence[str] = MODELS) -> list[FakeCell]:
    return [cell(crop, model, seed) for crop, model, seed in product(crops, models, range(seeds))]


def budgeted_cells(crops: Sequence[str], seeds: int) -> list[FakeCell]:
    """One model, and a budget of its own for each crop strategy, as rows of a paired group have."""
    budgets = [(crop, str(4 * 2**number)) for number, crop in enumerate(crops)]
    return [
        cell(crop, MODELS[0], seed, axes={"recipe.epochs": epochs})
        for (crop, epochs), seed in product(budgets, range(seeds))
    ]


def board_of(cells: Sequence[FakeCell], records: Mapping[str, Any], **shape: Any) -> Leaderboard:
    """A leaderboard; ``paired``, ``published`` and ``description`` are of the suite, the rest is of the board."""
    of_suite = {key: shape.pop(key) for key in ("paired", "published", "description") if key in shape}
    return leaderboard(
        cells,
        typed(records),
        Board(**shape),
        suite_name="cropping",
        suite_hash="0123abcd",
        command="bench run suites/cropping.yaml",
        profile="cpu",
        **of_suite,
    )


def typed(records: Mapping[str, Any]) -> dict[str, Record]:
    """Records as they come through the door; those that came already stay."""
    return {id: one if isinstance(one, Record) else record_from(one, id) for id, one in records.items()}


def side_of(name: str, records: Mapping[str, Any]) -> Side:
    """A run whose cells are those that have a record."""
    cells = typed(records).items()
    return Side(name, {id: SideCell(one.id, one.axes, one.tuned, one.state.word, one) for id, one in cells})


def by_id(*records: Mapping[str, Any]) -> dict[str, Any]:
    return {record["id"]: record for record in records}
