"""The words of a page that not every reader has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.catalog import Catalog
from bench.errors import PluginError
from bench.page.run import PageRun
from bench.report.measures import heading, percent
from bench.report.naming import short_name
from bench.scores import Score, named, rows_of

WORDS = {
    "cell": "one training with its test: one value of every axis",
    "position": "the cells that differ in their seed alone; its numbers are means over them",
    "seed": "what decides first weights, crops and their order; another seed is another training",
    "group": "images of one physical part; all of them lie in one split",
    "interval": "where the mean over all seeds and parts lies with 95 % certainty",
    "ties": "rows that share a letter cannot be told apart; the letter a holds the best",
    "false alarm": "a predicted region that touches no defect",
    "TH": "the threshold on the probability above which a pixel is called a defect; validation chose it",
    "floor": "the score of calling every pixel a defect",
    "ceiling": "the score of the truth itself, as coarse as the model's output",
    "baseline": "a model with nothing to fit, such as a threshold on grey",
    "fallback": "where a crop strategy admits no window of an image, it takes another one",
    "admissible": "the share of all window positions that a crop strategy may take",
    "inert": "a level of an axis that changes nothing here",
    "front": "positions that no other beats at both score and cost",
}
"""What has no row of its own among the scores."""

MADE_OF = ("preprocess", "crop", "model")
"""Axes whose levels are components with settings."""


def glossary(runs: Sequence[PageRun], catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Words with their meanings: the scores of the boards, the levels of the axes, and the rest."""
    told: dict[str, str] = {}
    for run in runs:
        share = run.suite.protocol.found
        told["found defect"] = f"one of which the prediction covers at least {percent(share)} % of the pixels"
        for measure in run.board.measures:
            score = named(measure.name.partition("@")[0])
            if score is not None:
                told.setdefault(heading(measure, ""), _score(score, measure.split))
        for axis in MADE_OF:
            for level in run.suite.axes.get(axis, ()):
                told.setdefault(level.label, _level(axis, level.value, catalog))
    for score in rows_of("split"):
        if score.of == "objects" and score.better:
            told[score.name.replace("_", " ")] = score.meaning
    yield from ((word, meaning) for word, meaning in told.items() if meaning)
    yield from WORDS.items()


def _score(score: Score, split: str | None) -> str:
    words = score.words or score.label
    on = f" on the {split} split" if split else ""
    return f"{words}{on}: {score.meaning}" if words and words != score.meaning else f"{score.meaning}{on}"


def _level(axis: str, value: Any, catalog: Catalog) -> str:
    """What a level is: its component with settings that are not its defaults, and what that does."""
    refs = value if isinstance(value, tuple) else (value,)
    texts = []
    for ref in refs:
        try:
            component = catalog.find(axis, ref.use).component
        except PluginError:  # its plugin is not installed here
            return ""
        about = component.about
        texts.append(f"{short_name(component, ref.settings)}: {about.summary}" if about else ref.use)
    return "; ".join(texts)
