"""How often a training is validated where its recipe leaves it open: by counts alone, never by a clock."""

from __future__ import annotations

from bench.suite.schema import AUTO, Recipe
from bench.train.convergence import MINIMUM, PATIENCE

TRAINED_TIMES = 10
"""The pixels that validations predict cost at most one part in so many of those that are learned from."""
LEARNED_TO_PREDICTED = 3
"""What learning from a pixel costs in predictions of one: forward, and backward through weights and activations."""


def epochs_between_validations(recipe: Recipe, tiles: int) -> int:
    """Epochs from one validation to the next, for a validation split of so many tiles of the crop's size.

    With ``auto`` the fewest for which validations cost at most a tenth of what training costs: n epochs learn from
    ``n * epoch_crops`` crops, each as costly as three tiles. A budget that ends with convergence has as many
    validations as that takes to be seen, at whatever cost.
    """
    if recipe.validate_every != AUTO:
        return recipe.validate_every
    affordable = -(-TRAINED_TIMES * tiles // (LEARNED_TO_PREDICTED * recipe.epoch_crops))
    most = recipe.epochs
    if recipe.budget == "until-convergence":
        most //= MINIMUM + PATIENCE
    return max(1, min(affordable, most))


def validations_of(recipe: Recipe, tiles: int, epochs: int) -> int:
    """Validations of so many epochs, the last of which is always validated."""
    return -(-epochs // epochs_between_validations(recipe, tiles))
