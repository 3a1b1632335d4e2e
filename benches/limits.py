"""What memory allows on this machine: how fast it is read, and how fast fresh pages are filled."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

_BYTES = 1 << 28
_RUNS = 5


@dataclass(frozen=True)
class Limits:
    """Bytes a second, with the threads that were measured."""

    read: float
    fresh: float

    def seconds(self, read: int, fresh: int) -> float:
        """Return the least time for reading some bytes and filling others."""
        return read / self.read + fresh / self.fresh


def measure(threads: int) -> Limits:
    """Measure with numpy, the best of several runs."""
    source = np.ones(_BYTES // 8, np.uint64)
    with ThreadPoolExecutor(threads) as pool:

        def on_all(work: Callable[[np.ndarray], object], whole: np.ndarray) -> None:
            list(pool.map(work, np.array_split(whole, threads)))

        read = _best(lambda: on_all(np.bitwise_or.reduce, source))
        fresh = _best(lambda: on_all(lambda part: part.fill(1), np.empty_like(source)))
    return Limits(_BYTES / read, _BYTES / fresh)


def touch(size: int) -> None:
    """Fill and free so many bytes of fresh memory, and half as many more for temporaries."""
    np.empty(size + size // 2, np.uint8).fill(0)


def _best(work: Callable[[], None]) -> float:
    times = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
