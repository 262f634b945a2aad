"""The one door: a suite file, resolved with every name and setting, or all of its mistakes at once.

The file is read as YAML with places (:mod:`.yaml`), profile and overrides are laid over it (:mod:`.layers`), the schema
checks its shape and the catalog its names (:mod:`.typed`), and its axes (:mod:`.axes`) with the exceptions to them
(:mod:`.rules`) make the cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.canonical import digest
from bench.errors import DataError, PluginError, SuiteError
from bench.home import expanded, resolved
from bench.machine import why_no_device
from bench.suite.cells import Grid, expand
from bench.suite.reading.axes import Base, one_value, ordered, read_axes
from bench.suite.reading.layers import Choice, choose, layered, profiles_of, read_file, read_overrides
from bench.suite.reading.rules import Conditions, check_board, read_exclusions, read_extras, reference_of
from bench.suite.reading.typed import Reader, all_resolved, protocol_of, recipe_of, typed, without_clash
from bench.suite.reading.typed import resolved as resolved_component
from bench.suite.reading.yaml import Mark, Mistakes, Node, mark_of, parse
from bench.suite.resolved import Suite, suite_from_json
from bench.suite.schema import Board, Protocol, Recipe, Ref, Runtime
from bench.suite.skipped import Objections
from bench.suite.written import SuiteFile
from bench.words import unknown

if TYPE_CHECKING:
    from bench.catalog import Catalog

__all__ = ["Suite", "component_from", "load_suite", "suite_from_json"]


def load_suite(path: Path, catalog: Catalog, *, profile: str | None = None, overrides: Sequence[str] = ()) -> Suite:
    """Read a suite file, lay the profile and ``-x KEY=VALUE`` over it, and resolve everything.

    Every profile of the file is read, not only the chosen one, so that no mistake waits for another machine.
    An exclude is idle, a mistake, only if it matches nothing in the suite as written and in all of its profiles.

    Raises:
        SuiteError: with every mistake as ``file:line:column: sentence``; those of overrides as ``-x argument n: ...``.
    """
    mistakes = Mistakes()
    root = read_file(path, mistakes)
    profiles = profiles_of(root, mistakes)
    choice = choose(tuple(profiles), profile, mistakes)
    changes = read_overrides(overrides, mistakes)
    chosen = [profiles[choice.profile]] if choice.profile else []
    conditions = Conditions()
    reader = Reader(catalog, path.parent, mistakes)
    suite, grid = _read(reader, layered(root, [*chosen, *changes], mistakes), conditions)
    others: dict[str | None, list[Node]] = {None: []}
    for name, layer in profiles.items():
        others[name] = [layer]
    if not changes:
        others.pop(choice.profile)  # just read
    _read_variants(reader, root, others, choice, conditions)
    for mark, sentence in conditions.never_matched():
        mistakes.add(mark, sentence)
    mistakes.check()
    try:
        cells, notes = expand(grid)
    except PluginError as error:
        raise SuiteError([f"{path}: {error}"]) from error
    ids = sorted(cell.id for cell in cells if cell.excluded is None)
    whole = digest({"cells": ids, "board": suite.board.model_dump(mode="json", exclude_none=True)})
    suite = replace(suite, path=path, profile=choice.profile, profile_reason=choice.reason)
    return replace(suite, cells=cells, notes=notes, hash=whole)


def component_from(text: str, kind: str, catalog: Catalog) -> Ref:
    """The component that ``metalpart`` or ``{use: metalpart, settings: {domain: render}}`` means, settings complete.

    Raises:
        SuiteError: the text is no YAML, or names no component of this kind or no such setting; with every mistake.
    """
    mistakes = Mistakes()
    mark = Mark(f"{kind} {text!r}")
    node = parse(text, lambda *_: mark, mistakes)
    reader = Reader(catalog, Path(), mistakes)
    found = one_value(reader, kind, node, Base(Recipe(), Protocol())) if node and text.strip() else None
    if not text.strip():
        mistakes.add(mark, f"name a {kind}.")
    mistakes.check()
    assert found is not None, "what could not be read is a mistake"
    ref: Ref = found.value
    return ref


def _read_variants(
    reader: Reader, root: Node, variants: Mapping[str | None, list[Node]], choice: Choice, conditions: Conditions
) -> None:
    """Read the suite with each of these layers; what only another profile has wrong is added with its name."""
    for name, layers in variants.items():
        aside = Mistakes()
        _read(replace(reader, mistakes=aside), layered(root, layers, aside), conditions)
        if name not in (None, choice.profile):
            reader.mistakes.add_new(aside, f" (in the profile {name!r})")


def _read(reader: Reader, root: Node, conditions: Conditions) -> tuple[Suite, Grid]:
    """Read every part, so that the mistakes of all parts are found together; a part with mistakes is its default.

    The suite has no cells yet: they are those of the grid.
    """
    file, root = typed(reader, SuiteFile, root, spare={"name": Node(root.mark, "unnamed")})
    assert file is not None, "nothing but a name must be there"
    base = _base(reader, file, root)
    axes = read_axes(reader, root, base)
    board = file.board or Board()
    check_board(reader, board, root.section("board"), axes)
    reference = None
    if file.reference is not None:
        reference = reference_of(reader, file.reference, root.section("reference"), axes, board, conditions)
    runtime = _runtime(reader, file.runtime or Runtime(), root)
    exclusions = read_exclusions(reader, root, axes, conditions)
    extras = read_extras(reader, root, axes, base)
    why_not = Objections(reader.catalog).why_not
    levels = axes.values
    suite = Suite(
        name=file.name,
        path=reader.folder,
        description=file.description or None,
        data=_data(reader, root.section("data")),
        axes={axis: levels[axis] for axis in ordered(levels) if axis not in axes.tuned},
        recipe=base.recipe,
        protocol=base.protocol,
        board=board,
        runtime=runtime,
        tune={axis: tuple(value.value for value in levels[axis]) for axis in axes.tuned},
        paired=tuple(tuple(block[0]) for block in axes.blocks if block and len(block[0]) > 1),
        reference=reference,
        hash="",
    )
    return suite, Grid(axes.blocks, exclusions, extras, base.recipe, base.protocol, axes.tuned, why_not)


def _base(reader: Reader, file: SuiteFile, root: Node) -> Base:
    node = root.section("recipe")
    recipe = without_clash(reader, recipe_of(reader, file.recipe or Recipe(), node), node)
    protocol = protocol_of(reader, file.protocol or Protocol(), root.section("protocol"))
    return Base(recipe or Recipe(), protocol or Protocol())


def _runtime(reader: Reader, runtime: Runtime, root: Node) -> Runtime:
    """The run time with its launcher and its observers found and complete."""
    why = why_no_device(runtime.device) if runtime.device is not None else None
    if why:
        reader.add(mark_of(root, ("runtime", "device")), f"runtime.device: {why}.")
    launcher = resolved_component(reader, "launcher", runtime.launcher, root, "runtime", "launcher")
    observers = all_resolved(reader, "observer", runtime.observers, root, "runtime", "observers")
    names = [ref.use for ref in runtime.observers]
    for number, name in enumerate(names):
        if name in names[:number]:
            reader.add(
                mark_of(root, ("runtime", "observers", number)), f"runtime.observers: {name!r} stands there twice."
            )
    return runtime.model_copy(update={"launcher": launcher or runtime.launcher, "observers": observers or ()})


def _data(reader: Reader, node: Node) -> dict[str, str]:
    """Data set to absolute folder: relative ones start at the suite's folder, those of ``-x`` at the current one."""
    folders = {}
    known = reader.catalog.names("dataset")
    for name, folder in node.mapping.items():
        if name not in known:
            reader.add(node.keys[name], unknown("data set", name, known))
        start = reader.folder if folder.mark.line else Path()
        try:
            folders[name] = str(resolved(start / expanded(str(folder.value))))
        except DataError as error:
            reader.add(folder.mark, f"{error}.")
    return folders
