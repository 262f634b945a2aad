"""Safe YAML in which every value keeps the place where it was written, and mistakes by their places.

Scalars are read as JSON reads them, so the traps of YAML 1.1 are closed: ``no``, ``on``, ``10:30``,
``2026-11-22``, ``010``, ``0o17``, ``0x1f``, ``1_000`` and ``.inf`` are text, ``1e-3`` is a number. Text that
stands where a number must be is refused later, by the typed parts of the suite, with its place.
Refused here: syntax errors, tabs, a key given twice, tags, merge keys, several documents.
Anchors and aliases work, as long as the file does not grow beyond ``LARGEST`` values by them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import yaml

from bench.errors import SuiteError
from bench.types import JsonValue

Scalar: TypeAlias = str | int | float | bool | None
DEEPEST = 50
"""Levels of nesting; libyaml's own composer overflows the C stack without a limit."""
TOO_DEEP = f"nested more than {DEEPEST} levels deep."
LARGEST = 1_000_000
"""Values of a file with aliases written out; twenty lines of nested aliases can ask for 10^9."""

_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DIGITS = 300
_STRANGE = yaml.reader.Reader.NON_PRINTABLE

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value was written: ``source:line:column``, counted from 1.

    Line 0 stands for a source without lines, such as ``-x argument 2``; ``column`` then only orders such sources.
    """

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(slots=True)
class Mistakes:
    """Mistakes found so far, each once, so that all are reported together."""

    found: dict[tuple[Mark, str], None] = field(default_factory=dict)

    def add(self, mark: Mark, sentence: str) -> None:
        """Note one mistake; the same sentence at the same place counts once."""
        self.found[mark, sentence] = None

    def add_new(self, others: Mistakes, suffix: str) -> None:
        """Note those of ``others`` that are not known yet, with a suffix that says where they come from."""
        for mark, sentence in others.found:
            if (mark, sentence) not in self.found:
                self.add(mark, sentence + suffix)

    def lines(self) -> list[str]:
        """``place: sentence``, by line and column; sources without lines come last, as found."""
        ordered = sorted(self.found, key=lambda item: (not item[0].line, item[0].line, item[0].column))
        return [f"{mark}: {sentence}" for mark, sentence in ordered]

    def check(self) -> None:
        """Go on only when nothing was found.

        Raises:
            SuiteError: with every mistake.
        """
        if self.found:
            raise SuiteError(self.lines())


Place: TypeAlias = Callable[[int, int], Mark]
"""(line, column), both from 1, to a mark."""


@dataclass(frozen=True, slots=True)
class Node:
    """One YAML value with its mark; ``keys`` are the marks of a mapping's keys, ``size`` counts all values."""

    mark: Mark
    value: Scalar | tuple[Node, ...] | Mapping[str, Node]
    keys: Mapping[str, Mark] = field(default_factory=dict)
    size: int = 1

    @property
    def mapping(self) -> Mapping[str, Node]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def values(self) -> tuple[Node, ...]:
        """The values of a list; a single value counts as a list of one."""
        return self.value if isinstance(self.value, tuple) else (self,)

    def section(self, key: str) -> Node:
        """The value of a key; without one, or with null, a node that holds nothing."""
        inner = self.mapping.get(key)
        return Node(self.mark, ()) if inner is None or inner.value is None else inner

    def at(self, step: str | int) -> Node | None:
        """The value of a key or position, or None."""
        if isinstance(step, str):
            return self.mapping.get(step)
        return self.value[step] if isinstance(self.value, tuple) and step < len(self.value) else None


class _Stop(Exception):
    """Reading cannot go on; the mistake is already noted."""


def parse(text: str, place: Place, mistakes: Mistakes) -> Node | None:
    """Read one YAML document; None when it is empty or when reading could not go on (a mistake is noted)."""
    strange = _STRANGE.search(text)
    if strange:
        line, column = text.count("\n", 0, strange.start()), strange.start() - text.rfind("\n", 0, strange.start())
        mistakes.add(place(line + 1, column), f"the character U+{ord(strange.group()):04X} cannot stand in YAML.")
        return None
    try:
        return _document(yaml.parse(text, Loader=_Loader), place, mistakes)
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        mistakes.add(*_syntax_mistake(error, text, place))
    return None


def plain(node: Node) -> JsonValue:
    """The value without marks: what ``json.loads`` would give."""
    if isinstance(node.value, Mapping):
        return {key: plain(value) for key, value in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(value) for value in node.value]
    return node.value


def mark_of(node: Node, path: Sequence[str | int], *, key: bool = False) -> Mark:
    """Mark of the value at ``path``, or of its key; as deep as the file goes, unknown steps are left out."""
    mark = node.mark
    for number, step in enumerate(path):
        inner = node.at(step)
        if inner is not None:
            mark = node.keys[str(step)] if key and number == len(path) - 1 else inner.mark
            node = inner
    return mark


def without(node: Node, path: Sequence[str | int]) -> Node:
    """The node without what stands at ``path``; as deep as the file goes, unknown steps are left out."""
    for number, step in enumerate(path):
        inner = node.at(step)
        if inner is None:
            continue
        kept = without(inner, path[number + 1 :])
        left = () if kept is inner else (kept,)  # nothing deeper to take out: this is it
        if isinstance(step, int):
            return replace(node, value=(*node.values[:step], *left, *node.values[step + 1 :]))
        entries = {**node.mapping, step: kept}
        if kept is inner:
            del entries[step]
        return replace(node, value=entries)
    return node


def _syntax_mistake(error: yaml.MarkedYAMLError, text: str, place: Place) -> tuple[Mark, str]:
    mark = error.problem_mark or error.context_mark
    deep = _too_deep(text[: mark.index], place) if mark else None
    if deep:
        return deep, TOO_DEEP
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    written = lines[line] if line < len(lines) else ""
    if written[column : column + 1] == "\t":
        return place(line + 1, column + 1), "a tab indents this line; YAML takes spaces only."
    context = f"{error.context}, " if error.context else ""
    return place(line + 1, column + 1), f"not YAML: {context}{error.problem}."


def _too_deep(text: str, place: Place) -> Mark | None:
    """Where nesting becomes too deep; some releases of libyaml refuse that ahead of the events, in other words."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.NodeEvent) and depth > DEEPEST:
                return _marked(event, place)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
    except yaml.MarkedYAMLError:
        pass
    return None


def _marked(event: yaml.Event, place: Place) -> Mark:
    start = event.start_mark
    assert start is not None  # the parser marks every event
    return place(start.line + 1, start.column + 1)


def _document(events: Iterator[yaml.Event], place: Place, mistakes: Mistakes) -> Node | None:
    composer = _Composer(place, mistakes)
    root = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            mistakes.add(composer.mark(event), "a second document starts here; a suite is one document.")
            raise _Stop
        if isinstance(event, yaml.NodeEvent):
            root = composer.node(event, events, 0)
    return root


@dataclass(frozen=True)
class _Composer:
    """Events to nodes; ``anchors`` holds the finished ones, so that no alias can contain itself."""

    place: Place
    mistakes: Mistakes
    anchors: dict[str, Node] = field(default_factory=dict)

    def mark(self, event: yaml.Event) -> Mark:
        return _marked(event, self.place)

    def stop(self, mark: Mark, sentence: str) -> _Stop:
        self.mistakes.add(mark, sentence)
        return _Stop()

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        mark = self.mark(event)
        if depth > DEEPEST:
            raise self.stop(mark, TOO_DEEP)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.stop(mark, f"the alias '*{event.anchor}' has no finished anchor before it.")
            return self.anchors[event.anchor]
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if event.tag is not None:
            short = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.mistakes.add(mark, f"the tag {short!r} is not taken here; write a plain value.")
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(mark, events, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            values = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                values.append(self.node(inner, events, depth + 1))
            node = Node(mark, tuple(values), size=1 + sum(value.size for value in values))
        else:
            assert isinstance(event, yaml.ScalarEvent)
            node = Node(mark, self._scalar(event, mark))
        if node.size > LARGEST:
            raise self.stop(mark, f"aliases make more than {LARGEST:,} values of this; write less.")
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _mapping(self, mark: Mark, events: Iterator[yaml.Event], depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key_mark = self.mark(event)
            key = self._key(event, key_mark)
            value = self.node(next(events), events, depth + 1)
            if key in entries:
                self.mistakes.add(key_mark, f"the key {key!r} stands twice; the first is at {keys[key]}.")
                continue
            entries[key], keys[key] = value, key_mark
        return Node(mark, entries, keys, 1 + sum(value.size for value in entries.values()))

    def _key(self, event: yaml.Event, mark: Mark) -> str:
        """The key's own text: ``no: 1`` has the key 'no'."""
        if not isinstance(event, yaml.ScalarEvent):
            raise self.stop(mark, "a key must be plain text.")
        if event.value == "<<" and event.implicit[0]:
            raise self.stop(mark, "the merge key '<<' is not taken; use an alias for a whole value instead.")
        if event.anchor:
            self.anchors[event.anchor] = Node(mark, event.value)
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        text = str(event.value)
        if not event.implicit[0]:  # quoted, a block, or tagged
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NUMBER.fullmatch(text) is None:
            return text
        if len(text) > _DIGITS or math.isinf(float(text)):
            self.mistakes.add(mark, f"the number {text[:20]}... is too large.")
            return 0
        return int(text) if _INTEGER.fullmatch(text) else float(text) + 0.0  # -0.0 becomes 0.0
