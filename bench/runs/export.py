"""The content of an archive of a run: everything that its table rests on, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path

from bench.catalog import Catalog
from bench.errors import PluginError, StoreError
from bench.record import Provenance, Provider, Record
from bench.report.citations import Cited, citations_bib, citations_markdown, used
from bench.runs.folder import CELLS, OUTDATED, SUITE, read_run, record_files, records_in
from bench.runs.latencies import LATENCIES
from bench.store.replicates import replicates_file
from bench.suite.resolved import Suite

README = """# Run of the suite {name}

{cells} cells, {records} with a record. Made by:

    {command}

- `suite.json`: the suite as it was resolved, every setting filled in; this decides the ids of the cells.
{written}- `cells/`: one record per cell (settings, scores, counts per image, stage keys, versions) and its pictures.
- `replicates/`: test scores made again, of which their intervals are made.
- `leaderboard.*`: the tables. `CITATIONS.md`, `citations.bib`: what was used. `environment.txt`: package versions.

To look at it: `bench leaderboard {name}.zip`, or unpack it and name the folder.

To make a number again: install the versions of `environment.txt`, unpack, and run
`bench repro CELL --run {name}` (add `--data NAME=FOLDER` for data that lie elsewhere), or the command above.
{plugins}"""


def archive_files(folder: Path, boards: Mapping[str, str], catalog: Catalog) -> dict[str, bytes]:
    """Names below one folder, and contents; ``boards`` are the tables by file name.

    Raises:
        StoreError: the folder holds no run, or a file cannot be read.
    """
    suite, command = read_run(folder)
    records = records_in(folder, suite)
    damaged = [path for path in record_files(folder, suite) if path.stem not in records]
    if damaged:
        raise StoreError(f"{damaged[0]}: damaged record; run the suite again before it is exported")
    cited = [_cited(kind, name, provider, catalog) for (kind, name), provider in used(records.values()).items()]
    texts = {
        **boards,
        "CITATIONS.md": citations_markdown(cited),
        "citations.bib": citations_bib(cited),
        "environment.txt": environment(records.values()),
        "README.md": _readme(suite, command, len(records), cited),
    }
    files = {name: text.encode() for name, text in texts.items()}
    files |= dict(_stored(folder, suite, records))
    if suite.path.is_file():
        files["suite.yaml"] = suite.path.read_bytes()
    return {f"{suite.name}/{name}": content for name, content in files.items()}


def _stored(folder: Path, suite: Suite, records: Mapping[str, Record]) -> Iterator[tuple[str, bytes]]:
    """The resolved suite, the records, and every picture; links are left out."""
    pictures = [path for path in sorted(folder.glob("*.png")) if not path.is_symlink()]
    cells = [folder / CELLS / f"{cell.id}.json" for cell in suite.cells if cell.id in records]
    inside = []
    for name in chain.from_iterable(record.pictures for record in records.values()):
        path = folder / CELLS / name
        own = ".." not in Path(name).parts and path.resolve().is_relative_to(folder.resolve())  # links followed
        if own and path.is_file():
            inside.append(path)
    beside = [replicates_file(folder, id) for id in records]
    said = [p for p in (folder / OUTDATED, folder / LATENCIES, *beside) if p.is_file() and not p.is_symlink()]
    for path in (folder / SUITE, *said, *pictures, *cells, *inside):
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


def _readme(suite: Suite, command: str, records: int, cited: list[Cited]) -> str:
    written = "- `suite.yaml`: the suite file as it is at export; `suite.json` is what was run.\n"
    packages = sorted({f"{one.package} {one.version}" for one in cited if one.package != "defectbench"})
    plugins = f"\nComponents came from other packages or files too: {', '.join(packages)}.\n" if packages else ""
    return README.format(
        name=suite.name,
        cells=len(suite.cells),
        records=records,
        command=command,
        written=written if suite.path.is_file() else "",
        plugins=plugins,
    )
