"""``bench data verify``: read everything, and compare with the release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from bench.cli import complete
from bench.cli.options import Workspace, workspace_options
from bench.cli.printing import json_option, put_json
from bench.cli.terminal import fitted
from bench.errors import BenchError, DataError, PluginError, UnusableImages
from bench.words import plural

if TYPE_CHECKING:
    from bench.obtain.verify import Verified
    from bench.suite.schema import Ref


@click.command("verify")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.components("dataset"))
@workspace_options("--data")
@json_option
def command(names: tuple[str, ...], workspace: Workspace, as_json: bool) -> int:
    """Decode every image and mask of the data sets NAME... and compare their counts with the release.

    A NAME may carry settings: '{use: NAME, settings: {...}}'. Exit code 3 when something is wrong; a sound subset
    is none.
    """
    refs = [workspace.ref(name) for name in names]
    looks = [_looked(workspace, ref) for ref in refs] if as_json else []
    if as_json:
        put_json({"datasets": [_plain(ref, look) for ref, look in zip(refs, looks, strict=True)]})
        return max(look.code for look in looks)
    return max(_verified(workspace, ref) for ref in refs)


def _verified(workspace: Workspace, ref: Ref) -> int:
    """Verify one data set, print what was found, and return the exit code."""
    look = _looked(workspace, ref)
    for line in fitted(_lines(ref, look.found)) if look.found else ():
        click.echo(line)
    return look.code


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at one data set: what was found, or why it cannot be used; and the exit code."""

    code: int
    found: Verified | None = None
    problems: tuple[str, ...] = ()


def _looked(workspace: Workspace, ref: Ref) -> Looked:
    """Verify one data set; what is wrong is said on standard error.

    The code is 2 where it is absent or cannot be asked, 3 if it is wrong; the others are verified whatever it is.
    """
    from bench.canonical import printable
    from bench.cli.data.bars import IMAGES, watching
    from bench.obtain.verify import verify_dataset

    try:
        with watching() as watch:
            progress = partial(watch, f"{IMAGES} of {ref.use}")
            found = verify_dataset(workspace.catalog, ref, workspace.places, progress)
    except UnusableImages as error:
        for mistake in error.mistakes:
            click.echo(printable(f"{ref.use}: {mistake}"), err=True)
        if len(error.mistakes) > 1:
            click.echo(printable(f"{ref.use}: {_unusable(error)}"), err=True)
        return Looked(3, problems=tuple(error.mistakes))
    except (BenchError, OSError) as error:
        click.echo(printable(f"{ref.use}: {error}"), err=True)
        code = 3 if isinstance(error, DataError | PluginError) and _there(workspace, ref) else 2
        return Looked(code, problems=(str(error),))
    return Looked(3 if found.verdict.standing == "wrong" else 0, found)


def _plain(ref: Ref, look: Looked) -> dict[str, Any]:
    """What was found, as data."""
    from bench.data.remarks import remarks

    told = {"dataset": ref.use, "settings": dict(ref.settings), "problems": look.problems}
    if look.found is None:
        return {**told, "verdict": None, "census": None, "remarks": [], "outdated": [], "fingerprint": None}
    found = look.found
    return {
        **told,
        "verdict": found.verdict,
        "census": found.census,
        "remarks": remarks(found.index, ref.settings),
        "outdated": found.outdated,
        "fingerprint": found.index.fingerprint,
    }


def _unusable(error: UnusableImages) -> str:
    """The last line, after one for each image."""
    count = len(error.mistakes)
    if error.more:
        return f"reading stopped after {count} images that cannot be used; mend them and repeat the command"
    return f"{count} images cannot be used"


def _there(workspace: Workspace, ref: Ref) -> bool:
    """Whether something lies where the data set should; a folder that cannot be followed is nothing."""
    from bench.store.place import occupied

    try:
        return occupied(workspace.root(ref))
    except DataError:
        return False


def _lines(ref: Ref, found: Verified) -> Iterator[str]:
    from bench.data.index import some
    from bench.data.remarks import remarks

    census, first = found.census, found.index.entries[0]
    yield f"{ref.use}: {found.verdict.sentence}"
    yield (
        f"  read         {plural(census.images, 'image')} of {plural(census.groups, 'group')}, and every mask there is"
    )
    yield f"  size         {_range(census.widths)} x {_range(census.heights)} pixels, {first.channels} x {first.dtype}"
    yield f"  marked       {plural(census.marked, 'image')} with a defect, {census.images - census.marked:,} without"
    splits = ", ".join(f"{split} {count:,}" for split, count in census.splits.items())
    if census.ignored.pixels:
        yield f"  ignored      {plural(census.ignored.pixels, 'pixel')} of {plural(census.ignored.images, 'image')}"
    yield f"  splits       {splits or 'none official'}"
    for k, one in enumerate(census.classes, start=1):
        yield f"  class {k:<6d} {one.name}: {plural(one.images, 'image')}, {plural(one.pixels, 'pixel')}"
    for remark in remarks(found.index, ref.settings):
        yield f"  remark       {remark}"
    if found.outdated:
        yield f"  index        was out of date for {some(found.outdated)}; it is new now, scores of before are stale"
    yield f"  fingerprint  {found.index.fingerprint}"


def _range(limits: tuple[int, int]) -> str:
    low, high = limits
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
