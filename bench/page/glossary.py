"""The words of a page that not every reader has."""

from __future__ import annotations

from collections.abc import Iterator

from bench.page.run import PageRun
from bench.report.measures import heading
from bench.scores import named

WORDS = {
    "cell": "one training with its test: one value of every axis",
    "position": "the cells that differ in their seed alone; its numbers are means over them",
    "seed": "what decides first weights, crops and their order; another seed is another training",
    "group": "images of one physical part; all of them lie in one split",
    "interval": "where the mean over all seeds and parts lies with 95 % certainty",
    "ties": "rows that share a letter cannot be told apart; the letter a holds the best",
    "TH": "the threshold on the probability above which a pixel is called a defect; validation chose it",
    "floor": "the score of calling every pixel a defect",
    "ceiling": "the score of the truth itself, as coarse as the model's output",
    "baseline": "a model with nothing to fit, such as a threshold on grey",
    "fallback": "where a crop strategy admits no window of an image, it takes another one",
    "inert": "a level of an axis that changes nothing here",
    "front": "positions that no other beats at both score and cost",
}
"""What has no row of its own among the scores."""


def glossary(runs: list[PageRun]) -> Iterator[tuple[str, str]]:
    """Words with their meanings: the scores of the boards first."""
    told = set()
    for run in runs:
        for measure in run.board.measures:
            name = heading(measure, "")
            score = named(measure.name.partition("@")[0])
            if name not in told and score is not None:
                told.add(name)
                on = f" on the {measure.split} split" if measure.split else ""
                yield name, f"{score.words or score.label or score.name}{on}. {score.meaning}".strip()
    yield from WORDS.items()
