"""How a contract is written: clauses that yield sentences, and plugin code run so that it can break nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

from bench.component import Component, build
from bench.errors import BenchError, one_line
from bench.words import shown

P = ParamSpec("P")
T = TypeVar("T")
Sentences: TypeAlias = Iterator[str]
"""What a clause yields: the sentences that are broken, with the value, and what to do."""

MOST = 3
"""So many images are named for one sentence; more of the same tell nothing new."""


class Breach(Exception):
    """A broken sentence after which a clause cannot go on."""


def kept(*clauses: Iterable[str]) -> list[str]:
    """The sentences of all clauses, each once, whatever a plugin raises, prints as a warning, or divides by zero."""
    found: dict[str, None] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for clause in clauses:
            try:
                for sentence in clause:
                    found[sentence] = None
            except Breach as breach:
                found[str(breach)] = None
            except (Exception, SystemExit) as error:
                found[f"what it returns breaks the check: {said(error)}"] = None
    return list(found)


def together(*clauses: Iterable[str]) -> Sentences:
    """The sentences of all clauses, none of which builds on another."""
    yield from kept(*clauses)


def in_turn(*clauses: Iterable[str]) -> Sentences:
    """The sentences of the first clause that is broken: those after it build on it and are not asked."""
    for clause in clauses:
        found = kept(clause)
        if found:
            yield from found
            return


def asked(build: Callable[[], Any], clause: Callable[..., Sentences], *case: Any) -> Sentences:
    """A clause on what is built for it alone."""
    yield from clause(build(), *case)


def ran(what: str, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The value of a plugin's code.

    Raises:
        Breach: it raised; the sentence begins with ``what``.
    """
    try:
        return call(*arguments, **named)
    except (Exception, SystemExit) as error:
        raise Breach(f"{what} raises {said(error)}") from error


def judged(what: str, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The value of code of the core that runs a plugin's: errors of ours speak for themselves.

    Raises:
        Breach: something is wrong with what the plugin does.
    """
    try:
        return call(*arguments, **named)
    except BenchError as error:
        raise Breach(one_line(error)) from error
    except (Exception, SystemExit) as error:
        raise Breach(f"{what} raises {said(error)}") from error


def built(component: Component[Any], *context: Any) -> Any:
    """What the component builds with its default settings."""
    return judged("building it", build, component, *context, settings={})


def function_of(component: Component[Any], signature: str) -> Any:
    """What the component builds, which must be a function.

    Raises:
        Breach: it is none; ``signature`` says of what it must be one.
    """
    function = built(component)
    if not callable(function):
        raise Breach(f"its builder returned {shown(function)}: return a function {signature}")
    return function


def said(error: BaseException) -> str:
    """``ValueError: no such lamp``."""
    return f"{type(error).__name__}: {one_line(error)}"
