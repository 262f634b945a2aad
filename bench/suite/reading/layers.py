"""Suite, then profile, then ``-x KEY=VALUE``: located YAML laid over located YAML.

Lists replace, mappings merge, a component (a mapping with ``use``) replaces as a whole, and so does every axis.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

from bench.errors import SuiteError
from bench.machine import gpus
from bench.suite.reading.mistakes import Mark, Mistakes
from bench.suite.reading.rows import as_columns
from bench.suite.reading.yaml import Node, parse
from bench.suite.schema import Layer
from bench.words import unknown

PROFILE_KEYS = tuple(Layer.model_fields)
KEYS = ("name", "description", "data", *PROFILE_KEYS, "profiles")
AS_WRITTEN = "none"
"""``--profile none`` takes the suite as written, without any profile."""

_WHOLE_NAMES = ("axes", "tune", "data")
"""Sections whose keys may hold dots: ``-x axes.recipe.learning_rate=[1e-3]``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile in use, or None, and why it is this one."""

    profile: str | None
    reason: str


def read_file(path: Path, mistakes: Mistakes) -> Node:
    """The suite file as a located mapping.

    Raises:
        SuiteError: it is missing, not text, not YAML, empty or not a mapping; with every mistake of that sort.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SuiteError([f"{path}: the suite cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise SuiteError([f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."]) from error
    root = parse(text, partial(Mark, str(path)), mistakes)
    mistakes.check()
    if root is None or not isinstance(root.value, dict):
        raise SuiteError([f"{path}:1:1: a suite is a mapping that starts with 'name: ...'."])
    return root


def read_overrides(overrides: Sequence[str], mistakes: Mistakes) -> list[Node]:
    """Each ``KEY=VALUE`` as a located tree, in the order given."""
    trees = [
        _override(text, Mark(f"-x argument {number}", 0, number), mistakes) for number, text in enumerate(overrides, 1)
    ]
    return [tree for tree in trees if tree]


def _override(text: str, mark: Mark, mistakes: Mistakes) -> Node | None:
    key, equals, value = text.partition("=")
    head, _, rest = key.strip().partition(".")
    if not equals or not value.strip():
        mistakes.add(mark, f"{text!r} is not KEY=VALUE; write for example recipe.epochs=3 (null for no value).")
        return None
    known = KEYS[:-1]  # a profile is not changed from outside: what it sets is
    if head not in known:
        mistakes.add(mark, unknown("key", head, known))
        return None
    steps = [head, *([rest] if head in _WHOLE_NAMES else rest.split("."))] if rest else [head]
    if "" in steps or key.strip().endswith("."):
        mistakes.add(mark, f"the key {key!r} has an empty part.")
        return None
    node = parse(value, lambda *_: mark, mistakes)
    for step in reversed(steps):
        node = node and Node(mark, {step: node}, {step: mark})
    return node


def overlay(base: Node, over: Node, path: tuple[str, ...] = ()) -> Node:
    """``over`` laid over ``base``: mappings merge, everything else replaces."""
    if isinstance(base.value, str) and "settings" in over.mapping:
        base = Node(base.mark, {"use": base}, {"use": base.mark})  # a bare name gains settings
    axis_or_tuned = len(path) == 2 and path[0] in ("axes", "tune")
    if not isinstance(base.value, dict) or not isinstance(over.value, dict) or "use" in over.value or axis_or_tuned:
        return over
    merged = dict(base.value)
    for key, value in over.value.items():
        merged[key] = overlay(merged[key], value, (*path, key)) if key in merged else value
    return Node(base.mark, merged, {**base.keys, **over.keys})


def layered(base: Node, layers: Sequence[Node], mistakes: Mistakes) -> Node:
    """Every layer over the one before; an axis that is paired cannot be changed alone, because nothing would change."""
    root = reduce(overlay, layers, base)
    pairing = max((number for number, layer in enumerate(layers) if "paired" in layer.mapping), default=-1)
    paired = _paired_axes(root)
    for layer in layers[pairing + 1 :]:
        for axis, mark in layer.mapping["axes"].keys.items() if "axes" in layer.mapping else ():
            if axis in paired:
                mistakes.add(mark, f"the axis {axis!r} is paired, so this would change nothing; change 'paired'.")
    return root


def _paired_axes(root: Node) -> set[str]:
    paired = root.mapping.get("paired")
    return {axis for group in (paired.values if paired else ()) for axis in as_columns(group, _unsaid).mapping}


def _unsaid(_axis: str, row: Node) -> Node:
    """Names only are asked for here, so what a row leaves out is of no account."""
    return row


def profiles_of(root: Node, mistakes: Mistakes) -> dict[str, Node]:
    """The profiles of a suite by name, their keys checked."""
    node = root.mapping.get("profiles")
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        mistakes.add(node.mark, "profiles must be a mapping of names to overlays.")
        return {}
    if AS_WRITTEN in node.value:
        mistakes.add(
            node.keys[AS_WRITTEN], f"{AS_WRITTEN!r} cannot name a profile: it stands for the suite as written."
        )
    for name, profile in node.value.items():
        if not isinstance(profile.value, dict | None):
            mistakes.add(profile.mark, f"the profile {name!r} must be a mapping.")
        check_keys(profile, PROFILE_KEYS, f"key of the profile {name!r}:", mistakes)
    return {name: _without(profile, PROFILE_KEYS) for name, profile in node.value.items()}


def check_keys(node: Node, known: Sequence[str], what: str, mistakes: Mistakes) -> None:
    """Note every key of a mapping that nobody knows."""
    for key, mark in node.keys.items():
        if key not in known:
            mistakes.add(mark, unknown(what, key, known))


def _without(node: Node, known: Sequence[str]) -> Node:
    """The node without unknown keys, which are reported once and not again as part of the merged suite."""
    kept = {key: value for key, value in node.mapping.items() if key in known}
    return Node(node.mark, kept, node.keys)


def choose(profiles: Sequence[str], asked: str | None, mistakes: Mistakes) -> Choice:
    """The profile asked for, else ``$BENCH_PROFILE``, else ``gpu`` or ``cpu`` by the driver that is present.

    A suite without profiles does not mind ``$BENCH_PROFILE``: there is nothing to choose.
    """
    named = asked or (os.environ.get("BENCH_PROFILE") if profiles else None)
    source = "--profile" if asked else "BENCH_PROFILE"
    if named == AS_WRITTEN:
        return Choice(None, source)
    if named:
        if named not in profiles:
            mistakes.add(Mark(source), unknown("profile", named, (*profiles, AS_WRITTEN)))
            return Choice(None, source)
        return Choice(named, source)
    if not {"gpu", "cpu"} & set(profiles):
        return Choice(None, "the suite has no profile 'gpu' or 'cpu'")
    found = gpus() > 0
    reason = "an NVIDIA GPU is present" if found else "no NVIDIA GPU is present"
    name = "gpu" if found else "cpu"
    return Choice(name if name in profiles else None, reason)
