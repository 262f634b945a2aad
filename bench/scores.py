"""Every score, once: what it is called and of what, its unit, its better end, its formula and its words.

Whatever lists scores asks here: summaries, boards, ranges, headings, captions, rules and ``docs/scores.md``. A new
score is one row of :data:`SCORES` and one attribute of its name on what it is of (:mod:`bench.score.summary` for a
split, :mod:`bench.score.parts` for sizes and types); a row with a ``metric`` needs no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite
from typing import Any, Literal, TypeAlias

import numpy as np

from bench.types import Float64, PixelMetric

Table: TypeAlias = Literal["split", "tolerance", "types", "sizes", "parts", "operating", "cell"]
"""Where a score stands: in the summary of a split, in a table of it (``parts``: both ``types`` and ``sizes``), or
(``cell``) in the record of a cell."""

Unit: TypeAlias = Literal["share", "threshold", "count", "number", "entry"]
"""``share``: 0..1, printed in percent; ``threshold``: 0..1, printed as it is; ``entry``: no number of its own."""

Better: TypeAlias = Literal["higher", "lower"]
Times: TypeAlias = tuple[int, int, int, int]
"""How often TP, FP, FN and TN are counted."""

SLACK = 1e-9
"""Rounding that is forgiven above the highest and below the lowest possible score."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of two sums of TP, FP, FN and TN; 0 where it is 0/0."""

    part: Times
    whole: Times
    range = (0.0, 1.0)

    def value(self, counts: Float64, /) -> Float64:
        given = np.asarray(counts, np.float64)
        return quotient(given @ self.part, given @ self.whole)


def quotient(part: Float64, whole: Float64) -> Float64:
    """``part / whole``; 0 where the whole is 0."""
    empty = whole == 0
    return np.asarray(np.where(empty, 0.0, part / np.where(empty, 1.0, whole)))


F1 = Ratio((2, 0, 0, 0), (2, 1, 1, 0))
F2 = Ratio((5, 0, 0, 0), (5, 1, 4, 0))
PRECISION = Ratio((1, 0, 0, 0), (1, 1, 0, 0))
RECALL = Ratio((1, 0, 0, 0), (1, 0, 1, 0))
ACCURACY = Ratio((1, 0, 0, 1), (1, 1, 1, 1))
IOU = Ratio((1, 0, 0, 0), (1, 1, 1, 0))


@dataclass(frozen=True, slots=True)
class Score:
    """One score.

    ``of`` is what it tells of. ``better`` is None where it describes the data or the choice, so that of two values
    neither is better. A score with a ``metric`` follows from pixel counts, so its error over seeds and groups needs no
    replicates; with ``chooses`` a threshold may be chosen where it is highest. ``mean_of`` is the score of the types
    that occur of which it is the mean. ``each``: it exists under ``classes: each`` only.
    ``needs_defect``: on a split without a defect pixel it can only be 0, whatever is predicted.
    ``symbol`` heads columns, ``label`` lines, ``words`` stand in captions. What is not ``plain`` is no line of its own.
    """

    name: str
    of: str
    meaning: str
    table: Table = "split"
    unit: Unit = "share"
    better: Better | None = "higher"
    mean_of: str = ""
    symbol: str = ""
    label: str = ""
    words: str = ""
    metric: PixelMetric | None = None
    chooses: bool = False
    each: bool = False
    needs_defect: bool = True
    plain: bool = True

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return (0.0, 1.0) if self.unit in ("share", "threshold") else (0.0, inf)

    @property
    def percent(self) -> bool:
        """Whether it is printed in percent."""
        return self.unit == "share"


_Count = partial(Score, unit="count", better=None, needs_defect=False)
_Entry = partial(Score, of="the split", unit="entry", better=None, needs_defect=False, plain=False)
_Mean = partial(Score, of="types", meaning="mean over the types that occur")
_Part = partial(Score, of="the part", table="parts")
_Type = partial(Score, of="a type", table="types", each=True)
_Point = partial(Score, of="a point", table="operating")
_Cell = partial(Score, of="the cell", table="cell", unit="number", better=None, needs_defect=False)
_Threshold = partial(Score, unit="threshold", better=None, needs_defect=False)
_Number = partial(Score, unit="number", needs_defect=False)

SCORES: Sequence[Score] = (
    _Count("images", "the data", "images of the split"),
    Score("positive_share", "the data", "share of valid pixels that are true", better=None, needs_defect=False),
    _Threshold("threshold", "the choice", "k/1000; positive if p >= k/1000"),
    _Count("threshold_index", "the choice", "k"),
    Score("f1", "pixels", "Pooled F1: 2 TP / (2 TP + FP + FN)", symbol="F1", words="F1 score", metric=F1, chooses=True),
    Score("precision", "pixels", "Pooled precision: TP / (TP + FP)", symbol="P", words="precision", metric=PRECISION),
    Score("recall", "pixels", "Pooled recall: TP / (TP + FN)", symbol="R", words="recall", metric=RECALL),
    Score(
        "f2",
        "pixels",
        "Pooled F2: recall counts four times as much as precision",
        symbol="F2",
        words="F2 score",
        metric=F2,
        chooses=True,
    ),
    Score(
        "accuracy",
        "pixels",
        "Share of valid pixels that are right",
        symbol="A",
        words="accuracy",
        metric=ACCURACY,
        needs_defect=False,
    ),
    Score(
        "iou",
        "pixels",
        "Pooled intersection over union: TP / (TP + FP + FN)",
        symbol="IoU",
        words="intersection over union",
        metric=IOU,
        chooses=True,
    ),
    Score(
        "ap",
        "pixels",
        "average precision on the grid of 1,000 thresholds: step-wise sum, no interpolation",
        symbol="AP",
        words="average precision",
    ),
    Score("f1_half", "pixels", "F1 at the threshold 0.5", symbol="F1@0.5", label="f1 at 0.5"),
    Score("floor", "the data", "F1 of calling every pixel positive", better=None),
    Score(
        "f1_image", "images", "mean over images of F1; images with neither true nor predicted positives are left out"
    ),
    _Count("f1_image_images", "images", "images that `f1_image` is the mean of"),
    _Entry("f1_image_empty", meaning="what an image with neither counts for", plain=True),
    _Count("groups", "the data", "groups of the split"),
    _Count("defective_groups", "the data", "groups with a true pixel"),
    _Entry("f1_interval", meaning="interval of F1 over groups", needs_defect=True),
    _Entry("interval_note", meaning="what must be said of the interval", needs_defect=True),
    _Entry("interval_method", meaning="how the interval was made"),
    _Entry("tolerance", meaning="F1 had the annotators drawn every border otherwise", plain=True),
    _Entry("types", meaning="scores of every defect type"),
    _Mean("class_balanced_recall", mean_of="recall"),
    _Mean("macro_precision", mean_of="precision", each=True),
    _Mean("macro_recall", mean_of="recall", each=True),
    _Mean("macro_f1", mean_of="f1", each=True),
    _Mean("macro_iou", mean_of="iou", each=True),
    _Mean("macro_ap", mean_of="ap", each=True),
    _Mean("macro_f1_own", mean_of="f1_own", each=True),
    _Count("macro_classes", "types", "types that occur in the split", each=True),
    Score("object_recall", "objects", "found / all defects", symbol="OR", words="share of defects found"),
    Score("object_precision", "objects", "found / (found + false alarms)", symbol="OP"),
    Score("object_f1", "objects", "2 found / (2 found + missed + false alarms)", symbol="OF1"),
    _Count("objects", "objects", "defects"),
    _Count("false_alarms", "objects", "false alarms over all images", better="lower"),
    _Count("clean_images", "objects", "images without a true pixel"),
    _Number(
        "false_alarms_per_clean_image",
        "objects",
        "mean over the images without a true pixel",
        better="lower",
        symbol="FA/image",
    ),
    Score(
        "clean_images_with_alarm",
        "objects",
        "share of clean images that are reported at all",
        better="lower",
        needs_defect=False,
    ),
    Score(
        "region_overlap",
        "objects",
        "per-region overlap (Bergmann et al. 2021): mean over defects of the share predicted, as a function of the "
        "pixel false-positive rate, area up to `region_overlap_limit` divided by it",
        symbol="PRO",
    ),
    _Number("region_overlap_limit", "objects", "the highest false-positive rate of `region_overlap`, 0.3", better=None),
    _Entry("sizes", meaning="scores of every quartile of defect area"),
    _Entry("operating", meaning="what every operating point reaches"),
    _Count("pixels", "the borders", "k, `protocol.tolerance`", table="tolerance"),
    Score(
        "f1_truth_dilated",
        "the borders",
        "F1 had every true border been drawn k pixels further out",
        "tolerance",
        label="defects wider",
    ),
    Score(
        "f1_truth_eroded",
        "the borders",
        "F1 had every true border been drawn k pixels further in; null where no true pixel is left",
        "tolerance",
        label="defects narrower",
    ),
    Score(
        "f1_band_left_out",
        "the borders",
        "F1 with the pixels within k of a true border left out; null where no true pixel is left",
        "tolerance",
        label="borders left out",
    ),
    _Count("groups", "a type", "groups that hold the type", table="types"),
    _Count("smallest_area", "a size", "pixels of its smallest defect", table="sizes"),
    _Count("largest_area", "a size", "pixels of its largest defect", table="sizes"),
    _Count("pixels", "the part", "true pixels", table="parts"),
    _Count("objects", "the part", "defects", table="parts"),
    _Part("recall", meaning="of their pixels"),
    _Part("object_recall", meaning="of their defects"),
    _Part("overlap", meaning="mean over their defects of the share predicted: small ones count as much as large ones"),
    _Part("f1_alone", meaning="F1 were these the only defects, the others left out of scoring"),
    _Type("precision", meaning="TP / (TP + FP), of the type's own probability", metric=PRECISION),
    _Type("f1", meaning="2 TP / (2 TP + FP + FN), of the type's own probability", metric=F1),
    _Type("iou", meaning="TP / (TP + FP + FN), of the type's own probability", metric=IOU),
    _Type("ap", meaning="average precision of the type's own probability"),
    _Type("f1_own", meaning="F1 at a threshold of the type's own, of highest F1 on validation"),
    _Threshold("threshold_own", "a type", "that threshold", table="types", each=True),
    _Threshold("threshold", "a point", "the one that validation chose by the bound", table="operating"),
    _Point("precision", meaning="TP / (TP + FP)", metric=PRECISION),
    _Point("recall", meaning="TP / (TP + FN)", metric=RECALL),
    _Point("f1", meaning="2 TP / (2 TP + FP + FN)", metric=F1),
    _Point("false_positive_rate", meaning="FP / (FP + TN)", better="lower", needs_defect=False),
    _Point("object_recall", meaning="found / all defects"),
    _Number(
        "false_alarms_per_clean_image",
        "a point",
        "mean over the images without a true pixel",
        table="operating",
        better="lower",
    ),
    _Point(
        "clean_images_with_alarm",
        meaning="share of clean images that are reported at all",
        better="lower",
        needs_defect=False,
    ),
    _Cell("convergence_epoch", symbol="E", meaning="epochs to convergence", words="training epochs to convergence"),
    _Cell("ceiling.test", meaning="F1 of the truth averaged over the output stride; no bound"),
    _Cell("parameters", meaning="weights of the model"),
    _Cell("output_stride", meaning="pixels of the input per pixel of the output"),
    _Cell("reuse", meaning="how often a crop is seen"),
    _Cell("cost.tiles_s", meaning="seconds to cut the tiles"),
    _Cell("cost.crops_s", meaning="seconds to make the crops"),
    _Cell("cost.train_s", meaning="seconds of training", symbol="train s"),
    _Cell("cost.predict_s", meaning="seconds of prediction"),
    _Cell("cost.image_latency_s", meaning="seconds per image", symbol="s/image"),
    _Cell("cost.crops_per_s", meaning="crops per second of training", symbol="crops/s"),
    _Cell("cost.peak_memory_bytes", meaning="peak memory", symbol="peak bytes"),
)

SIZES = ("q1", "q2", "q3", "q4")
"""Quartiles of defect area, the smallest first."""

BOUNDS: Mapping[str, str] = {"recall": ">=", "precision": ">=", "fpr": "<=", "alarms": "<="}
"""What a rule for a threshold may set a bound for: at least so high, or at most."""

POINTS: Mapping[str, str] = {
    "recall_50": "recall>=0.5",
    "recall_80": "recall>=0.8",
    "recall_90": "recall>=0.9",
    "precision_90": "precision>=0.9",
    "fpr_1_per_mille": "fpr<=0.001",
    "fpr_10_per_mille": "fpr<=0.01",
    "alarm_per_10_clean_images": "alarms<=0.1",
    "alarm_per_clean_image": "alarms<=1",
}
"""Operating points, each with the rule that validation chooses its threshold by."""


def rows_of(table: Table, *, each: bool = True) -> list[Score]:
    """The rows of a table in its order; without ``each`` those that exist under every target."""
    tables = (table, "parts") if table in ("types", "sizes") else (table,)
    return [row for row in SCORES if row.table in tables and (each or not row.each)]


def named(name: str) -> Score | None:
    """The row of a name, that of the split where several tables have one; None of another name."""
    return next((row for row in SCORES if row.name == name), None)


def values(table: Table, seen: Any, *, each: bool = False) -> dict[str, Any]:
    """Every score of a table: its metric of the ``counts`` that are ``seen``, or their attribute of its name."""
    return {row.name: _value(row, seen) for row in rows_of(table, each=each)}


def _value(row: Score, seen: Any) -> Any:
    if row.mean_of:
        return seen.mean_over_types(row.mean_of)
    if row.metric is None:
        return getattr(seen, row.name)
    return None if seen.counts is None else float(row.metric.value(seen.counts))


def pooled_metrics() -> dict[str, PixelMetric]:
    """Scores of a split that follow from its pixel counts."""
    return {row.name: row.metric for row in rows_of("split") if row.metric is not None}


def possible(name: str, value: float) -> bool:
    """Whether a score of this name can have this value; under a name that is no score's, any finite number can be."""
    if not isfinite(value):
        return False
    row = named(name)
    if row is None:
        return True
    low, high = row.range
    return low - SLACK <= value <= high + SLACK


def facts() -> list[str]:
    """What a board may show of a cell: fields of its record."""
    return _names("cell")


def split_scores() -> list[str]:
    """What a board may show of a split, besides metrics of plugins and scores of a part of the defects."""
    own = [row.name for row in rows_of("split") if row.unit != "entry"]
    return own + [f"tolerance.{row.name}" for row in rows_of("tolerance")]


def has_own_choice(name: str) -> bool:
    """Whether a score follows from a choice of its own on validation, besides the threshold."""
    return name.startswith("operating.") or name.endswith("f1_own")


def is_of_a_part(name: str) -> bool:
    """Whether this names a score of a type, a size or an operating point, such as ``sizes.q1.recall``."""
    table, _, rest = name.partition(".")
    member, _, field = rest.rpartition(".")
    if table == "types":
        return bool(member) and field in _names("types")
    if table == "sizes":
        return member in SIZES and field in _names("sizes")
    return table == "operating" and member in POINTS and field in _names("operating")


def _names(table: Table) -> list[str]:
    return [row.name for row in rows_of(table)]
