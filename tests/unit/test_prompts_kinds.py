"""Prompt kinds: what is legal, what a set holds, and what can be used on a grid."""

from __future__ import annotations

import pytest

from lesionlocator.errors import PromptError
from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import LARGEST_ID, LesionPrompt, PromptKind, PromptSet, check

BOX = Box((1, 2, 3), (4, 5, 6))
POINT = (1.0, 2.5, 3.0)


@pytest.mark.parametrize("lesion_id", [0, -1, LARGEST_ID + 1])
def test_an_id_out_of_range_is_refused(lesion_id: int) -> None:
    with pytest.raises(PromptError, match=rf"lesion id {lesion_id} is not legal"):
        LesionPrompt(lesion_id, BOX)


def test_the_largest_id_is_kept() -> None:
    assert LesionPrompt(LARGEST_ID, BOX).lesion_id == 65535


def test_a_lesion_needs_a_prompt() -> None:
    with pytest.raises(PromptError, match="lesion 3: has neither a box nor a point"):
        LesionPrompt(3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_coordinate_that_is_not_finite_names_the_lesion(bad: float) -> None:
    with pytest.raises(PromptError, match=rf"lesion 3: coordinate {bad} is not finite"):
        LesionPrompt(3, point=(1.0, bad, 2.0))


def test_a_coordinate_beyond_any_image_is_refused() -> None:
    with pytest.raises(PromptError, match="lesion 3: coordinate 1e\\+30 is beyond 2147483647"):
        LesionPrompt(3, Box((0, 0, 0), (1, 1, 10**30)))


def test_get_gives_the_prompt_of_a_kind() -> None:
    lesion = LesionPrompt(3, BOX)
    assert lesion.get(PromptKind.BOX) is BOX
    assert lesion.get(PromptKind.POINT) is None


def test_a_set_keeps_the_order_of_the_file() -> None:
    prompts = PromptSet.of(LesionPrompt(i, BOX) for i in (9, 2, 300))
    assert prompts.ids == (9, 2, 300)
    assert [lesion.lesion_id for lesion in prompts] == [9, 2, 300]
    assert len(prompts) == 3


def test_a_set_is_indexed_by_id_not_by_position() -> None:
    prompts = PromptSet((LesionPrompt(2, BOX), LesionPrompt(1, point=POINT)))
    assert prompts[1].point == POINT
    with pytest.raises(KeyError):
        prompts[3]


def test_an_id_that_occurs_twice_is_refused() -> None:
    with pytest.raises(PromptError, match=r"lesion ids occur more than once: \[2\]"):
        PromptSet((LesionPrompt(2, BOX), LesionPrompt(1, BOX), LesionPrompt(2, point=POINT)))


def test_select_refuses_lesions_of_the_other_kind_by_id() -> None:
    both, box, point = LesionPrompt(5, BOX, POINT), LesionPrompt(9, BOX), LesionPrompt(2, point=POINT)
    prompts = PromptSet((both, box, point))
    assert prompts.select(PromptKind.BOX) == ([both, box], {2: "has only a point, no box"})
    assert prompts.select(PromptKind.POINT) == ([both, point], {9: "has only a box, no point"})


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ((0, 0, 0), (1, 1, 1)),
        ((-5, -5, -5), (1, 1, 1)),
        ((9, 19, 29), (99, 99, 99)),
        ((-1, -1, -1), (99, 99, 99)),
    ],
)
def test_a_box_that_shares_a_voxel_with_the_grid_can_be_used(start: tuple, stop: tuple) -> None:
    assert check(Box(start, stop), (10, 20, 30)) is None


@pytest.mark.parametrize(
    ("start", "stop"), [((10, 0, 0), (12, 5, 5)), ((0, -3, 0), (5, 0, 5)), ((0, 0, 30), (5, 5, 31))]
)
def test_a_box_beside_the_grid_cannot_be_used(start: tuple, stop: tuple) -> None:
    reason = f"box {start} to {stop} lies outside the scan of shape (10, 20, 30) (z, y, x)"
    assert check(Box(start, stop), (10, 20, 30)) == reason


@pytest.mark.parametrize("point", [(-0.5, 0.0, 0.0), (9.49, 19.49, 29.49), (0.0, 0.0, 0.0)])
def test_a_point_nearest_to_a_voxel_of_the_grid_can_be_used(point: tuple) -> None:
    assert check(point, (10, 20, 30)) is None


@pytest.mark.parametrize("point", [(-0.51, 0.0, 0.0), (0.0, 19.5, 0.0), (0.0, 0.0, 500.0)])
def test_a_point_beside_the_grid_cannot_be_used(point: tuple) -> None:
    assert (
        check(point, (10, 20, 30)) == f"point {point} lies outside the scan of shape (10, 20, 30) (z, y, x)"
    )


def test_a_point_that_is_no_number_cannot_be_used() -> None:
    assert check((0.0, float("nan"), 0.0), (10, 20, 30)) == "coordinate nan is not finite"
