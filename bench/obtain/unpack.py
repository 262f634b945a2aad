"""Unpacking zip and tar archives: every member is checked before anything is written.

Only plain files and folders inside the target are taken. Refused are absolute paths, ``..``, backslashes, colons (so
drive letters), links, devices, encrypted members, members that come twice, and archives that declare more members or
bytes than their :class:`Bounds`, or more bytes than the disk holds.
"""

from __future__ import annotations

import errno
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, cast

from bench.errors import DataError
from bench.obtain.space import NoRoom, check_space
from bench.threads import Progress, silent
from bench.words import size_text

CHUNK = 2**20
END_BYTES = 22 + 76 + 2**16
"""The end record of a zip file, the records of large ones before it, and the longest comment behind it."""

OF_THE_DISK = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE)
"""What keeps a file from being written whatever it is called; all else is the fault of a name in the archive."""

Kind = Literal["zip", "tar", "gz", "bz2", "xz"]
SUFFIXES: dict[str, Kind] = {
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
_STARTS: dict[bytes, Kind] = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gz", b"BZh": "bz2"}
_STARTS |= {b"\xfd7zXZ\x00": "xz"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an archive may declare: so many members, and bytes up to ``ratio`` times its own size.

    Small ones, up to ``harmless`` bytes, may be packed tighter: masks of one colour are.
    """

    members: int
    ratio: int
    harmless: int


OF_DATA = Bounds(members=2_000_000, ratio=200, harmless=2**30)


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder of an archive, by its checked path inside it; ``size`` in bytes."""

    path: PurePosixPath
    size: int
    folder: bool


def archive_kind(path: Path) -> Kind | None:
    """The kind of archive that a file's name says it is; by its first bytes where the name has no ending; else None."""
    name = path.name.lower()
    for suffix, kind in SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    if path.suffix:
        return None
    start = _start(path)
    if start[257:262] == b"ustar":
        return "tar"
    return next((kind for mark, kind in _STARTS.items() if start.startswith(mark)), None)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


def unpack(
    archive: Path,
    into: Path,
    *,
    progress: Progress = silent,
    again: str = "get it again",
    bounds: Bounds = OF_DATA,
) -> list[PurePosixPath]:
    """Unpack all files of an archive into an existing folder; returns their paths in it.

    ``progress`` is told (done, total) bytes. A failure may leave files in ``into``: the caller throws it away.
    ``again`` ends the message about a damaged archive: where a sound one comes from.

    Raises:
        DataError: not an archive, cut short, altered, or with a member that is refused; names archive and member.
    """
    kind = archive_kind(archive)
    with naming(archive, again):
        if kind is None:
            raise DataError(f"{archive}: not an archive; {', '.join(SUFFIXES)} can be unpacked")
        _check_start(archive, kind, again)
        gate = _Gate(archive, again, bounds)
        return _unpack_zip(gate, into, progress) if kind == "zip" else _unpack_tar(gate, kind, into, progress)


def _check_start(archive: Path, kind: Kind, again: str) -> None:
    """Say what a file is that only bears the name of an archive."""
    start = _start(archive)
    if looks_like_html(start):
        raise DataError(
            f"{archive}: a web page, not an archive: the server asks for something first; open its address in a browser"
        )
    if kind != "tar" and not any(start.startswith(mark) for mark, of in _STARTS.items() if of == kind):
        size = size_text(archive.stat().st_size)
        raise DataError(f"{archive}: not a {kind} archive, whatever its name says ({size}); {again}")


def looks_like_html(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a web page."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<script"))


@contextmanager
def naming(archive: Path, again: str) -> Iterator[None]:
    """Turn what the decoders raise on damaged archives into one line that names the archive."""
    import lzma
    import zlib

    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{archive}: the file is missing") from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise DataError(f"{archive}: cut short or altered ({error or type(error).__name__}); {again}") from None
    except (NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        raise DataError(f"{archive}: cannot be unpacked ({error}); {again} or unpack it by hand") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(f"{archive}: cannot be unpacked ({_reason(error)}); make room and repeat") from None
        if error.errno in OF_THE_DISK:
            raise NoRoom(
                f"{archive}: cannot be unpacked ({_reason(error)}); look at the permissions and repeat"
            ) from None
        raise DataError(f"{archive}: cannot be unpacked ({_reason(error)}); {again}") from None


def _reason(error: OSError) -> str:
    """What the system or a decoder says; decoders raise OSErrors without a number."""
    where = f"{Path(error.filename).name!r}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


@dataclass(slots=True)
class _Gate:
    """Lets the members of one archive through, one by one."""

    archive: Path
    again: str
    bounds: Bounds
    total: int = 0
    _files: set[PurePosixPath] = field(default_factory=set)
    _folders: set[PurePosixPath] = field(default_factory=set)
    _count: int = 0

    def admit(self, name: str, size: int, *, folder: bool) -> Member:
        """Check a member against the rules and against those before it.

        Raises:
            DataError: it is refused.
        """
        path = self._inside(name)
        self._count += 1
        self.total += size
        if self._count > self.bounds.members:
            most = f"more than {self.bounds.members:,} members"
            raise DataError(f"{self.archive}: {most}; unpack it by hand if you trust it")
        own = self.archive.stat().st_size
        if self.total > max(self.bounds.harmless, self.bounds.ratio * own):
            raise DataError(
                f"{self.archive}: declares {size_text(self.total)} or more, but has only {size_text(own)}; at most "
                f"{self.bounds.ratio} times an archive's size is unpacked: unpack it by hand if you trust it"
            )
        self._place(path, folder, name)
        return Member(path, size, folder)

    def refuse(self, name: str, why: str) -> DataError:
        """The error for one member."""
        return DataError(f"{self.archive}: member {name!r} {why}; nothing was unpacked: {self.again}")

    def _inside(self, name: str) -> PurePosixPath:
        """The path of a member below the target folder."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise self.refuse(name, "points outside the folder")
        odd = next((sign for sign in name if sign in ":\\" or ord(sign) < 32), None)
        if odd is not None:
            raise self.refuse(name, f"has {odd!r} in its name")
        return path

    def _place(self, path: PurePosixPath, folder: bool, name: str) -> None:
        """Keep the books of what lies where: no file twice, no file that is a folder too."""
        above = [parent for parent in path.parents if parent.name]
        if folder:
            above.append(path)
        elif path in self._files or path in self._folders or not path.name:
            raise self.refuse(name, "comes twice")
        else:
            self._files.add(path)
        if any(parent in self._files for parent in above):
            raise self.refuse(name, "lies in a folder that is a file too")
        self._folders.update(above)

    def check_filled(self) -> None:
        """Refuse an archive without any file."""
        if not self._files:
            raise DataError(f"{self.archive}: holds no file; {self.again}")


def _write(source: IO[bytes], target: Path, gate: _Gate, member: Member) -> None:
    """Copy one member to a new file.

    Raises:
        DataError: the file exists: an archive unpacked before held it too; or it has another size than declared.
    """
    import shutil

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            shutil.copyfileobj(source, file, CHUNK)
            written = file.tell()
    except FileExistsError:
        raise DataError(
            f"{gate.archive}: member {str(member.path)!r} is in another archive too; take one of them"
        ) from None
    if written != member.size:
        raise DataError(
            f"{gate.archive}: member {str(member.path)!r} has {written:,} bytes, {member.size:,} are declared; "
            f"{gate.again}"
        )


def _unpack_zip(gate: _Gate, into: Path, progress: Progress) -> list[PurePosixPath]:
    archive = gate.archive
    with zipfile.ZipFile(archive) as packed:
        members = [(_admit_zip(gate, info), partial(packed.open, info)) for info in packed.infolist()]
        if len(members) != members_declared(archive):
            raise DataError(
                f"{archive}: cut short or altered: it lists {len(members):,} of {members_declared(archive):,} members; "
                f"{gate.again}"
            )
        gate.check_filled()
        check_space(into, gate.total, f"unpacking {archive.name}")
        return list(_written(members, gate, into, progress))


def _written(
    members: Iterable[tuple[Member, Callable[[], IO[bytes] | None]]], gate: _Gate, into: Path, progress: Progress
) -> Iterator[PurePosixPath]:
    """Write each member below a folder; ``gate`` has seen all of them, and what they add up to."""
    import lzma
    import zlib

    done = 0
    for member, opened in members:
        if member.folder:
            (into / member.path).mkdir(parents=True, exist_ok=True)
            continue
        source = opened()
        assert source is not None, "a plain file has content"
        try:
            with source:
                _write(source, into / member.path, gate, member)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise DataError(
                f"{gate.archive}: member {str(member.path)!r} is cut short or altered ({error}); {gate.again}"
            ) from None
        done += member.size
        progress(done, gate.total)
        yield member.path


def members_declared(archive: Path) -> int:
    """How many members a zip file's end record counts; ``zipfile`` lists what it finds and does not compare.

    The records are those of PKWARE's APPNOTE, 4.3.14 to 4.3.16.
    """
    with archive.open("rb") as file:
        begin = max(0, file.seek(0, 2) - END_BYTES)
        file.seek(begin)
        tail = file.read()
    end = tail.rindex(b"PK\x05\x06")
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    if count < 2**16 - 1 or tail[end - 20 : end - 16] != b"PK\x06\x07":
        return count
    return int.from_bytes(tail[end - 44 : end - 36], "little")  # the large record: 56 bytes, then a locator of 20


def _admit_zip(gate: _Gate, info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise gate.refuse(info.filename, "is a link" if kind == stat.S_IFLNK else "is neither a file nor a folder")
    if info.flag_bits & 1:
        raise gate.refuse(info.filename, "is encrypted")
    # orig_filename: zipfile itself cuts a name at a zero byte, so that two programs see two names
    return gate.admit(info.orig_filename, info.file_size, folder=info.is_dir())


class _Strict(tarfile.TarInfo):
    """A member header that refuses what ``tarfile`` takes for the end: damage, or a missing end mark."""

    @classmethod
    def fromtarfile(cls, tarfile_: Any) -> Any:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise tarfile.ReadError(f"{error} at byte {tarfile_.offset:,}") from None


def _unpack_tar(gate: _Gate, kind: Kind, into: Path, progress: Progress) -> list[PurePosixPath]:
    """Read through once to check every member and every checksum of the packing, then once more to unpack."""
    archive = gate.archive
    with _stream(archive, kind) as stream, tarfile.open(fileobj=stream, mode="r:", tarinfo=_Strict) as packed:
        for info in packed:
            _admit_tar(gate, info)
        while stream.read(CHUNK):
            pass
    gate.check_filled()
    check_space(into, gate.total, f"unpacking {archive.name}")
    with _stream(archive, kind) as stream, tarfile.open(fileobj=stream, mode="r:", tarinfo=_Strict) as packed:
        return list(_written(_tar_members(packed, _Gate(archive, gate.again, gate.bounds), into), gate, into, progress))


def _tar_members(
    packed: tarfile.TarFile, gate: _Gate, into: Path
) -> Iterator[tuple[Member, Callable[[], IO[bytes] | None]]]:
    second_opinion = getattr(tarfile, "data_filter", None)  # Python 3.11.0 to 3.11.3 lack it
    for info in packed:
        member = _admit_tar(gate, info)
        if second_opinion is not None:
            second_opinion(info, str(into))
        yield member, partial(packed.extractfile, info)


def _admit_tar(gate: _Gate, info: tarfile.TarInfo) -> Member:
    if info.issym() or info.islnk():
        raise gate.refuse(info.name, "is a link")
    if not (info.isreg() or info.isdir()):
        raise gate.refuse(info.name, "is neither a file nor a folder")
    return gate.admit(info.name, info.size if info.isreg() else 0, folder=info.isdir())


def _stream(archive: Path, kind: Kind) -> IO[bytes]:
    """The unpacked bytes of a tar archive."""
    import bz2
    import gzip
    import lzma

    openers: dict[Kind, Callable[..., Any]] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return cast(IO[bytes], openers.get(kind, open)(archive, "rb"))
