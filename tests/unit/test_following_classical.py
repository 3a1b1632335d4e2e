"""Lesions that a follow-up shows in part, and those that the network misses although they are there."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.following import classical
from lesionlocator.following.classical import Classical, is_cut_off
from lesionlocator.following.methods import Carried
from lesionlocator.following.origin import Origin
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.tracking.classical import ClassicalRegistration
from lesionlocator.tracking.displacement import DisplacementMap

HERE, THERE = Geometry((40, 40, 40), (2.0, 1.0, 1.0)), Geometry((30, 50, 50), (1.0, 1.0, 1.0))


def block(geometry: Geometry, start: tuple[int, int, int], stop: tuple[int, int, int]) -> LesionMask:
    box = Box(start, stop)
    return LesionMask(geometry.shape, box, np.ones(box.shape, np.uint8), np.zeros(box.shape, np.float32))


@pytest.mark.parametrize(
    ("start", "stop", "cut"),
    [
        ((0, 10, 10), (7, 18, 18), True),
        ((0, 10, 10), (9, 18, 18), False),
        ((23, 10, 10), (30, 18, 18), True),
        ((5, 45, 10), (13, 50, 18), True),
        ((5, 10, 10), (12, 18, 18), False),
    ],
    ids=[
        "at the lowest slice",
        "more than half",
        "at the highest slice",
        "at the back",
        "shrunk in the middle",
    ],
)
def test_less_than_half_at_the_end_of_a_scan_is_cut_off(
    start: tuple[int, int, int], stop: tuple[int, int, int], cut: bool
) -> None:
    before = block(HERE, (10, 10, 10), (18, 18, 18))
    assert is_cut_off(block(THERE, start, stop), THERE, before, HERE) is cut


GRID = Geometry((30, 30, 30), (2.0, 2.0, 2.0))
LESION = block(GRID, (12, 12, 12), (17, 17, 17))


class Network:
    """A model that finds lesions only in boxes of a number of voxels along each axis, or more."""

    device = None
    takes_masks = False

    def __init__(self, least: int) -> None:
        self.least = least
        self.boxes: list[Box] = []
        self.masks: list[LesionMask] = []
        self.notes = ()

    def identity(self, kind: object) -> None:
        return None

    def prepare(self, scan: Scan, prompts: PromptSet, **options: object) -> Network:
        self.prompts = prompts
        return self

    def run(self, progress: object) -> list[LesionResult]:
        return [self.answer(prompt) for prompt in self.prompts]

    def answer(self, prompt: LesionPrompt) -> LesionResult:
        assert prompt.box is not None
        self.boxes.append(prompt.box)
        if min(prompt.box.shape) < self.least:
            return LesionResult(prompt.lesion_id, LesionStatus.EMPTY, warnings=("nothing found",))
        return LesionResult(prompt.lesion_id, LesionStatus.SEGMENTED, found=LESION)


def scan(name: str, *, lesion: bool) -> Scan:
    voxels = np.random.default_rng(len(name)).integers(-5, 6, GRID.shape).astype(np.int16)
    voxels[LESION.box.slices] += 100 * lesion
    return Scan(name, voxels, GRID)


def followed(network: Network, monkeypatch: pytest.MonkeyPatch, *, is_there: bool) -> Carried:
    """Follow the lesion to a scan that lies as the baseline does."""
    still = DisplacementMap(np.zeros((2, 2, 2, 3)), np.zeros(3), 60.0)
    monkeypatch.setattr(classical, "register", lambda *_: ClassicalRegistration(still, 1.0, 1.0))
    origin = Origin(scan("baseline", lesion=True), {3: LESION})
    pair = Classical(network).pair(origin, scan("followup", lesion=is_there))
    (carried,) = pair.run(lambda _: None, [3])
    return carried


def test_a_lesion_that_the_scan_shows_is_looked_for_in_a_larger_box(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(least=7)
    carried = followed(network, monkeypatch, is_there=True)
    assert carried.lesion.found is LESION
    assert "a box that reaches 3 mm farther" in carried.lesion.warnings[-1]
    assert carried.expected.box == LESION.box
    assert network.boxes == [LESION.box, Box((10, 10, 10), (19, 19, 19))]


def test_a_lesion_that_the_network_never_finds_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(least=20)
    carried = followed(network, monkeypatch, is_there=True)
    assert carried.lesion.status is LesionStatus.EMPTY
    assert carried.lesion.warnings == ("nothing found",)
    assert len(network.boxes) == 2


def test_a_lesion_that_is_gone_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(least=7)
    carried = followed(network, monkeypatch, is_there=False)
    assert carried.lesion.status is LesionStatus.EMPTY
    assert network.boxes == [LESION.box]


def test_what_the_network_finds_where_a_lesion_is_gone_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(least=1)
    carried = followed(network, monkeypatch, is_there=False)
    assert (carried.lesion.status, carried.lesion.found) == (LesionStatus.EMPTY, None)
    assert "nothing there looks like the lesion" in carried.lesion.warnings[0]
    assert len(network.boxes) == 1


class NetworkForMasks(Network):
    """A model that answers masks with a mask of its own, or with nothing."""

    takes_masks = True

    def __init__(self, least: int, found: LesionMask | None) -> None:
        super().__init__(least)
        self.found = found

    def run(self, progress: object) -> list[LesionResult]:
        if not isinstance(self.prompts, dict):
            return super().run(progress)
        self.masks += self.prompts.values()
        status = LesionStatus.EMPTY if self.found is None else LesionStatus.SEGMENTED
        return [LesionResult(lesion_id, status, found=self.found) for lesion_id in self.prompts]


GROWN, SHRUNK = block(GRID, (11, 11, 11), (18, 18, 18)), block(GRID, (13, 13, 13), (16, 16, 16))


@pytest.mark.parametrize(
    ("found", "least", "counts"),
    [(GROWN, 1, GROWN), (SHRUNK, 1, LESION), (None, 1, LESION), (SHRUNK, 20, SHRUNK), (None, 20, None)],
    ids=["mask", "box", "box alone", "mask alone", "neither"],
)
def test_the_larger_of_what_box_and_mask_show_counts(
    found: LesionMask | None, least: int, counts: LesionMask | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = NetworkForMasks(least, found)
    carried = followed(network, monkeypatch, is_there=True)
    assert carried.lesion.found is counts
    assert network.boxes[0] == LESION.box
    (shown,) = network.masks
    assert (shown.box, shown.voxels) == (LESION.box, LESION.voxels)


@pytest.mark.parametrize("found", [GROWN, SHRUNK, None], ids=["mask", "box", "box alone"])
def test_the_time_of_both_prompts_counts(found: LesionMask | None) -> None:
    by_box = LesionResult(3, LesionStatus.SEGMENTED, found=LESION, seconds={"network": 2.0, "export": 0.5})
    by_mask = LesionResult(3, LesionStatus.EMPTY, found=found, seconds={"network": 1.0})
    assert classical.larger(by_box, by_mask).seconds == {"network": 3.0, "export": 0.5}
