"""``bench list``: what is on offer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import Workspace, workspace_options
from bench.suite.shipped import shipped_suites

if TYPE_CHECKING:
    from bench.catalog import Offer

KINDS = (
    "datasets", "models", "crops", "preprocess", "augment", "losses", "optimisers", "schedules", "metrics", "launchers",
    "observers", "suites",
)  # fmt: skip


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS))
@workspace_options()
def command(kind: str, workspace: Workspace) -> None:
    """List the components of KIND with their provider, or the optimisers, schedules or shipped suites."""
    if kind == "suites":
        rows = [(name, _description(path)) for name, path in shipped_suites().items()]
    else:
        rows = [(offer.component.name, _line(offer)) for offer in _offers(kind, workspace)]
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        click.echo(f"{name:{width}s}  {text}".rstrip())
    if kind == "suites":
        click.echo("'bench info NAME' prints one, to copy and change", err=True)


def _offers(plural: str, workspace: Workspace) -> Sequence[Offer]:
    """The components of a kind."""
    from bench.catalog import PLURALS
    from bench.cli.recipe_parts import recipe_offers

    for kind, word in PLURALS.items():
        if word == plural:
            return workspace.catalog.offers(kind)
    return [offer for offer in recipe_offers() if f"{offer.kind}s" == plural]


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
