"""The passes of a training step through torch's compiler, or as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from bench.errors import TrainingError

if TYPE_CHECKING:
    import torch

NEEDS = {
    "inductor": "it needs a C++ compiler (g++) for a processor, and Triton for a GPU",
    "cudagraphs": "every operation of the model must run on one GPU and wait for nothing",
}
"""What a backend of the compiler needs, by its name in torch, which is that of ``recipe.compile``."""


def compiled(
    model: torch.nn.Module, backend: Literal["inductor", "cudagraphs"]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The model's own passes, on its own weights, compiled at the first batch of each shape.

    Validation and prediction call the model itself, so both see the same numbers.

    Raises:
        TrainingError: when called, where the compiler cannot make them; says what is missing.
    """
    import torch
    from torch._inductor import config

    torch.compiler.reset()  # what was compiled for earlier models counts towards a limit, beyond which none is
    quick = torch.compile(model, backend=backend, dynamic=False)

    def passes(images: torch.Tensor) -> torch.Tensor:
        try:
            with config.patch({"triton.cudagraph_or_error": True}):  # else torch goes on without and says nothing
                logits: torch.Tensor = quick(images)
        except torch._dynamo.exc.TorchDynamoException as error:
            why = str(error).splitlines()[0]
            raise TrainingError(
                f"recipe.compile: {backend} cannot compile this model here ({why}); {NEEDS[backend]}; set "
                "recipe.compile: none"
            ) from error
        return logits

    return passes
