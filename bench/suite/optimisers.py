"""Optimisers of ``recipe.optimiser``: names, settings and what torch calls them, without torch.

Settings and defaults are torch's own. Learning rate and weight decay are fields of the recipe and no settings here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from bench.component import Component, listed
from bench.errors import SettingsError

Share = Annotated[float, Field(ge=0, lt=1)]
Betas = tuple[Share, Share]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class TorchOptimiser:
    """A class of ``torch.optim`` by name with its keyword arguments, without learning rate and weight decay."""

    name: str
    options: Mapping[str, Any]


def adamw(*, betas: Betas = (0.9, 0.999), eps: Positive = 1e-8, amsgrad: bool = False) -> TorchOptimiser:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    return TorchOptimiser("AdamW", {"betas": betas, "eps": eps, "amsgrad": amsgrad, "fused": True})


def adam(*, betas: Betas = (0.9, 0.999), eps: Positive = 1e-8, amsgrad: bool = False) -> TorchOptimiser:
    """Adam (Kingma and Ba 2015); weight decay is an L2 penalty inside the gradient."""
    return TorchOptimiser("Adam", {"betas": betas, "eps": eps, "amsgrad": amsgrad, "fused": True})


def sgd(*, momentum: Share = 0.0, dampening: Share = 0.0, nesterov: bool = False) -> TorchOptimiser:
    """Stochastic gradient descent, on request with momentum; weight decay is an L2 penalty.

    Raises:
        SettingsError: ``nesterov`` without momentum, or with dampening.
    """
    if nesterov and (momentum == 0 or dampening > 0):
        raise SettingsError(
            f"sgd: nesterov needs momentum above 0 and dampening 0, got momentum: {momentum}, dampening: {dampening}"
        )
    return TorchOptimiser("SGD", {"momentum": momentum, "dampening": dampening, "nesterov": nesterov, "fused": True})


def rmsprop(
    *, alpha: Share = 0.99, eps: Positive = 1e-8, momentum: Share = 0.0, centered: bool = False
) -> TorchOptimiser:
    """RMSprop (Hinton's lecture, 2012); weight decay is an L2 penalty."""
    return TorchOptimiser("RMSprop", {"alpha": alpha, "eps": eps, "momentum": momentum, "centered": centered})


def nadam(
    *,
    betas: Betas = (0.9, 0.999),
    eps: Positive = 1e-8,
    momentum_decay: NotNegative = 0.004,
    decoupled_weight_decay: bool = False,
) -> TorchOptimiser:
    """Adam with Nesterov momentum (Dozat 2016)."""
    return TorchOptimiser(
        "NAdam",
        {
            "betas": betas,
            "eps": eps,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
        },
    )


def radam(*, betas: Betas = (0.9, 0.999), eps: Positive = 1e-8, decoupled_weight_decay: bool = False) -> TorchOptimiser:
    """Rectified Adam (Liu et al. 2020)."""
    return TorchOptimiser("RAdam", {"betas": betas, "eps": eps, "decoupled_weight_decay": decoupled_weight_decay})


def adagrad(
    *, lr_decay: NotNegative = 0.0, initial_accumulator_value: NotNegative = 0.0, eps: Positive = 1e-10
) -> TorchOptimiser:
    """Adagrad (Duchi et al. 2011); weight decay is an L2 penalty."""
    return TorchOptimiser(
        "Adagrad", {"lr_decay": lr_decay, "initial_accumulator_value": initial_accumulator_value, "eps": eps}
    )


def adamax(*, betas: Betas = (0.9, 0.999), eps: Positive = 1e-8) -> TorchOptimiser:
    """Adam with the infinity norm (Kingma and Ba 2015); weight decay is an L2 penalty."""
    return TorchOptimiser("Adamax", {"betas": betas, "eps": eps})


def adadelta(*, rho: Share = 0.9, eps: Positive = 1e-6) -> TorchOptimiser:
    """Adadelta (Zeiler 2012), whose own learning rate is 1; weight decay is an L2 penalty."""
    return TorchOptimiser("Adadelta", {"rho": rho, "eps": eps})


def adafactor(
    *, beta2_decay: Annotated[float, Field(le=0)] = -0.8, d: Annotated[float, Field(ge=1)] = 1.0
) -> TorchOptimiser:
    """Adafactor (Shazeer and Stern 2018) with decoupled weight decay; ``d`` clips the update."""
    return TorchOptimiser("Adafactor", {"beta2_decay": beta2_decay, "d": d})


OPTIMISERS: Mapping[str, Component[TorchOptimiser]] = listed(
    {
        adamw: "Adam with decoupled weight decay",
        adam: "Adam; weight decay as L2 penalty",
        sgd: "stochastic gradient descent, with momentum on request",
        rmsprop: "gradients divided by their running magnitude",
        nadam: "Adam with Nesterov momentum",
        radam: "Adam with a rectified warm-up of its own",
        adagrad: "gradients divided by their accumulated magnitude",
        adamax: "Adam with the infinity norm",
        adadelta: "steps scaled by those before; set learning_rate near 1",
        adafactor: "Adam's second moment in factors: little memory, but it waits for a GPU in every step",
    }
)
"""Name to component, in the order of ``bench list optimisers``."""
