"""The contract of data sets: what is listed, what is loaded, what is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bench.component import Component
from bench.errors import DataError
from bench.testing import listing, loading
from bench.testing.clauses import Breach, Sentences, in_turn, kept, ran, together
from bench.testing.damage import refusing, standing_strays
from bench.testing.trial_folder import TrialFolder


def breaches_of_dataset(component: Component[Any], data: Path | None = None) -> list[str]:
    """Every clause, on ``data`` if that is given (nothing is written there), else on the component's example.

    Of an example every image is loaded, of other data whole groups of about 16 images.
    """
    with tempfile.TemporaryDirectory(prefix="bench-contract-") as temporary:
        scratch = Path(temporary)
        home = data.expanduser().resolve() if data else scratch / "example"
        if data is None:
            home.mkdir()
        trial = TrialFolder(component, home, example=data is None and component.example is not None, ours=data is None)
        found = kept(in_turn(written(trial, scratch), _on(trial, scratch)))
        return list(dict.fromkeys(trial.tidy(sentence) for sentence in found))


def _on(trial: TrialFolder, scratch: Path) -> Sentences:
    """The clauses in their order: what cannot be listed is not loaded, what cannot be loaded is not split.

    What differs alone is not asked of threads.
    """
    loaded = together(
        loading.reading(trial),
        loading.matching(trial),
        loading.knowing_ids(trial),
        in_turn(loading.repeating(trial), loading.threading(trial)),
    )
    listed = (listing.repeating(trial), listing.listing_only(trial), listing.keeping_groups(trial))
    spoilt = (loading.showing_classes(trial), standing_strays(trial), refusing(trial)) if trial.ours else ()
    empty = scratch / "empty"
    empty.mkdir()
    yield from kept(
        in_turn(
            together(listing.listing(trial), listing.naming_classes(trial)),
            together(*listed, in_turn(loading.loading(trial), loaded)),
            loading.splitting(trial),
            together(*spoilt),
        ),
        missing_data(trial, scratch / "absent", "an absent folder"),
        missing_data(trial, empty, "an empty folder"),
    )


def written(trial: TrialFolder, scratch: Path) -> Sentences:
    """The example writes the same bytes every time."""
    if not trial.example or trial.component.example is None:
        return
    again = scratch / "again"
    again.mkdir()
    for folder in (trial.root, again):
        ran("its example", trial.component.example, folder)
    first, second = _bytes(trial.root), _bytes(again)
    differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if differing:
        yield f"its example writes another {differing[0]} the second time: seed its random numbers"


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def missing_data(trial: TrialFolder, folder: Path, what: str) -> Sentences:
    """Where there is no folder, or an empty one, a DataError names it and says how to obtain the data."""
    advice = "raise a DataError that names the folder and says how to obtain the data"
    try:
        reader = trial.at(folder)
        records = tuple(reader.records())
        if records:
            reader.load(records[0].id)
    except DataError as error:
        if folder.name not in str(error):
            yield f"the DataError of {what} does not name it ({error}): say where the data were sought"
    except Breach as breach:
        if not isinstance(breach.__cause__, DataError):
            raise
    except (Exception, SystemExit) as error:
        yield f"{what} gives {type(error).__name__}: {advice}"
    else:
        if not records:
            yield f"{what} lists no image and is not refused: {advice}"
