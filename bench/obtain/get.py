"""Getting data sets: downloads, archives and folders become ``$BENCH_HOME/data/<name>`` if the reader accepts them.

Downloads wait in ``.<name>.downloads``, where an interrupted fetch goes on. The digests of files for which nobody
publishes one are kept in ``.<name>.digests.json``: what came first is what must come later.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.catalog import Catalog, Offer
from bench.component import Download, Release
from bench.data.index_file import write_index
from bench.errors import Damaged, DataError, PluginError, SettingsError
from bench.files import files_below
from bench.home import expanded, resolved
from bench.jobs import DataRef
from bench.obtain.copy import copy_file, copy_folder
from bench.obtain.download import Altered, download_file, file_name, sha256_of
from bench.obtain.space import NoRoom, check_space
from bench.obtain.unpack import archive_kind, unpack
from bench.obtain.verify import Verified, examine, other_settings
from bench.picture_files import visible
from bench.stages.indexing import listed, locate, open_dataset
from bench.store.home import Places
from bench.store.place import claimed, draft, publish, publish_link
from bench.store.store import SCHEMA, read_json, write_json
from bench.suite.schema import Ref

Watch = Callable[[str, int, int], None]
"""Told what is done, and (done, total) in bytes or images; a total of 0 is unknown."""
Reading = Literal["decode", "list"]
"""How a reader examines what is imported: every image, or the list of files only."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A data set that is in its place now; ``verified`` where every image was decoded."""

    root: Path
    images: int
    verified: Verified | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """One data set to be got: who reads it, and where it belongs."""

    catalog: Catalog
    ref: Ref
    offer: Offer
    data: DataRef

    @staticmethod
    def of(catalog: Catalog, ref: Ref, places: Places) -> _Target:
        """Find the reader and the place.

        Raises:
            SettingsError: the reader refuses its settings, which must be said before anything is taken.
        """
        own = replace(places, data={})  # what is got goes under $BENCH_HOME, wherever the user keeps another copy
        target = _Target(catalog, ref, catalog.find("dataset", ref.use), locate(catalog, ref, own).data)
        with suppress(DataError, PluginError):  # of data that are not there yet
            open_dataset(catalog, target.data)
        return target

    @property
    def name(self) -> str:
        return self.offer.component.name

    @property
    def root(self) -> Path:
        return Path(self.data.root)

    @property
    def release(self) -> Release:
        return self.offer.component.release or Release()

    def beside(self, what: str) -> Path:
        return self.root.with_name(f".{self.root.name}.{what}")

    def examined(self, folder: Path, reading: Reading, watch: Watch) -> Arrived:
        """What the reader says of a folder that is to be the data set.

        Raises:
            DataError: it does not accept it, or there is more than the release holds; without the path of a draft that
                will be gone. Where it found nothing but archives, that these must be named.
        """
        try:
            return self._read(folder, reading, watch)
        except DataError as error:
            text = str(error)
            if folder.parent == self.root.parent:
                text = text.replace(f"{folder}/", "").replace(str(folder), self.name)
            inner = [path.name for path in visible(folder) if path.is_file() and archive_kind(path)]
            if inner:
                shown = ", ".join(inner[:3]) + (f" and {len(inner) - 3} more" if len(inner) > 3 else "")
                text = f"{text}; it holds archives ({shown}): name those in the command"
            raise DataError(f"{self.name} is not taken over: {text}") from None

    def _read(self, folder: Path, reading: Reading, watch: Watch) -> Arrived:
        dataset = open_dataset(self.catalog, replace(self.data, root=str(folder)))
        if reading == "list":
            images = len(listed(dataset, self.name))
            if not images:
                raise DataError(f"{folder}: holds no image")
            return Arrived(self.root, images)
        verified = examine(self.catalog, self.ref, dataset, lambda done, of: watch("reading images", done, of))
        if verified.verdict.standing == "wrong":
            raise DataError(verified.verdict.sentence)
        return Arrived(self.root, verified.census.images, verified)


def inbox_of(root: Path) -> Path:
    """Where the downloads of a data set wait until it is in its place."""
    return root.with_name(f".{root.name}.downloads")


def on_demand(catalog: Catalog, ref: Ref, places: Places) -> bool:
    """Whether the first use makes the images: the reader lists them where there is nothing.

    Raises:
        SettingsError: the reader refuses its settings.
    """
    nowhere = DataRef(ref.use, dict(ref.settings), str(places.home / "data" / ".nothing" / ref.use), index="")
    try:
        return bool(listed(open_dataset(catalog, nowhere), ref.use))
    except (DataError, PluginError):
        return False


def fetch_dataset(catalog: Catalog, ref: Ref, places: Places, watch: Watch) -> Arrived:
    """Download a data set, check it, unpack it, and let its reader list it; an interrupted fetch goes on.

    Raises:
        DataError: it has no download, is there already, cannot be had, is damaged, or its reader does not accept it.
        SettingsError: it was asked for with settings; those choose what is read of a release that comes whole.
    """
    target = _Target.of(catalog, ref, places)
    other = other_settings(target.offer.component, ref)
    if other:
        raise SettingsError(
            f"{target.name} is fetched whole, not with {other}; write 'bench data fetch {target.name}' and give the "
            "settings where the data set is used"
        )
    downloads = target.release.downloads
    if not downloads:
        raise DataError(_by_hand(target))
    with claimed(target.root, target.name):
        inbox = inbox_of(target.root)
        inbox.mkdir(exist_ok=True)
        _check_room(downloads, inbox)
        digests = _digests(target)
        # a folder of its own for each: two may bear one file name
        files = [_downloaded(target, download, inbox / str(k), digests, watch) for k, download in enumerate(downloads)]
        unproven = {d.urls[0]: file for d, file in zip(downloads, files, strict=True) if not d.sha256}
        with draft(target.root) as folder:
            try:
                for file, download in zip(files, downloads, strict=True):
                    _place(file, folder / download.folder, watch)
                arrived = target.examined(folder, "list", watch)
            except NoRoom:
                raise
            except DataError:
                for file in unproven.values():  # no digest vouches for it: the next fetch gets it anew
                    file.unlink(missing_ok=True)
                raise
            new = {url: sha256_of(file) for url, file in unproven.items()}
            publish(folder, target.root)
        if digests or new:
            write_json(target.beside("digests.json"), {"schema": SCHEMA, "sha256": {**digests, **new}})
        shutil.rmtree(inbox)
    return arrived


def import_dataset(
    catalog: Catalog, ref: Ref, places: Places, paths: Sequence[Path], watch: Watch, *, reading: Reading = "decode"
) -> Arrived:
    """Unpack archives or copy folders and files that were downloaded by hand, and take them over once they are read.

    One folder becomes the data set; of several, each lies in it under its own name. Archives are unpacked where the
    release says, else at the top.

    Raises:
        DataError: a path is missing, an archive is damaged, the reader does not accept it, or the data set is there.
    """
    target = _Target.of(catalog, ref, places)
    with claimed(target.root, target.name):
        with draft(target.root) as folder:
            for path in paths:
                _take(expanded(path), folder, target, watch, alone=len(paths) == 1)
            arrived = target.examined(folder, reading, watch)
            publish(folder, target.root)
        _keep_index(target, arrived)
    return arrived


def link_dataset(
    catalog: Catalog, ref: Ref, places: Places, folder: Path, watch: Watch, *, reading: Reading = "decode"
) -> Arrived:
    """Leave a folder where it is and let the data set's place point to it, once it is read.

    Raises:
        DataError: it is no folder, the reader does not accept it, or the data set is there.
    """
    target = _Target.of(catalog, ref, places)
    source = resolved(folder)
    if not source.is_dir():
        raise DataError(f"{folder}: not a folder; only a folder can be linked to, import archives without --link")
    with claimed(target.root, target.name):
        arrived = target.examined(source, reading, watch)
        publish_link(source, target.root)
        _keep_index(target, arrived)
    return arrived


def _by_hand(target: _Target) -> str:
    about = target.offer.component.about
    how = f" How to get it: {about.obtain}." if about and about.obtain else ""
    return f"{target.name} has no download.{how} 'bench data import {target.name} PATH' takes over what you have"


def _check_room(downloads: Sequence[Download], inbox: Path) -> None:
    """Refuse before the first byte where the sizes are known: the archives, and at least as much unpacked."""
    sizes = sum(download.size or 0 for download in downloads)
    arrived = sum(path.stat().st_size for path in files_below(inbox))
    check_space(inbox, max(0, sizes - arrived) + sizes, "fetching and unpacking")


def _downloaded(target: _Target, download: Download, slot: Path, digests: Mapping[str, str], watch: Watch) -> Path:
    name = file_name(download)
    first = digests.get(download.urls[0])
    try:
        return download_file(
            download, slot, trusted=first, progress=lambda done, total: watch(f"fetching {name}", done, total)
        )
    except Altered as error:
        if first is None:
            raise
        raise Altered(
            f"{error}; that is what came at the first fetch, as {target.beside('digests.json')} says: "
            "remove that file if the release was renewed"
        ) from None


def _digests(target: _Target) -> dict[str, str]:
    """SHA-256 by address, of files fetched before."""
    path = target.beside("digests.json")
    try:
        return {str(url): str(digest) for url, digest in read_json(path)["sha256"].items()} if path.is_file() else {}
    except (Damaged, KeyError, AttributeError):
        raise DataError(f"{path}: damaged; remove it, and what is fetched next is trusted") from None


def _place(file: Path, into: Path, watch: Watch) -> None:
    """Unpack an archive into a folder, or lay a plain file in it."""
    into.mkdir(parents=True, exist_ok=True)
    if archive_kind(file):
        unpack(file, into, progress=lambda done, total: watch(f"unpacking {file.name}", done, total))
    else:
        copy_file(file, into / file.name)


def _take(path: Path, folder: Path, target: _Target, watch: Watch, *, alone: bool) -> None:
    """Bring one path of the user's into the draft."""
    if path.is_dir():
        into = folder if alone else folder / resolved(path).name
        copy_folder(path, into, lambda done, total: watch(f"copying {path.name}", done, total))
    elif path.is_file():
        places = {file_name(download): download.folder for download in target.release.downloads}
        _place(path, folder / places.get(path.name, ""), watch)
    else:
        raise DataError(f"{path}: no such file or folder; name the archive or folder that you downloaded")


def _keep_index(target: _Target, arrived: Arrived) -> None:
    if arrived.verified:
        write_index(Path(target.data.index), arrived.verified.index, ())
