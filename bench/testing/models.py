"""The contract of models, asked of a component."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench.component import Component, build
from bench.testing.clauses import Breach, Sentences, kept
from bench.train import model_contract
from bench.types import Choosing, Task
from bench.words import shown

if TYPE_CHECKING:
    import torch


def breaches_of_model(component: Component[Any]) -> list[str]:
    """The clauses of :func:`bench.train.model_contract.breaches_of_model`, equal sentences for all channels as one; and
    what the component says of its model."""
    return kept(forwarding(component), declaring(component), choosing(component))


def forwarding(component: Component[Any]) -> Sentences:
    """Logits, gradients and state, and no image that sees another of its batch, with default settings."""
    by_sentence: dict[str, list[str]] = {}
    for breach in model_contract.breaches_of_model(lambda task: _built(component, task)):
        told = re.fullmatch(r"with (\d+) channels?: (.*)", breach, re.DOTALL)
        channels, sentence = told.groups() if told else ("", breach)
        by_sentence.setdefault(sentence, []).append(channels)
    for sentence, found in by_sentence.items():
        word = "channel" if found == ["1"] else "channels"
        yield f"with {_all(found)} {word}: {sentence}" if found[0] else sentence


def declaring(component: Component[Any]) -> Sentences:
    """A model offered with ``learns=False`` has no parameter to fit."""
    if component.learns:
        return
    if any(parameter.requires_grad for parameter in _built(component, Task(1, 1)).parameters()):
        yield "it has parameters to fit but is offered with 'learns=False': leave that out"


def choosing(component: Component[Any]) -> Sentences:
    """A model that leaves a setting to validation has nothing to fit, and its state says what was chosen."""
    import torch

    model, other = _built(component, Task(1, 1)), _built(component, Task(1, 1))
    if not isinstance(model, Choosing) or not isinstance(other, Choosing):
        return
    if component.learns:
        yield "it leaves a setting to validation, which is asked of models with nothing to fit only: say 'learns=False'"
    model.choose(len(model.choices) - 1)
    other.load_state_dict(model.state_dict())
    images = torch.linspace(-2, 2, 64 * 64).reshape(1, 1, 64, 64)
    if not torch.equal(model(images), other(images)):
        yield "what was chosen is not in its state: keep the number in a buffer and take it when a state is loaded"


def _built(component: Component[Any], task: Task) -> torch.nn.Module:
    import torch

    model: object = build(component, task, settings={})
    if not isinstance(model, torch.nn.Module):
        raise Breach(f"its builder returned {shown(model)}: return a torch.nn.Module")
    return model


def _all(names: list[str]) -> str:
    """``1, 3 and 5``."""
    unique = list(dict.fromkeys(names))
    return " and ".join([", ".join(unique[:-1]), unique[-1]]) if len(unique) > 1 else unique[0]
