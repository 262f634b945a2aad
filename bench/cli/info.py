"""``bench info``: one component in full, or a shipped suite."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from bench.cli import complete
from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import json_option, put_json
from bench.cli.recipe_parts import recipe_offers
from bench.cli.terminal import fitted
from bench.errors import PluginError
from bench.suite.shipped import shipped_suites
from bench.words import did_you_mean

if TYPE_CHECKING:
    from bench.catalog import Catalog, Offer

TOLD = ("summary", "licence", "citation", "home", "obtain")


@click.command("info")
@click.argument("name", shell_complete=complete.components())
@click.option("--schema", is_flag=True, help="Print the settings (of a suite: its keys) as JSON Schema instead.")
@workspace_options()
@json_option
def command(name: str, schema: bool, workspace: Workspace, as_json: bool) -> None:
    """Show the component NAME (settings with defaults, provider, licence, how to obtain), or the shipped suite NAME."""
    catalog = workspace.catalog
    found, suite = _found(catalog, name), shipped_suites().get(name)
    if not found and not suite:
        known = {offer.component.name for offer in (*catalog.all, *recipe_offers())} | set(shipped_suites())
        hint = did_you_mean(name.rpartition(":")[2], sorted(known))
        raise PluginError(f"no plugin offers anything called {name!r}.{hint} 'bench list KIND' shows all.")
    if schema:
        _print_schemas(found)
        return
    if as_json:
        put_json({"components": list(map(_plain, found)), "suite": suite and {"name": name, "file": suite}})
        return
    for offer in found:
        for text in fitted(_lines(offer)):
            click.echo(text)
    if suite:
        click.echo(f"suite {name}: {suite}\n\n{suite.read_text(encoding='utf-8').rstrip()}")


def _print_schemas(found: list[Offer]) -> None:
    """Print the settings of components, or else the keys of a suite file, as JSON Schema for editors."""
    from bench.component import json_schema
    from bench.suite.written import suite_schema

    for schema in [json_schema(offer.component) for offer in found] or [suite_schema()]:
        click.echo(json.dumps(schema, indent=1))


def _found(catalog: Catalog, name: str) -> list[Offer]:
    """Every component of that name, of whatever kind."""
    package, _, plain = name.rpartition(":")
    offers = (*catalog.all, *recipe_offers())
    return [o for o in offers if o.component.name == plain and package in ("", o.provider.package)]


def _lines(offer: Offer) -> list[str]:
    from bench.component import complete, settings_of

    component, provider = offer.component, offer.provider
    lines = [f"{offer.kind} {component.name} (version {component.version})"]
    if component.badge:
        lines.append(f"  badge: {component.badge}")
    where = str(provider.local) if provider.local else f"{provider.package} {provider.version}"
    lines.append(f"  provider: {where} ({provider.module}, source {provider.source_hash[:12]})")
    told = {label: getattr(component.about, label, None) for label in TOLD}
    lines += [f"  {label}: {text}" for label, text in told.items() if text]
    defaults = complete(component, {})
    lines += [f"  {text}".rstrip() for text in _explained(component.build)]
    lines.append("  settings:" if defaults else "  settings: none")
    for setting in settings_of(component):
        lines.append(f"    {setting.name}: {type_text(setting.type)} = {json.dumps(defaults[setting.name])}")
    return lines


def _plain(offer: Offer) -> dict[str, Any]:
    """A component as data."""
    from bench.component import complete, json_schema, settings_of

    component = offer.component
    told = {label: getattr(component.about, label, None) for label in TOLD}
    defaults = complete(component, {})
    settings = [
        {"name": setting.name, "type": type_text(setting.type), "default": defaults[setting.name]}
        for setting in settings_of(component)
    ]
    return {
        "kind": offer.kind,
        "name": component.name,
        "version": component.version,
        "badge": component.badge,
        "provider": offer.provider,
        **told,
        "explained": "\n".join(_explained(component.build)),
        "settings": settings,
        "schema": json_schema(component),
    }


def _explained(build: Callable[..., Any]) -> list[str]:
    """What a builder says of itself and its settings: its docstring up to what it returns or raises."""
    text = build.__doc__ if inspect.isroutine(build) else None
    lines = inspect.cleandoc(text or "").splitlines()
    end = next((k for k, line in enumerate(lines) if line in ("Raises:", "Returns:", "Yields:")), len(lines))
    return "\n".join(lines[:end]).strip().replace("``", "").splitlines()


def type_text(kind: Any) -> str:
    """A setting's type as a user would say it: ``float, above 0, at most 1``."""
    if get_origin(kind) is Annotated:
        base, *notes = get_args(kind)
        texts = [type_text(base), *map(_bounds, notes)]
        return ", ".join(text for text in texts if text)
    if get_origin(kind) is Literal:
        return " | ".join(json.dumps(value) for value in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(type_text(part) for part in get_args(kind))
    if get_origin(kind) is not None:
        parts = ", ".join("..." if part is ... else type_text(part) for part in get_args(kind))
        return f"{getattr(get_origin(kind), '__name__', get_origin(kind))}[{parts}]"
    if kind is NoneType:
        return "null"
    if is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        parts = ", ".join(f"{field.name}: {type_text(hints[field.name])}" for field in fields(kind))
        return f"{{{parts}}}"
    return str(getattr(kind, "__name__", kind))


def _bounds(note: Any) -> str:
    """The bounds of a pydantic field or an annotated-types constraint in words."""
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bounds = []
    for constraint in (note, *getattr(note, "metadata", ())):
        for key, word in words.items():
            if hasattr(constraint, key):
                bounds.append(f"{word} {getattr(constraint, key)}")
    return ", ".join(bounds)
