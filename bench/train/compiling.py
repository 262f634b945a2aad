"""The passes of a training step through torch's compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.errors import TrainingError

if TYPE_CHECKING:
    import torch


def compiled(model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """The model's own passes, on its own weights, compiled at the first batch of each shape.

    Validation and prediction call the model itself, so both see the same numbers.

    Raises:
        TrainingError: when called, where the compiler cannot make them; says what is missing.
    """
    import torch

    torch.compiler.reset()  # what was compiled for earlier models counts towards a limit, beyond which none is
    quick = torch.compile(model, dynamic=False)

    def passes(images: torch.Tensor) -> torch.Tensor:
        try:
            logits: torch.Tensor = quick(images)
        except torch._dynamo.exc.TorchDynamoException as error:
            why = str(error).splitlines()[0]
            raise TrainingError(
                f"recipe.compile: inductor cannot compile this model here ({why}); it needs a C++ compiler (g++) for a "
                "processor, and Triton for a GPU; set recipe.compile: none"
            ) from error
        return logits

    return passes
