"""``bench plugins check``: the contract of every component that a name stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.terminal import quiet

if TYPE_CHECKING:
    from bench.catalog import Offer

FOUND_SOMETHING = 3


@click.command("check")
@click.argument("name", metavar="NAME|FILE")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the data set, instead of its example; nothing is written there.",
)
def command(name: str, data: Path | None) -> int:
    """Run the contract of a component, of all components of a distribution, or of a plugin FILE.

    Prints ok or one sentence per failure, and exits with 3 if there was one.
    """
    from bench.testing import named

    with quiet():
        found = named(name)
    datasets = sum(offer.kind == "dataset" for offer in found.offers)
    if data is not None and datasets != 1:
        raise click.UsageError(f"--data is the folder of one data set; {name!r} stands for {datasets} of them")
    for lost in found.quarantined:
        click.echo(f"{lost.module}: it cannot be loaded: {lost.reason}")
    failures = len(found.quarantined) + sum(_checked(offer, data) for offer in found.offers)
    return FOUND_SOMETHING if failures else 0


def _checked(offer: Offer, data: Path | None) -> int:
    """Print the verdict on one component; return the number of its failures."""
    from bench.testing import breaches

    with quiet():
        sentences = breaches(offer.kind, offer.component, data=data)
    for sentence in sentences or ["ok"]:
        click.echo(f"{offer.kind} {offer.component.name}: {sentence}")
    return len(sentences)
