"""The content of an archive of a run, by name: all that its table rests on with what it shows, or the numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

from bench.catalog import Catalog
from bench.errors import PluginError, StoreError
from bench.record import Provenance, Provider, Record
from bench.report.citations import Cited, citations_bib, citations_markdown, used
from bench.report.measures import measure_of
from bench.runs.folder import CELLS, OUTDATED, SUITE, read_run
from bench.runs.latencies import LATENCIES
from bench.store.records import load_record
from bench.store.replicates import read_replicates, replicates_bytes, replicates_file
from bench.suite.resolved import Suite

README = """# Run of the suite {name}

{cells} cells, {records} with a record. Made by:

    {command}

- `suite.json`: the suite as it was resolved, every setting filled in; this decides the ids of the cells.
{written}- `cells/`: one record per cell (settings, scores, counts per image, stage keys, versions){pictures}.
- `replicates/`: test scores made again, of which their intervals are made{which}.
- {tables}`CITATIONS.md`, `citations.bib`: what was used. `environment.txt`: package versions.

To look at it: `bench leaderboard {name}.zip`, or unpack it and name the folder.

To make a number again: install the versions of `environment.txt`, unpack, and run
`bench repro CELL --run {name}` (add `--data NAME=FOLDER` for data that lie elsewhere), or the command above.
"""


def archive_files(folder: Path, boards: Mapping[str, str], catalog: Catalog) -> dict[str, bytes]:
    """Names below one folder, and contents; ``boards`` are the tables by file name.

    Raises:
        StoreError: the folder holds no run, or a file cannot be read or is damaged.
    """
    suite, command = read_run(folder)
    records = _whole(folder, suite)
    words = {"pictures": " and its pictures", "which": "", "tables": "`leaderboard.*`: the tables. "}
    files = {name: text.encode() for name, text in boards.items()}
    replicates = _own(*(replicates_file(folder, id) for id in records))
    files |= dict(_read(folder, [*_numbers(folder, suite, records), *replicates, *_pictures(folder, records)]))
    return _with_sources(files, suite, records, catalog, _readme(suite, command, len(records), words))


def numbers_files(folder: Path, catalog: Catalog) -> dict[str, bytes]:
    """The same without tables and pictures, and of the replicates those of the values that the board shows.

    A board, its claims and comparisons are made from it as from all: small enough to lie beside a text that cites it.

    Raises:
        StoreError: the folder holds no run, or a file cannot be read or is damaged.
    """
    suite, command = read_run(folder)
    records = _whole(folder, suite)
    words = {"pictures": "", "which": ", those that the board shows", "tables": ""}
    files = dict(_read(folder, _numbers(folder, suite, records)))
    shown = {".".join(measure_of(name).path) for name in suite.board.values}
    for path in _own(*(replicates_file(folder, id) for id in records)):
        found = read_replicates(path)
        if found is not None:
            kept = {name: one for name, one in found.scores.items() if name in shown}
            files[path.relative_to(folder).as_posix()] = replicates_bytes(replace(found, scores=kept))
    return _with_sources(files, suite, records, catalog, _readme(suite, command, len(records), words))


def _whole(folder: Path, suite: Suite) -> dict[str, Record]:
    """Every record, none of them damaged."""
    paths = [folder / CELLS / f"{cell.id}.json" for cell in suite.cells]
    return {path.stem: load_record(path) for path in paths if path.is_file()}


def _with_sources(
    files: Mapping[str, bytes], suite: Suite, records: Mapping[str, Record], catalog: Catalog, readme: str
) -> dict[str, bytes]:
    """The files with what was used to make them, all below the name of the suite."""
    cited = [_cited(kind, name, provider, catalog) for (kind, name), provider in used(records.values()).items()]
    texts = {
        "CITATIONS.md": citations_markdown(cited),
        "citations.bib": citations_bib(cited),
        "environment.txt": environment(records.values()),
        "README.md": readme + _of_plugins(cited),
    }
    found = {**files, **{name: text.encode() for name, text in texts.items()}}
    if suite.path.is_file():
        found["suite.yaml"] = suite.path.read_bytes()
    return {f"{suite.name}/{name}": content for name, content in found.items()}


def _numbers(folder: Path, suite: Suite, records: Mapping[str, Record]) -> list[Path]:
    """The resolved suite, the records, and what was said of them later; of the latter, links are left out."""
    cells = [folder / CELLS / f"{cell.id}.json" for cell in suite.cells if cell.id in records]
    return [folder / SUITE, *cells, *_own(folder / OUTDATED, folder / LATENCIES)]


def _own(*paths: Path) -> list[Path]:
    """Those that are there and no links."""
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _pictures(folder: Path, records: Mapping[str, Record]) -> list[Path]:
    """Every picture of the run and its cells; what leads out of the folder is left out."""
    found = _own(*sorted(folder.glob("*.png")))
    for name in chain.from_iterable(record.pictures for record in records.values()):
        path = folder / CELLS / name
        own = ".." not in Path(name).parts and path.resolve().is_relative_to(folder.resolve())  # links followed
        if own and path.is_file():
            found.append(path)
    return found


def _read(folder: Path, paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            yield path.relative_to(folder).as_posix(), path.read_bytes()
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror}); look at the permissions") from None


def _cited(kind: str, name: str, provider: Provider, catalog: Catalog) -> Cited:
    about = None  # its plugin may not be installed here; who offered it is still said
    for called in (f"{provider.package}:{name}", name):
        with suppress(PluginError):
            about = catalog.find(kind, called).component.about
    told = (about.summary, about.licence, about.citation, about.home) if about else ()
    return Cited(kind, name, provider.package, provider.version, *told)


def environment(records: Iterable[Record]) -> str:
    """Package versions of all cells in the form of a requirements file; where cells differ, every version is named."""
    versions: dict[str, set[str]] = {}
    machines: dict[str, set[str]] = {}
    for record in records:
        origin = record.provenance or Provenance()
        for name, version in origin.packages.items():
            versions.setdefault(name, set()).add(str(version))
        for name in ("python", "platform", "device", "threads"):
            value = getattr(origin, name)
            if value is not None:
                machines.setdefault(name, set()).add(str(value))
    lines = [f"# {name}: {'; '.join(sorted(values))}" for name, values in machines.items()]
    for name, found in sorted(versions.items()):
        one, *others = sorted(found)
        absent = "# " if one == "absent" else ""
        lines.append(f"{absent}{name}=={one}" + (f"  # other cells: {', '.join(others)}" if others else ""))
    return "\n".join(lines) + "\n"


def _readme(suite: Suite, command: str, records: int, words: Mapping[str, str]) -> str:
    written = "- `suite.yaml`: the suite file as it is at export; `suite.json` is what was run.\n"
    return README.format(
        name=suite.name,
        cells=len(suite.cells),
        records=records,
        command=command,
        written=written if suite.path.is_file() else "",
        **words,
    )


def _of_plugins(cited: Sequence[Cited]) -> str:
    packages = sorted({f"{one.package} {one.version}" for one in cited if one.package != "defectbench"})
    return f"\nComponents came from other packages or files too: {', '.join(packages)}.\n" if packages else ""
