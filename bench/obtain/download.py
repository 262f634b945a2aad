"""Downloading one file of a release: checksum, mirrors, and going on where an earlier attempt was cut off.

pooch keeps the file and checks its digest; it cannot resume, so the transfer itself is :class:`Resuming`, a downloader
of pooch's kind that keeps what has arrived in ``NAME.part``, with a note of where it came from in ``NAME.part.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from bench.component import Download
from bench.errors import DataError
from bench.obtain.space import check_space
from bench.obtain.unpack import SUFFIXES, looks_like_html
from bench.threads import Progress, silent
from bench.words import size_text

if TYPE_CHECKING:
    from requests import Response

CHUNK = 2**18
PATIENCE_S = (20, 60)
"""Seconds to wait for a connection, and for the next bytes."""


class Interrupted(DataError):
    """A transfer failed on the way; the line says why. Another attempt or mirror may do better."""


class Altered(Interrupted):
    """What came whole has another SHA-256 than it must have."""


def file_name(download: Download) -> str:
    """The name under which a download is kept: the last part of its original address.

    Raises:
        DataError: there is no address, or it ends in no name.
    """
    if not download.urls:
        raise DataError("a download of this data set names no address; report it to the data set's author")
    name = unquote(urlsplit(download.urls[0]).path).rpartition("/")[2]
    if not name or name[0] == "." or any(sign in name for sign in '\\:"<>|?*') or not name.isprintable():
        raise DataError(f"{download.urls[0]}: the address ends in no file name; report it to the data set's author")
    return name


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download_file(
    download: Download,
    folder: Path,
    *,
    trusted: str | None = None,
    progress: Progress = silent,
) -> Path:
    """The file in ``folder``: fetched from the first address that gives it whole, or there already and intact.

    ``trusted`` is the SHA-256 of what came when no digest was published and the file was fetched for the first time.
    ``progress`` is told (done, total) bytes, 0 for an unknown total. What has arrived of a file when the transfer
    breaks off stays in ``folder``, and the next call goes on from there.

    Raises:
        DataError: no address gives the file; one line with the reason for each. ``Altered`` where one of them
            gives another file.
    """
    name = file_name(download)
    known = download.sha256 or trusted
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    failures = []
    kind: type[DataError] = DataError
    for url in download.urls:
        try:
            return _retrieved(
                url, folder / name, known, Resuming(folder / f"{name}.part", download.size, known, progress)
            )
        except Interrupted as error:
            failures.append(f"{url}: {error}")
            kind = Altered if isinstance(error, Altered) else kind
    arrived = part.stat().st_size if part.exists() else 0
    more = f"; repeat the command, {size_text(arrived)} are kept" if arrived else ""
    raise kind(f"{name} cannot be fetched: {'; '.join(failures)}{more}")


def _retrieved(url: str, target: Path, known: str | None, transfer: Resuming) -> Path:
    """One address; what was resumed and has another digest than it should is fetched once more from the start."""
    import logging

    import pooch  # type: ignore[import-untyped]  # it ships no types

    pooch.get_logger().setLevel(logging.ERROR)  # what it would say is said by our progress and errors
    while True:
        try:
            pooch.retrieve(url, known and f"sha256:{known}", fname=target.name, path=target.parent, downloader=transfer)
        except ValueError:  # pooch's word for a wrong digest
            transfer.forget()
            if not transfer.resumed:
                raise Altered(f"altered: its SHA-256 is not {known}") from None
        else:
            transfer.forget()
            return target


@dataclass(slots=True)
class Resuming:
    """A pooch downloader for http, https and file addresses that goes on from ``part``.

    Where no digest is known, only bytes of the same version at the same address are continued. ``resumed`` says
    whether the last transfer began with bytes that lay there.
    """

    part: Path
    size: int | None
    known: str | None
    progress: Progress
    resumed: bool = False

    @property
    def _note(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    @property
    def _is_archive(self) -> bool:
        return self.part.name.lower().removesuffix(".part").endswith(tuple(SUFFIXES))

    def forget(self) -> None:
        """Throw away what has arrived."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> None:
        """Fetch ``url`` into ``output_file``; pooch's signature.

        Raises:
            Interrupted: it cannot be had, or not whole.
        """
        del pooch, check_only
        scheme = urlsplit(url).scheme
        with _reasons():
            if scheme == "file":
                self._copy(Path(url2pathname(urlsplit(url).path)))
            elif scheme in ("http", "https"):
                self._ask(url)
            else:
                raise Interrupted(f"addresses of the kind {scheme!r} are not fetched; use http, https or file")
        self._hand_over(Path(output_file))

    def _hand_over(self, output: Path) -> None:
        """Give the file to pooch, and keep it until its digest is found right: computing that may be interrupted."""
        output.unlink(missing_ok=True)
        try:
            os.link(self.part, output)
        except OSError:  # a file system without hard links
            self.part.replace(output)

    def _copy(self, source: Path) -> None:
        self.forget()
        with source.open("rb") as file:
            self._receive(iter(lambda: file.read(CHUNK), b""), 0, source.stat().st_size)

    def _begun(self, url: str) -> int:
        """How many bytes of ``url`` lie here and may be continued."""
        if self.part.exists() and (self.known or self._version(url)):
            return self.part.stat().st_size
        return 0

    def _version(self, url: str) -> str:
        """The server's mark of the version whose bytes lie here; empty where they came from another address."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["url"] == url else ""
        except (OSError, ValueError, TypeError, KeyError):
            return ""

    def _ask(self, url: str) -> None:
        begun = self._begun(url)
        if begun and begun == self.size and self.known:
            self.resumed = True  # all of it lies here; its digest decides
        else:
            self._transfer(url, begun)

    def _transfer(self, url: str, begun: int) -> None:
        """Ask for the rest; start from zero where the server does not give exactly that."""
        import requests

        self.resumed = begun > 0
        headers = self._headers(url, begun)
        with requests.get(url, headers=headers, stream=True, timeout=PATIENCE_S) as response:
            if response.status_code == 416 and begun:
                if response.headers.get("Content-Range", "") == f"bytes */{begun}":  # all of it lies here
                    self._check_size(begun)
                    return
                start = None
            else:
                start = self._start(response, begun)
            if start is not None:
                total = self._total(response, start)
                if not start:
                    self.forget()
                note = {"url": url, "validator": _validator(response.headers)}
                self._note.write_text(json.dumps(note), encoding="utf-8")
                self._receive(_body(response), start, total)
                return
        if not begun:
            raise Interrupted("the server sends a part of the file, though all of it was asked for")
        self.forget()
        self._transfer(url, 0)

    def _headers(self, url: str, begun: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "defectbench"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
            if version := self._version(url):
                headers["If-Range"] = version
        return headers

    def _start(self, response: Response, begun: int) -> int | None:
        """The byte at which a response begins, or None where it is not one that was asked for."""
        if response.status_code == 200:
            return 0
        if response.status_code != 206:
            raise Interrupted(f"the server answers {response.status_code} {response.reason}")
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        return begun if begun and found and int(found[1]) == begun else None

    def _total(self, response: Response, start: int) -> int:
        """Size of the whole file as the server says, 0 where it does not.

        Raises:
            Interrupted: it is a web page, compressed on the way, or of another size than the release.
        """
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html" and self._is_archive:
            raise Interrupted("the server sends a web page instead of the archive")
        coding = response.headers.get("Content-Encoding", "identity").lower()
        if coding != "identity" and not self._is_archive:  # some servers so describe what an archive is anyway
            raise Interrupted(f"the server packs the file ({coding}), though it was asked not to")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else 0
        if total:
            self._check_size(total)
        return total

    def _check_size(self, size: int) -> None:
        if self.size is not None and size != self.size:
            self.forget()
            raise Interrupted(f"has {size:,} bytes, the release {self.size:,}")

    def _receive(self, chunks: Iterator[bytes], start: int, total: int) -> None:
        """Append to what lies there from byte ``start`` on; whatever stops it, the bytes so far stay.

        Raises:
            Interrupted: fewer or more bytes came than were announced, or it is a web page.
        """
        self.resumed = start > 0
        expected = total or self.size or 0
        check_space(self.part.parent, max(0, expected - start), f"fetching {self.part.stem}")
        with self.part.open("r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            done = start
            for chunk in chunks:
                file.write(chunk)
                done += len(chunk)
                self.progress(done, expected)
                if expected and done > expected:
                    break
        if expected and done < expected:
            raise Interrupted(f"cut off after {done:,} of {expected:,} bytes")
        if expected and done > expected:
            self.forget()
            raise Interrupted(f"more than the {expected:,} bytes of the release")
        self._check_content(done)

    def _check_content(self, size: int) -> None:
        """Say what an empty file or a page with a log-in is, where a digest only says that it is altered."""
        with self.part.open("rb") as file:
            page = looks_like_html(file.read(512))
        if page and self._is_archive:
            self.forget()
            raise Interrupted("the server sends a web page instead of the archive")
        if not size:
            self.forget()
            raise Interrupted("the server sends nothing")


def _body(response: Response) -> Iterator[bytes]:
    """The bytes as sent: nothing is decompressed on the way. Ends early where fewer come than were announced."""
    from urllib3.exceptions import ProtocolError

    raw = response.raw
    read = getattr(raw, "read1", raw.read)  # read() drops what it has when the connection breaks; old ones lack read1
    try:
        while chunk := read(CHUNK):
            yield chunk
    except ProtocolError:
        if "Content-Length" not in response.headers:  # else the caller counts, and says it with figures
            raise


def _validator(headers: Mapping[str, str]) -> str:
    """What tells this version of a file from another; a weak tag does not."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn what the network and the file system raise into the reason in a few words."""
    import requests
    import urllib3

    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        _interrupted(error)
    except FileNotFoundError as error:
        raise Interrupted(f"{error.filename}: the file is missing") from None
    except OSError as error:
        raise Interrupted(error.strerror or str(error)) from None


def _interrupted(error: Exception) -> NoReturn:
    """The innermost cause says what happened; the layers above quote each other."""
    import requests

    if isinstance(error, requests.Timeout):
        raise Interrupted("the server does not answer") from None
    cause: Any = error
    while (deeper := cause.__cause__ or getattr(cause, "reason", None) or cause.__context__) is not None:
        if not isinstance(deeper, BaseException):
            break
        cause = deeper
    text = " ".join(str(cause).split()) or type(cause).__name__
    raise Interrupted(f"the connection failed ({text})") from None
