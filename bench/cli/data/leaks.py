"""``bench data leaks``: objects, copies and near-duplicates that lie in more than one split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli import complete
from bench.cli.options import PATH, Workspace, workspace_options
from bench.cli.printing import format_option, printed, put_json
from bench.cli.terminal import quiet
from bench.home import expanded

if TYPE_CHECKING:
    from bench.audit.leaks import Found, Kind, Link
    from bench.audit.likeness import Descriptor
    from bench.data.index import DatasetIndex
    from bench.pictures.pairs import ShownPair
    from bench.stages.opening import Opened

MOST_PICTURES = 96
"""Pairs of each kind that are drawn, most alike first."""
SHEETS = re.compile(r"(group|copy|near-duplicate)-\d+\.png")
"""Sheets of an earlier search, which would lie about this one."""


@click.command("leaks")
@click.argument("dataset", shell_complete=complete.components("dataset"))
@click.option(
    "--split", default="grouped", show_default=True, metavar="grouped|random|FILE.csv", help="The split to search."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the random split.")
@click.option("--groups", metavar="NAME|FILE.csv", help="Groups to judge by: those of another data set, or id,group.")
@click.option("--likeness", type=click.FloatRange(0, 1), help="From where on images count as alike; by default 0.5.")
@click.option("--to", type=PATH, help="Folder for the pairs as csv and pictures.")
@format_option("csv")
@workspace_options("--data")
def command(
    dataset: str,
    split: str,
    seed: int,
    groups: str | None,
    likeness: float | None,
    to: Path | None,
    form: str,
    workspace: Workspace,
) -> int:
    """Search DATASET for groups, exact copies and near-duplicates in more than one split.

    DATASET is a name or, with settings, '{use: NAME, settings: {...}}'. Near-duplicates are found from pixels alone.
    'random' splits image by image, 60/20/20. Exit code 3 when a leak is found.
    """
    if split not in ("grouped", "random") and not split.endswith(".csv"):
        raise click.UsageError(f"--split {split!r}: write grouped, random or the name of a file that ends in .csv")
    from bench.audit.leaks import found_leaks, leaks_document
    from bench.audit.near_duplicates import ALIKE
    from bench.audit.placing import placed, random_split
    from bench.suite.schema import SplitFile

    opened = workspace.opened(dataset)
    with quiet():
        if split == "random":
            assignment = random_split(opened.index, seed)
        else:
            assignment = placed(opened.index, None if split == "grouped" else SplitFile(file=split))
        judge = _judged_by(workspace, opened.index, groups)
        found = found_leaks(judge, assignment, _descriptors(opened), ALIKE if likeness is None else likeness)
        if to:
            _write(opened, found, to)
    named = f"random (seed {seed})" if split == "random" else split
    if form == "json":
        put_json(_plain(found, named))
    elif form == "csv":
        click.echo(_csv(found), nl=False)
    else:
        more = "--format csv lists all, --to DIR shows them"
        click.echo(printed(leaks_document(found, named, more), form), nl=False)
        if to:
            click.echo(f"pairs: {to / 'pairs.csv'}")
    return 3 if found.any else 0


def _judged_by(workspace: Workspace, index: DatasetIndex, groups: str | None) -> DatasetIndex:
    """The index with the groups that the user named."""
    from bench.audit.placing import read_groups, regrouped

    if groups is None:
        return index
    if groups.endswith(".csv"):
        return regrouped(index, read_groups(expanded(groups)))
    _, records = workspace.listed(workspace.ref(groups))
    return regrouped(index, {record.id: record.group for record in records})


def _descriptors(opened: Opened) -> dict[str, Descriptor]:
    """Read every image once more, and say what comes then."""
    from bench.audit.near_duplicates import descriptors
    from bench.cli.data.bars import IMAGES, watching
    from bench.words import plural

    with watching() as watch:
        seen = descriptors(opened.index, opened.dataset, progress=lambda done, total: watch(IMAGES, done, total))
    click.echo(f"comparing {plural(len(seen), 'image')}", err=True)
    return seen


def _plain(found: Found, split: str) -> dict[str, Any]:
    """Every link, not only those that the text has room for."""
    from bench.audit.leaks import link_row, links

    return {
        "dataset": found.index.dataset,
        "split": split,
        "least_likeness": found.least,
        "resemblance": found.resemblance,
        "blank": list(found.blank),
        "links": [{**link_row(found, link), "likeness": link.likeness} for link in links(found)],
    }


def _csv(found: Found) -> str:
    from bench.audit.leaks import link_row, links
    from bench.render.data import rows_csv

    return rows_csv([link_row(found, link) for link in links(found)])


def _write(opened: Opened, found: Found, to: Path) -> None:
    """Write ``pairs.csv`` and sheets of pictures by kind; sheets of an earlier search go."""
    from bench.audit.leaks import links
    from bench.images import write_png
    from bench.pictures.pairs import ACROSS, DOWN, pair_sheet

    to.mkdir(parents=True, exist_ok=True)
    for old in to.iterdir():
        if SHEETS.fullmatch(old.name):
            old.unlink()
    (to / "pairs.csv").write_text(_csv(found), encoding="utf-8", newline="\n")
    by_kind: dict[Kind, list[Link]] = {}
    for link in links(found):
        by_kind.setdefault(link.kind, []).append(link)
    for kind, members in by_kind.items():
        shown = members[:MOST_PICTURES]
        for number, start in enumerate(range(0, len(shown), ACROSS * DOWN), start=1):
            sheet = pair_sheet(_shown(opened, found, shown[start : start + ACROSS * DOWN]))
            write_png(to / f"{kind}-{number}.png", sheet)


def _shown(opened: Opened, found: Found, members: Sequence[Link]) -> list[ShownPair]:
    from bench.component import guarded
    from bench.pictures.gallery import Thumbnail, thumbnail
    from bench.pictures.pairs import SIDE, ShownPair

    def small(id: str) -> Thumbnail:
        return thumbnail(guarded(f"load({id!r}) of data set {found.index.dataset!r}", opened.dataset.load, id), SIDE)

    shown = []
    for link in members:
        texts = [f"{found.assignment[id]}: {id}" for id in (link.first, link.second)]
        shown.append(ShownPair((small(link.first), small(link.second)), (f"{link.measured}, {texts[0]}", texts[1])))
    return shown
