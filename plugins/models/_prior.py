"""How a segmentation head starts. Imported late: torch is at module level."""

from __future__ import annotations

from math import log

import torch  # noqa: TID253 - imported only by builders, when a model is wanted
from torch import nn  # noqa: TID253 - as above

PRIOR = 0.02


def expect_few_defects(last: nn.Module) -> None:
    """Set the last convolution's bias so that defects have probability PRIOR, shared evenly by the classes.

    Lin et al. 2017 (RetinaNet, section 4.1): with rare positives a start at 0.5 spends the first steps on
    learning that almost everything is background. Not in the supplement.
    """
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    with torch.no_grad():
        last.bias[0] = 0.0
        last.bias[1:] = log(PRIOR / (1 - PRIOR) / (len(last.bias) - 1))
