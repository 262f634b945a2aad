"""``bench plugins``: who offers what, and who failed; writing and checking plugins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from bench.cli.lazy import LazyGroup
from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import json_option, plain_fields, put_json
from bench.cli.terminal import fitted

if TYPE_CHECKING:
    from bench.catalog import Catalog, Provider

COMMANDS = {
    "new": "Write a complete plugin distribution to start from.",
    "check": "Run the contract of every component of a plugin.",
}


@click.group("plugins", cls=LazyGroup, table=COMMANDS, package=__name__, invoke_without_command=True)
@workspace_options()
@json_option
@click.pass_context
def command(context: click.Context, workspace: Workspace, as_json: bool) -> int:
    """Show every plugin module with its components, and every plugin that failed to load with its reason."""
    if context.invoked_subcommand is not None:
        return 0
    from bench.catalog import load_catalog

    catalog = load_catalog(workspace.plugin, plugins=not workspace.no_plugins)
    if as_json:
        put_json({"modules": _modules(catalog), "failed": catalog.quarantined})
    else:
        for text in fitted(_lines(catalog)):
            click.echo(text)
    return 2 if catalog.quarantined else 0


def _modules(catalog: Catalog) -> list[dict[str, Any]]:
    """Each plugin module with its components."""
    offered: dict[Provider, list[dict[str, str]]] = {}
    for offer in catalog.all:
        offered.setdefault(offer.provider, []).append({"kind": offer.kind, "name": offer.component.name})
    return [{**plain_fields(provider), "components": found} for provider, found in offered.items()]


def _lines(catalog: Catalog) -> Iterator[str]:
    by_module = defaultdict(list)
    for offer in catalog.all:
        provider = offer.provider
        by_module[f"{provider.package} {provider.version}  {provider.local or provider.module}"].append(offer)
    for module, offers in sorted(by_module.items()):
        yield module
        yield "    " + ", ".join(f"{offer.kind} {offer.component.name}" for offer in offers)
    for lost in catalog.quarantined:
        yield f"FAILED {lost.package}  {lost.module}"
        yield f"    {lost.reason}"
