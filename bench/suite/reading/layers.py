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
from bench.gpus import gpus
from bench.suite.reading.yaml import Mark, Mistakes, Node, parse
from bench.suite.written import Layer, SuiteFile
from bench.words import unknown

AS_WRITTEN = "none"
"""``--profile none`` takes the suite as written, without any profile."""

_WHOLE_NAMES = ("axes", "tune", "data")
"""Sections whose keys may hold dots: ``-x axes.recipe.learning_rate=[1e-3]``."""


LARGEST_FILE = 4 * 10**6
"""Bytes of a suite or another file that is written by hand."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile in use, or None, and why it is this one."""

    profile: str | None
    reason: str


def read_file(path: Path, mistakes: Mistakes, what: str = "suite", first: str = "name") -> Node:
    """A file as a located mapping; ``what`` it is, and the key that comes ``first``, are for mistakes.

    Raises:
        SuiteError: it is missing, not text, not YAML, empty or not a mapping; with every mistake of that sort.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise SuiteError([f"{path}: the {what} cannot be read: {error.strerror}."]) from error
    except UnicodeDecodeError as error:
        raise SuiteError([f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."]) from error
    if len(content) > LARGEST_FILE:
        raise SuiteError([f"{path}: a {what} of more than {LARGEST_FILE // 10**6} MB is not read; write less."])
    root = parse(text, partial(Mark, str(path)), mistakes)
    mistakes.check()
    if root is None or not isinstance(root.value, dict):
        raise SuiteError([f"{path}:1:1: a {what} is a mapping that starts with '{first}: ...'."])
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
    known = [key for key in SuiteFile.model_fields if key != "profiles"]  # what a profile sets can be changed
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
    paired: set[str] = set()
    for group in root.section("paired").values:
        for row in group.values:
            paired |= row.mapping.keys()
    for layer in layers[pairing + 1 :]:
        for axis, mark in layer.section("axes").keys.items():
            if axis in paired:
                mistakes.add(mark, f"the axis {axis!r} is paired, so this would change nothing; change 'paired'.")
    return root


def profiles_of(root: Node, mistakes: Mistakes) -> dict[str, Node]:
    """The profiles of a suite by name; a key that none may have is noted once and left out."""
    node = root.section("profiles")
    if AS_WRITTEN in node.mapping:
        sentence = f"{AS_WRITTEN!r} cannot name a profile: it stands for the suite as written."
        mistakes.add(node.keys[AS_WRITTEN], sentence)
    profiles = {}
    for name, profile in node.mapping.items():
        kept = {}
        for key, value in profile.mapping.items():
            if key in Layer.model_fields:
                kept[key] = value
            else:
                mistakes.add(profile.keys[key], unknown(f"key of the profile {name!r}:", key, Layer.model_fields))
        profiles[name] = Node(profile.mark, kept, profile.keys)
    return profiles


def choose(profiles: Sequence[str], asked: str | None, mistakes: Mistakes) -> Choice:
    """The profile asked for, else ``$BENCH_PROFILE``, else ``gpu`` where torch can use one, or ``cpu``.

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
    found = gpus()
    name = "gpu" if found.usable else "cpu"
    reason = "an NVIDIA GPU is present"
    if not found.usable:
        reason = "the NVIDIA GPU cannot be used" if found.remarks else "no NVIDIA GPU is present"
    return Choice(name if name in profiles else None, reason)
