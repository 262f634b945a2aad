"""How often a training is validated where its recipe says ``auto``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.suite.schema import Recipe
from bench.train.convergence import MINIMUM, PATIENCE
from bench.train.interval import epochs_between_validations, validations_of


def recipe(**changed: object) -> Recipe:
    return Recipe.model_validate({"validate_every": "auto", "epochs": 400, "epoch_crops": 100} | changed)


@given(tiles=st.integers(1, 10**7), crops=st.integers(1, 10**5), epochs=st.integers(1, 10**4))
def test_validations_cost_at_most_a_tenth_of_the_training_and_are_as_many_as_that_allows(tiles, crops, epochs):
    asked = recipe(epoch_crops=crops, epochs=epochs)
    every = epochs_between_validations(asked, tiles)
    learned, predicted = 3 * crops, tiles  # a crop costs as much as three tiles: forward, and twice backward
    assert 1 <= every <= epochs
    if every < epochs:
        assert predicted <= learned * every / 10
    if every > 1:
        assert predicted > learned * (every - 1) / 10
    validated = [epoch for epoch in range(1, epochs + 1) if epoch % every == 0 or epoch == epochs]
    assert validations_of(asked, tiles, epochs) == len(validated)


def test_epochs_that_a_recipe_names_stand_whatever_they_cost():
    assert epochs_between_validations(recipe(validate_every=7), 10**6) == 7


@pytest.mark.parametrize("epochs", [1, 29, 30, 400])
def test_a_budget_until_convergence_is_validated_often_enough_to_see_it(epochs):
    asked = recipe(budget="until-convergence", epochs=epochs)
    assert validations_of(asked, 10**6, epochs) >= min(epochs, MINIMUM + PATIENCE)
