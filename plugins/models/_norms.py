"""Batch norm that survives a single pixel. Imported late: torch is at module level."""

from __future__ import annotations

import torch  # noqa: TID253 - imported only by builders, when a model is wanted
import torch.nn.functional as F  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above


class PooledNorm(nn.BatchNorm2d):
    """Batch norm that uses the running values where a channel has a single value, which has no variance.

    That is the case behind global pooling in a batch of one image.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map ``[N, C, h, w]`` to the same shape."""
        if self.training and features.numel() == features.shape[1]:
            return F.batch_norm(features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(features)


def tolerant(module: nn.Module) -> nn.Module:
    """The module with every plain batch norm, still untrained, replaced by one that survives a single value."""
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(module, name, PooledNorm(child.num_features, eps=child.eps, momentum=child.momentum))
        else:
            tolerant(child)
    return module
