"""How long the trainings and predictions are that are tried on the fake device."""

from __future__ import annotations

BATCH = 2
SIDE = 32
EPOCHS = 2
STEPS = 2
"""Steps of an epoch; the training of a whole model is of a single one."""
VALIDATIONS = 1
"""After the last epoch."""
VALIDATION_BATCHES = 3
