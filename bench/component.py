"""``Component``: a named builder, and the settings schema read from its signature.

Context is positional (before ``/``), settings are keyword-only (after ``*``) with a type and a default::

    def build(task: Task, /, *, encoder: str = "resnet18") -> "torch.nn.Module": ...

Only the keyword-only hints are evaluated, so a return type may name a library that is not imported.
"""

from __future__ import annotations

import inspect
import json
import sys
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from bench.canonical import canonical
from bench.errors import BenchError, PluginError, SettingsError, named_line
from bench.life import Overdue, call_seconds, limited, overdue
from bench.trials import why_not_called
from bench.types import JsonValue, Split
from bench.words import did_you_mean, plural

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")

OURS = ("bench", "bench_plugins")
"""Packages whose code is trusted to end."""

CONTEXT = {
    "dataset": 1,
    "model": 1,
    "crop": 1,
    "preprocess": 0,
    "augment": 0,
    "loss": 0,
    "metric": 0,
    "launcher": 1,
    "observer": 1,
    "reporter": 0,
}
"""How many positional arguments the builder of each kind takes: root, task, size, site, folder, or none."""


@dataclass(frozen=True, slots=True)
class About:
    """What a user must know of a component even when its data are absent.

    ``withheld`` says why pictures of the data must not be passed on; it is empty where they may be.
    """

    summary: str
    licence: str = ""
    citation: str = ""
    home: str = ""
    obtain: str = ""
    withheld: str = ""


def why_withheld(name: str, about: About | None, permitted: Collection[str]) -> str:
    """Why pictures of a data set are not shown to others, and what to do; empty where they may be."""
    if about is None or not about.withheld or name in permitted:
        return ""
    return (
        f"pictures of {name} may not be passed on: {about.withheld}; once its owner lets you, give --permitted {name}"
    )


@dataclass(frozen=True, slots=True)
class Download:
    """One file of a release: an archive to unpack, or a plain file.

    ``urls`` are the original and then its mirrors. ``sha256`` is None where nobody publishes one: then the digest
    of what came first is kept and later fetches must agree with it. ``size`` is in bytes, None where unknown.
    ``folder`` is where it is unpacked, below the data set's folder.
    """

    urls: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A data set as published: where its files are, and counts that ``bench data verify`` compares.

    Without ``downloads`` the data must be obtained by hand (``About.obtain`` says how) and imported. ``images`` and
    ``defective`` count the whole release, ``splits`` the images of its official splits, ``classes`` the images that
    show each class, by its name; None and empty where unknown. ``unmarked`` counts images that the release calls
    defective but whose mask marks nothing. The counts are those of the default settings.
    """

    downloads: tuple[Download, ...] = ()
    images: int | None = None
    defective: int | None = None
    unmarked: int = 0
    splits: tuple[tuple[Split, int], ...] = ()
    classes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Component(Generic[T]):
    """A named builder offered by a plugin.

    ``version`` is raised when equal settings may give another result.
    ``supports`` takes the same arguments as ``build`` and says why not, or None; it imports no torch.
    ``example`` writes a miniature of the real folder layout of a data set into an empty folder.
    ``release`` says where a data set is published and how large it is.
    ``badge`` is printed wherever a score of this component is (a leaky split, a test-time oracle).
    ``folder`` names the data set whose folder this one reads too, unless the user gives it one of its own.
    ``learns`` is False for a model with nothing to fit: it needs no defect in the training split.
    """

    name: str
    build: Callable[..., T]
    version: int = 1
    about: About | None = None
    supports: Callable[..., str | None] | None = None
    example: Callable[[Path], None] | None = None
    badge: str | None = None
    release: Release | None = None
    folder: str | None = None
    learns: bool = True


def listed(builders: Mapping[Callable[..., T], str]) -> Mapping[str, Component[T]]:
    """Builders with their summaries as components, each called as its function is, with hyphens."""
    components = {}
    for builder, summary in builders.items():
        name = builder.__name__.replace("_", "-")
        components[name] = Component(name, builder, about=About(summary))
    return components


@dataclass(frozen=True, slots=True)
class Setting:
    """One keyword-only parameter of a builder."""

    name: str
    type: Any
    default: Any


@cache
def settings_of(component: Component[Any]) -> tuple[Setting, ...]:
    """The settings of a component, in the order of its signature.

    Raises:
        PluginError: a parameter has no type or no default, or is neither context nor setting.
    """
    signature = inspect.signature(component.build)
    found = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            continue
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise PluginError(
                f"component {component.name!r}: parameter {parameter.name!r} of its builder must stand "
                "before '/' (context) or after '*' (setting)"
            )
        if parameter.annotation is parameter.empty or parameter.default is parameter.empty:
            raise PluginError(f"component {component.name!r}: setting {parameter.name!r} needs a type and a default")
        found.append(Setting(parameter.name, _evaluated(component, parameter), parameter.default))
    return tuple(found)


def _evaluated(component: Component[Any], parameter: inspect.Parameter) -> Any:
    """Evaluate one annotation; the others may name types that are not imported."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    module = sys.modules.get(component.build.__module__)
    scope = {**vars(typing), **(vars(module) if module else {})}
    try:
        return eval(parameter.annotation, scope)  # noqa: S307 - the plugin's own source text
    except Exception as error:
        raise PluginError(
            f"component {component.name!r}: the type of setting {parameter.name!r}, "
            f"{parameter.annotation!r}, cannot be evaluated ({error})"
        ) from error


def context_arguments(component: Component[Any]) -> int:
    """How many positional-only parameters the builder has."""
    parameters = inspect.signature(component.build).parameters.values()
    return sum(parameter.kind is parameter.POSITIONAL_ONLY for parameter in parameters)


@cache
def _schema(component: Component[Any]) -> Any:
    """A pydantic model whose fields are the settings, aliased so that no name shadows pydantic's own."""
    from pydantic import ConfigDict, Field, PydanticSchemaGenerationError, create_model

    fields: dict[str, Any] = {
        f"setting_{number}": (setting.type, Field(default=setting.default, alias=setting.name))
        for number, setting in enumerate(settings_of(component))
    }
    config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=False)
    try:
        return create_model(f"{component.name} settings", __config__=config, **fields)
    except PydanticSchemaGenerationError as error:
        raise PluginError(
            f"component {component.name!r}: a setting has a type that JSON cannot hold; "
            "use int, float, str, bool, Literal, list, dict or a dataclass of these"
        ) from error


def mistakes_in(
    component: Component[Any], settings: Mapping[str, JsonValue]
) -> list[tuple[tuple[str | int, ...], str]]:
    """Every mistake as (path inside the settings, sentence); empty when the settings are valid."""
    from pydantic import ValidationError

    try:
        _schema(component).model_validate_json(canonical(dict(settings)))
    except ValidationError as error:
        found = {(_place(detail), detail["type"]): detail for detail in error.errors()}  # of absent places the last one
        return [(place, _sentence(component, detail)) for (place, _), detail in found.items()]
    return []


def _place(detail: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where the value with the mistake stands: for an absent place of a pair, the pair."""
    place: tuple[str | int, ...] = tuple(detail["loc"])
    return place[:-1] if detail["type"] == "missing" and isinstance(place[-1], int) else place


def _sentence(component: Component[Any], detail: Mapping[str, Any]) -> str:
    """Say one pydantic error in our words."""
    place, kind = detail["loc"], detail["type"]
    name = str(place[0]) if place else ""
    if kind == "extra_forbidden" and len(place) == 1:
        names = [setting.name for setting in settings_of(component)]
        hint = did_you_mean(name, names)
        return f"{component.name!r} has no setting {name!r}.{hint} It has: {', '.join(names) or 'none'}."
    problem = detail["msg"]
    if kind == "missing" and isinstance(place[-1], int):
        problem = f"needs {plural(place[-1] + 1, 'value')}"
    elif kind == "too_long" and detail["ctx"]["field_type"] == "Tuple":
        problem = f"needs {plural(detail['ctx']['max_length'], 'value')}"
    return f"setting {name!r} of {component.name!r}: {problem}, got {detail['input']!r}"


def _filled(component: Component[Any], settings: Mapping[str, JsonValue]) -> Any:
    """The model of the settings with every default filled in.

    Raises:
        SettingsError: a setting is unknown or of the wrong type; the message names all of them.
    """
    mistakes = mistakes_in(component, settings)
    if mistakes:
        raise SettingsError("; ".join(sentence for _, sentence in mistakes))
    return _schema(component).model_validate_json(canonical(dict(settings)))


def complete(component: Component[Any], settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The settings with every default filled in, as plain JSON values.

    Raises:
        SettingsError: a setting is unknown or of the wrong type; the message names all of them.
    """
    plain: dict[str, JsonValue] = json.loads(_filled(component, settings).model_dump_json(by_alias=True))
    return plain


def json_schema(component: Component[Any]) -> dict[str, JsonValue]:
    """The settings as JSON Schema, for editors and ``bench info``."""
    schema: dict[str, JsonValue] = _schema(component).model_json_schema(by_alias=True)
    return schema


def build(component: Component[T], *context: Any, settings: Mapping[str, JsonValue]) -> T:
    """Build with complete, validated settings, converted to the builder's own types.

    Raises:
        SettingsError: as in :func:`complete`.
        PluginError: the builder fails.
    """
    arguments = _arguments(component, settings)
    return timely(f"the builder of {component.name!r}", component.build, *context, **arguments)


def _arguments(component: Component[Any], settings: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Validated settings with defaults, as the builder's own types."""
    filled = _filled(component, settings)
    return {setting.name: getattr(filled, f"setting_{number}") for number, setting in enumerate(settings_of(component))}


def why_not(component: Component[Any], *context: Any, settings: Mapping[str, JsonValue]) -> str | None:
    """What a component's ``supports`` says against this use, or None; it gets the arguments ``build`` would get.

    Raises:
        PluginError: ``supports`` itself fails.
        SettingsError: as in :func:`complete`.
    """
    if component.supports is None:
        return None
    arguments = _arguments(component, settings)
    return timely(f"'supports' of {component.name!r}", component.supports, *context, **arguments)


def guarded(what: str, call: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Run a plugin's code; whatever it raises becomes one line that names ``what``.

    Raises:
        PluginError: the code failed, or tried to leave the interpreter. Errors of ours pass as they are.
    """
    try:
        return call(*arguments, **named)
    except (BenchError, KeyboardInterrupt, Overdue):
        raise
    except BaseException as error:  # whatever a plugin raises
        raise PluginError(f"{what} fails: {named_line(error)}") from error


def timely(what: str, call: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Run a plugin's code as :func:`guarded` does, and in a command as :func:`within_bounds` does.

    Raises:
        PluginError: as there.
    """
    return within_bounds(what, getattr(call, "__module__", None), partial(call, *arguments, **named))


def within_bounds(what: str, module: str | None, call: Callable[[], R]) -> R:
    """Run code of a module, one of a third party in a command no longer than that waits, and not if it would end it.

    Raises:
        PluginError: the code fails, its time is over, or it would end the process.
    """
    ours = (module or "").partition(".")[0] in OURS
    seconds = None if ours else call_seconds()
    try:
        ending = None if seconds is None else why_not_called(what, module or "", call, seconds)
        if ending is not None:
            raise PluginError(f"{what}: {ending}")
        with limited(seconds):
            return guarded(what, call)
    except (Overdue, TimeoutError):
        raise PluginError(overdue(what, seconds)) from None
