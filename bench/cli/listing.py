"""``bench list``: what is on offer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import open_catalog, plugin_options
from bench.suite.shipped import shipped_suites

if TYPE_CHECKING:
    from bench.catalog import Offer

KINDS = ("datasets", "models", "crops", "preprocess", "augment", "losses", "metrics", "launchers", "suites")


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS))
@plugin_options
def command(kind: str, plugin: tuple[Path, ...], no_plugins: bool) -> None:
    """List the components of KIND with their provider, or the launchers or shipped suites."""
    if kind == "suites":
        rows = [(name, _description(path)) for name, path in shipped_suites().items()]
    elif kind == "launchers":
        rows = [("local", "one warm worker process per device of this machine")]
    else:
        rows = _components(kind, plugin, no_plugins)
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        click.echo(f"{name:{width}s}  {text}".rstrip())


def _components(plural: str, plugin: tuple[Path, ...], no_plugins: bool) -> list[tuple[str, str]]:
    from bench.catalog import PLURALS

    kind = next(kind for kind, word in PLURALS.items() if word == plural)
    return [(offer.component.name, _line(offer)) for offer in open_catalog(plugin, no_plugins).offers(kind)]


def _line(offer: Offer) -> str:
    """Summary, licence, package, badge."""
    about = offer.component.about
    told = [about.summary, about.licence] if about else []
    badge = f"BADGE: {offer.component.badge}" if offer.component.badge else ""
    return " | ".join(text for text in (*told, offer.provider.package, badge) if text)


def _description(path: Path) -> str:
    """The ``description`` of a suite, or its first comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("description:"):
            return line.removeprefix("description:").strip().strip("\"'>-").strip()
    return ""
