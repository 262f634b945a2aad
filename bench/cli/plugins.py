"""``bench plugins``: who offers what, and who failed."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import click

from bench.cli.options import plugin_options


@click.command("plugins")
@plugin_options
def command(plugin: tuple[Path, ...], no_plugins: bool) -> int:
    """Show every plugin module with its components, and every plugin that failed to load with its reason."""
    from bench.catalog import load_catalog

    catalog = load_catalog(plugin, plugins=not no_plugins)
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
