"""``bench plugins``: who offers what, and who failed; writing and checking plugins."""

from __future__ import annotations

from collections import defaultdict

import click

from bench.cli.lazy import LazyGroup
from bench.cli.options import Workspace, workspace_options

COMMANDS = {
    "new": "Write a complete plugin distribution to start from.",
    "check": "Run the contract of every component of a plugin.",
}


@click.group("plugins", cls=LazyGroup, table=COMMANDS, package=__name__, invoke_without_command=True)
@workspace_options()
@click.pass_context
def command(context: click.Context, workspace: Workspace) -> int:
    """Show every plugin module with its components, and every plugin that failed to load with its reason."""
    if context.invoked_subcommand is not None:
        return 0
    from bench.catalog import load_catalog

    catalog = load_catalog(workspace.plugin, plugins=not workspace.no_plugins)
    by_module = defaultdict(list)
    for offer in catalog.all:
        provider = offer.provider
        by_module[f"{provider.package} {provider.version}  {provider.local or provider.module}"].append(offer)
    for module, offers in sorted(by_module.items()):
        click.echo(module)
        click.echo("    " + ", ".join(f"{offer.kind} {offer.component.name}" for offer in offers))
    for lost in catalog.quarantined:
        click.echo(f"FAILED {lost.package}  {lost.module}\n    {lost.reason}")
    return 2 if catalog.quarantined else 0
