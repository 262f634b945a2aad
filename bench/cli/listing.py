"""``bench list``: what is on offer."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import open_catalog, plugin_options, shipped_suites

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
    return [
        (
            offer.component.name,
            _line(offer.component.about.summary if offer.component.about else "", offer.provider.package),
        )
        for offer in open_catalog(plugin, no_plugins).offers(kind)
    ]


def _line(summary: str, package: str) -> str:
    return summary if package == "defectbench" else f"{summary} [{package}]".strip()


def _description(path: Path) -> str:
    """The ``description`` of a suite, or its first comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("description:"):
            return line.removeprefix("description:").strip().strip("\"'>-").strip()
    return ""
