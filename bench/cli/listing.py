"""``bench list``: what is on offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import json_option, put_json
from bench.cli.terminal import entries
from bench.suite.shipped import shipped_suites

if TYPE_CHECKING:
    from bench.catalog import Offer

KINDS = (
    "datasets", "models", "crops", "preprocess", "augment", "losses", "optimisers", "schedules", "metrics", "launchers",
    "observers", "reporters", "suites",
)  # fmt: skip


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS))
@workspace_options()
@json_option
def command(kind: str, workspace: Workspace, as_json: bool) -> None:
    """List the components of KIND with their provider, or the optimisers, schedules or shipped suites."""
    if kind == "suites":
        listed = [_suite(name, path) for name, path in shipped_suites().items()]
    else:
        listed = [_offered(offer) for offer in _offers(kind, workspace)]
    if as_json:
        put_json({kind: listed})
        return
    for text in entries([(one["name"], _told(one)) for one in listed]):
        click.echo(text)
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


def _offered(offer: Offer) -> dict[str, str]:
    about, badge = offer.component.about, offer.component.badge
    told = {"summary": about.summary, "licence": about.licence} if about else {}
    return {"name": offer.component.name, **told, "package": offer.provider.package, "badge": badge or ""}


def _suite(name: str, path: Path) -> dict[str, str]:
    return {"name": name, "description": _description(path), "file": str(path)}


def _told(one: Mapping[str, str]) -> str:
    """Summary, licence, package, badge; of a suite its description."""
    badge = f"BADGE: {one['badge']}" if one.get("badge") else ""
    texts = [one.get(name, "") for name in ("description", "summary", "licence", "package")]
    return " | ".join(text for text in (*texts, badge) if text)


def _description(path: Path) -> str:
    """The ``description`` of a suite, or its first comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("description:"):
            return line.removeprefix("description:").strip().strip("\"'>-").strip()
    return ""
