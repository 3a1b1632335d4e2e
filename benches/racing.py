"""Two ways to one answer, compared first, then timed in turn in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from limits import Limits, touch

HOLD = 0.6
"""The share of a goal below which a race is lost: machines differ, and so do neighbours on them."""
_ATTEMPTS = 3
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 21
_SECONDS, _QUICK_SECONDS = 6.0, 2.0
_ALONE = 0.85
"""Share of the wall time that one thread computes, below which other processes held the processor."""
_LARGE = 1 << 28
"""Bytes of fresh memory above which a round comes after as much was touched and freed.

A hypervisor may take freed memory back within seconds; getting it again is ten to twenty times slower than a
page fault. Beside a peer that takes seconds, a kernel would be timed for what the host does.
"""


@dataclass(frozen=True)
class Traffic:
    """Bytes that a kernel cannot avoid: read from memory, and written to memory not touched before."""

    read: int = 0
    fresh: int = 0


@dataclass
class Times:
    """Seconds of each round of both sides."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times quicker ours is: of the minima, which neighbours disturb least."""
        return min(self.theirs) / min(self.ours)


class Racing:
    """Runs one race; what it finds goes into the benchmark's extra_info.

    Parameters
    ----------
    benchmark
        pytest-benchmark's fixture, which times our side; the peer runs in its set-up.
    limits
        Bandwidths of this machine with that many threads.
    threads
        Threads of both sides.
    quick
        Whether to take fewer rounds.
    hold
        Whether a ratio below its share of the goal fails.
    """

    def __init__(self, benchmark: Any, limits: Limits, *, threads: int, quick: bool, hold: bool) -> None:
        self._benchmark = benchmark
        self._limits = limits
        self._threads = threads
        self._seconds = _QUICK_SECONDS if quick else _SECONDS
        self._hold = hold

    def __call__(
        self,
        work: str,
        ours: Callable[[], Any],
        peer: str,
        theirs: Callable[[], Any],
        *,
        equal: Callable[[Any, Any], bool] = np.array_equal,
        goals: Mapping[int, float] | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        """Race.

        Parameters
        ----------
        work, ours
            What is done, and our way.
        peer, theirs
            Who else does it, and how.
        equal
            Compares both answers before anything is timed.
        goals
            By threads, how many times quicker ours is meant to be.
        traffic
            What the physical limit is computed from.
        """
        if not equal(ours(), theirs()):
            pytest.fail(f"{work}: the answer differs from that of {peer}")
        times = Times()
        goal = (goals or {}).get(self._threads)
        fresh = traffic.fresh if traffic is not None and traffic.fresh > _LARGE else 0
        with _Occupancy() as occupancy:
            self._first(ours, theirs, times, fresh)
            for _ in range(_ATTEMPTS - 1):
                if goal is None or not self._hold or times.ratio >= HOLD * goal:
                    break
                self._again(ours, theirs, times, fresh)
        self._note(work, peer, times, goal, traffic)
        if self._hold and goal is not None and times.ratio < HOLD * goal:
            said = f"{work}: {times.ratio:.2f} x {peer}; goal {goal:g} x, held from {HOLD * goal:.2f} x"
            if self._threads == 1 and occupancy.share < _ALONE:
                pytest.skip(f"{said}; not judged: only {occupancy.share:.0%} of the processor was free")
            pytest.fail(said)

    def _first(self, ours: Callable[[], Any], theirs: Callable[[], Any], times: Times, fresh: int) -> None:
        estimate = _timed(ours) + _timed(theirs)
        rounds = int(np.clip(self._seconds / estimate, _LEAST_ROUNDS, _MOST_ROUNDS))

        def turn_of_the_peer() -> None:
            times.theirs.append(_timed(theirs, fresh))
            touch(fresh)

        self._benchmark.pedantic(ours, setup=turn_of_the_peer, rounds=rounds, iterations=1)
        times.ours += self._benchmark.stats.stats.data

    @staticmethod
    def _again(ours: Callable[[], Any], theirs: Callable[[], Any], times: Times, fresh: int) -> None:
        for _ in range(len(times.ours)):
            times.theirs.append(_timed(theirs, fresh))
            times.ours.append(_timed(ours, fresh))

    def _note(self, work: str, peer: str, times: Times, goal: float | None, traffic: Traffic | None) -> None:
        found = {"work": work, "peer": peer, "threads": self._threads, "goal": goal}
        found |= {"ms": min(times.ours) * 1e3, "peer_ms": min(times.theirs) * 1e3, "ratio": times.ratio}
        if traffic is not None:
            found["limit_share"] = self._limits.seconds(traffic.read, traffic.fresh) / min(times.ours)
        self._benchmark.extra_info.update(found)


class _Occupancy:
    """The share of the wall time in which this process computed."""

    share = 1.0

    def __enter__(self) -> _Occupancy:
        self._started = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        wall, processor = self._started
        self.share = (time.process_time() - processor) / (time.perf_counter() - wall)


def _timed(work: Callable[[], Any], fresh: int = 0) -> float:
    touch(fresh)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
