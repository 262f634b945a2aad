"""Leases: one process at a time is at work on something of the store, also where the locks of a file system do nothing.

A lease is a chain of small files beside what it is for. Whoever finds none makes the first, ``.NAME.lease``. Whoever
finds the owner of the last one dead, or silent for too long, makes the next, which has the last one's token in its
name. That only one process can make a file of one name decides, on network file systems too. An owner gives a sign of
life by touching its file, and seals the chain by making the next file itself just before it publishes its result;
where that is there already, somebody took over, and the result comes too late.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.life import sign_of_life
from bench.store.owners import BEAT_S, MISSED, Owner, beating, owner_from, this_process

LEASE = ".lease"
"""How the first file of a chain ends."""
SHORTEST_S, LONGEST_S = 0.01, 0.5
"""Seconds between two looks at a lease that another process has: more and more."""
SAID_AFTER_S, SAID_EVERY_S = 5.0, 300.0
"""Seconds of waiting after which it is said, and then between two times."""
LARGEST = 4096
"""Bytes of a file of a chain that are read."""

Say = Callable[[str], None]


class Late(Exception):
    """Another process has taken over."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One file of a chain; ``stamp`` changes with every sign of life.

    One that is not whole (a full disk takes no words, a process was killed in between) has no owner.
    """

    file: Path
    token: str
    stamp: int
    owner: Owner | None

    @property
    def patience_s(self) -> float:
        """Seconds without a sign of life after which its owner is taken for dead."""
        return self.owner.patience_s if self.owner else MISSED * BEAT_S


@dataclass(slots=True)
class Lease:
    """A lease of this process on what has its first file at ``path``; ``file`` is the one that it touches.

    ``alone``: nobody that may still be at work had it before.
    """

    path: Path
    file: Path
    token: str
    alone: bool
    _sealed: bool = False

    def seal(self) -> None:
        """Let nobody take over from here on: what is published now is published once.

        Raises:
            Late: another process has taken over.
        """
        if self._sealed:
            return
        seal = _after(self.path, self.token)
        if not _made(seal, b""):
            raise Late
        if not _leads_to(self.path, seal):
            seal.unlink(missing_ok=True)
            raise Late
        self.file, self._sealed = seal, True

    @property
    def lost(self) -> bool:
        """Whether another process has taken over."""
        return not _leads_to(self.path, self.file)

    def release(self) -> None:
        """Remove the chain, unless another process has taken it over."""
        with suppress(Late, OSError):  # what cannot be removed goes silent
            self.seal()
            for claim in claims(self.path):  # the first first: whoever finds none begins another chain
                claim.file.unlink(missing_ok=True)


@contextmanager
def leased(what: Path, say: Say) -> Iterator[Lease]:
    """Hold the lease on a file or folder, there or not, waiting for it; that it waits long is said, and for whom.

    Raises:
        OSError: no lease can be written there.
    """
    contender = _Contender(lease_path(what))
    began = time.monotonic()
    due, pause = SAID_AFTER_S, SHORTEST_S
    while not isinstance(found := contender.attempt(), Lease):
        if time.monotonic() - began >= due:
            say(f"waiting for {contender.told(found)}")
            due += SAID_EVERY_S
        sign_of_life()  # to wait for another is no standstill
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_S)
    with _held(found):
        yield found


@contextmanager
def if_idle(what: Path) -> Iterator[bool]:
    """Hold the lease on a file or folder if nobody has it; says whether it is held."""
    found = _Contender(lease_path(what)).attempt()
    if isinstance(found, Lease):
        with _held(found):
            yield True
    else:
        yield False


def owner_at(what: Path) -> str:
    """Who has the lease on a file or folder, in words."""
    chain = claims(lease_path(what))
    return str(chain[-1].owner) if chain and chain[-1].owner else "another process"


def lease_path(what: Path) -> Path:
    """The first file of the chain for a file or folder."""
    return what.with_name(f".{what.name}{LEASE}")


@dataclass(slots=True)
class _Contender:
    """Who wants a lease, and since when the claim in its way has given no sign of life."""

    path: Path
    _seen: tuple[str, int] = ("", 0)
    _since: float = field(default_factory=time.monotonic)

    def attempt(self) -> Lease | Claim:
        """The lease, or the claim in its way."""
        while True:
            chain = claims(self.path)
            if chain and not self._is_over(chain[-1]):
                return chain[-1]
            file = _after(self.path, chain[-1].token) if chain else self.path
            if not _made(file, this_process().as_bytes()):
                time.sleep(SHORTEST_S)
                continue  # another was faster
            own = _claim(file)
            if own is not None and _leads_to(self.path, file):
                alone = all(claim.owner is not None and claim.owner.is_dead for claim in chain)
                return Lease(self.path, file, own.token, alone)
            file.unlink(missing_ok=True)  # it was released meanwhile

    def told(self, claim: Claim) -> str:
        """Who is in the way, and whether it has gone silent."""
        who = str(claim.owner) if claim.owner else "another process"
        silent = time.monotonic() - self._since
        if silent < claim.patience_s / 2:
            return who
        return f"{who}, silent for {silent:.0f} s; after {claim.patience_s:.0f} s its work is taken over"

    def _is_over(self, claim: Claim) -> bool:
        """Whether an owner is dead, or was silent for too long by our own clock, which no other can move."""
        seen = claim.token, claim.stamp
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        if claim.owner is not None and claim.owner.is_dead:
            return True
        return time.monotonic() - self._since > claim.patience_s


@contextmanager
def _held(lease: Lease) -> Iterator[None]:
    """Give signs of life, and release the lease in the end."""
    try:
        with beating(lambda: lease.file):
            yield
    finally:
        lease.release()


def _after(path: Path, token: str) -> Path:
    """The file that follows the one with this token."""
    return path.with_name(f"{path.name}.{token}")


def claims(path: Path) -> list[Claim]:
    """All claims from the first to the one that holds; none where nobody has the lease."""
    chain: list[Claim] = []
    file = path
    while (claim := _claim(file)) is not None:
        chain.append(claim)
        file = _after(path, claim.token)
    return chain


def _leads_to(path: Path, file: Path) -> bool:
    """Whether a chain ends with this file."""
    chain = claims(path)
    return bool(chain) and chain[-1].file == file


def _claim(file: Path) -> Claim | None:
    """The claim in a file; None where there is none. Opening it asks a network file system for its present state."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        state = os.fstat(descriptor)
        owner = owner_from(os.read(descriptor, LARGEST))
    finally:
        os.close(descriptor)
    return Claim(file, owner.token if owner else f"{state.st_ino:x}", state.st_mtime_ns, owner)


def _made(file: Path, content: bytes) -> bool:
    """Make a file; says whether it was not there. A full disk takes it without its content."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        with suppress(OSError):
            os.write(descriptor, content)
    finally:
        os.close(descriptor)
    return True
