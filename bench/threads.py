"""Work on threads whose results come in order, and how its progress is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def silent(done: int, total: int) -> None:
    """Tell nothing."""


def ordered(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, progress: Progress = silent
) -> Iterator[Result]:
    """Map on threads and yield results in the order of the items, never more than a few ahead.

    ``progress`` is told of a result when the next one is asked for.
    """
    waiting: deque[Future[Result]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        try:
            for done in range(1, len(items) + 1):
                for item in islice(left, 2 * workers + 1 - len(waiting)):
                    waiting.append(pool.submit(work, item))
                yield waiting.popleft().result()
                progress(done, len(items))
        finally:
            for future in waiting:
                future.cancel()
