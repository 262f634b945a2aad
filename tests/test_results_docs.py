"""What docs/results.md and docs/protocol.md say of numbers and settings is what the numbers and settings are."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from scipy.stats import kendalltau

from bench.catalog import Catalog
from bench.suite.reading.load import load_suite

ROOT = Path(__file__).resolve().parent.parent
MODELS = {"FCN": "fcn", "DeepLabV3": "deeplabv3", "U-Net": "unet"}
PUBLISHED_SIZES = {"128": "256", "96": "192", "64": "128"}
"""Crop sizes of the cpu profile to those of the supplement."""


def section(document: str, start: str) -> str:
    """The part of a document below the heading that begins so."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return next(part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith(start))


def rows_of(text: str) -> list[list[str]]:
    """The cells of every row of its tables."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]


def sign(tau: float) -> str:
    return {1.0: "+1", -1.0: "-1"}.get(round(tau, 6), f"{'+' if tau > 0 else '-'}1/3")


@pytest.mark.parametrize("budget", ["equal crops", "equal pixels"])
def test_kendalls_tau_of_the_crop_sizes_is_that_of_the_printed_numbers_on_both_splits(budget: str) -> None:
    published = yaml.safe_load((files("bench") / "reference/published.yaml").read_text(encoding="utf-8"))
    theirs = published["tables"]["table2_crop_size"]["rows"]
    rows = rows_of(section("results.md", "Crop sizes on metalpart, cpu profile"))
    start = next(number for number, row in enumerate(rows) if row[0].startswith(f"**{budget}**"))
    ours = {row[0]: [cell.split(" / ") for cell in row[1:]] for row in rows[start + 1 : start + 4]}
    said = next(row for row in rows if row[0] == budget)[1:]
    for column, model in enumerate(MODELS.values()):
        taus = []
        for split in (0, 1):
            printed = [float(ours[size][column][split]) for size in PUBLISHED_SIZES]
            expected = [theirs[size][model][split] for size in PUBLISHED_SIZES.values()]
            taus.append(sign(kendalltau(printed, expected).statistic))
        assert said[column] == " / ".join(taus)


@pytest.mark.parametrize(("profile", "column"), [("gpu", 1), ("cpu", 2)])
@pytest.mark.parametrize("suite", ["cropping", "crop_size", "sources", "transfer", "exposure", "mtd"])
def test_the_recipe_of_the_protocol_is_that_of_the_profiles(
    catalog: Catalog, suite: str, profile: str, column: int
) -> None:
    recipe = load_suite(ROOT / "suites" / f"{suite}.yaml", catalog, profile=profile)
    table = {row[0]: row[column] for row in rows_of(section("protocol.md", "Recipe")) if len(row) == 3}
    assert recipe.recipe.schedule.use in table["schedule"]
    assert ("tuned" in table["optimiser"]) == (bool(recipe.tune) or (suite, profile) == ("transfer", "gpu"))
