"""What the races of ``benches`` hold: a single-thread ratio below 60 % of its goal fails them."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

BENCHES = Path(__file__).parents[2] / "benches"


class Clock:
    """Time that passes only where a race's sides say so; ``share`` of it is this process's."""

    def __init__(self, share: float) -> None:
        self.now, self.share = 0.0, share

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now * self.share

    def takes(self, seconds: float) -> None:
        self.now += seconds


class Benchmark:
    """What a race uses of pytest-benchmark's fixture."""

    def __init__(self, clock: Clock) -> None:
        self.extra_info: dict[str, Any] = {}
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[]))
        self._clock = clock

    def pedantic(self, work: Any, *, setup: Any, rounds: int, iterations: int) -> None:
        for _ in range(rounds):
            setup()
            started = self._clock.now
            work()
            self.stats.stats.data.append(self._clock.now - started)


@pytest.fixture
def racing(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHES)
    return importlib.import_module("racing")


def run(racing: Any, monkeypatch: pytest.MonkeyPatch, ratio: float, **options: Any) -> dict[str, Any]:
    """Race where the peer takes ``ratio`` times as long; the goal is 10."""
    clock = Clock(options.pop("share", 1.0))
    monkeypatch.setattr(racing, "time", clock)
    benchmark = Benchmark(clock)
    given = {"threads": 1, "quick": True, "hold": True} | options
    race = racing.Racing(benchmark, racing.Limits(1e9, 1e9), **given)
    race(
        "work", lambda: clock.takes(0.01), "peer", lambda: clock.takes(0.01 * ratio),
        equal=lambda ours, theirs: True, goals={1: 10}, traffic=racing.Traffic(read=5_000_000),
    )  # fmt: skip
    return benchmark.extra_info


def test_a_ratio_below_its_share_of_the_goal_fails(racing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"work: 5\.90 x peer; goal 10 x, held from 6\.00 x"):
        run(racing, monkeypatch, 5.9)


def test_a_ratio_above_its_share_of_the_goal_is_noted(racing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(racing, monkeypatch, 6.1)
    assert found["ratio"] == pytest.approx(6.1)
    assert found["limit_share"] == pytest.approx(0.5)


@pytest.mark.parametrize("options", [{"hold": False}, {"threads": 2}])
def test_nothing_fails_where_nothing_is_held(
    racing: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    assert run(racing, monkeypatch, 1.0, **options)["ratio"] == pytest.approx(1)


def test_a_ratio_on_a_busy_processor_is_not_judged(racing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match="only 50% of the processor was free"):
        run(racing, monkeypatch, 1.0, share=0.5)


def test_different_answers_lose_before_anything_is_timed(racing: Any) -> None:
    race = racing.Racing(None, racing.Limits(1, 1), threads=1, quick=True, hold=False)
    with pytest.raises(pytest.fail.Exception, match="work: the answer differs from that of peer"):
        race("work", lambda: 1, "peer", lambda: 2)
