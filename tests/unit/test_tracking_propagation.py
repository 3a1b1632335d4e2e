from __future__ import annotations

import numpy as np
import pytest
from tracking_cases import PATCH, PLANS, SHAPE, Answering, Ensemble, cuboid, grid, identity_map

from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan
from lesionlocator.model import Plans
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.masks import GridMask
from lesionlocator.tracking.cube import cube, planes
from lesionlocator.tracking.frames import Frame
from lesionlocator.tracking.propagation import (
    Prompt,
    TrackedGrid,
    patch_around,
    prompt_all,
    register,
    segment_prompts,
)
from lesionlocator.tracking.registration import Registration

NOWHERE = np.empty((0, 3), np.intp)


def mask(start: tuple[int, int, int], stop: tuple[int, int, int]) -> GridMask:
    return GridMask(Box(start, stop), np.ones(Box(start, stop).shape, np.uint8))


def prompt(
    lesion: GridMask, *, fold: int = 0, axes: tuple[int, ...] = (), void: np.ndarray = NOWHERE, shape=SHAPE
) -> Prompt:
    frame = Frame(grid(shape), (0, shape[0]), axes)
    return Prompt(fold, frame, frame.from_grid(lesion), void, False, 1.0)


def segmented(ensemble: Ensemble, views: list[Prompt], **options):
    """Return what the views of one lesion find."""
    return segment_prompts(ensemble, {5: views}, **options)[5]


@pytest.mark.parametrize(
    ("center", "shape", "start"),
    [
        ((12, 15, 14), SHAPE, (4, 7, 6)),
        ((3, 29, 14), SHAPE, (0, 14, 6)),
        ((3, 4, 14), (10, 13, 28), (-3, -1, 6)),
        ((5, 8, 14), (16, 16, 16), (0, 0, 0)),
    ],
)
def test_a_patch_lies_around_a_voxel_and_inside_or_around_the_grid(center, shape, start) -> None:
    assert patch_around(center, shape, PATCH) == Box.whole(PATCH).shifted(start)


def test_the_network_sees_image_and_prompt_at_the_patch() -> None:
    member = Answering()
    lesion = prompt(mask((10, 10, 10), (14, 13, 12)))
    found = segmented(Ensemble(member), [lesion])
    assert lesion.center == (12, 11, 10)  # of (11.5, 11, 10.5)
    patch = Box.whole(PATCH).shifted((4, 3, 2))
    assert found.block == patch
    np.testing.assert_array_equal(member.patches[0][0], grid().image(patch))
    wanted = cuboid(PATCH, (6, 7, 8), (10, 10, 10))
    np.testing.assert_array_equal(member.patches[0][1], wanted)
    np.testing.assert_array_equal(found.difference, wanted * 2.0 - 1)


def test_a_grid_smaller_than_the_patch_is_padded_around_its_center() -> None:
    member = Answering(logits=lambda patch: patch[0])
    shape = (10, 13, 28)
    found = segmented(Ensemble(member), [prompt(mask((2, 2, 9), (5, 5, 12)), shape=shape)])
    assert found.block == Box((0, 0, 2), (10, 13, 18))
    np.testing.assert_array_equal(found.difference, grid(shape).image(found.block))
    assert not member.patches[0][0][:3].any()
    assert not member.patches[0][0][-3:].any()


def test_mirrored_views_see_mirrored_patches_and_agree() -> None:
    member = Answering(logits=lambda patch: patch[0])
    lesion = mask((10, 12, 11), (13, 17, 15))
    for axes in ((0,), (1, 2), (0, 1, 2)):
        found = segmented(Ensemble(member), [prompt(lesion, axes=axes)])
        np.testing.assert_array_equal(found.difference, grid().image(found.block))
        np.testing.assert_array_equal(np.flip(member.patches[-1][0], axes), found.difference)


def test_views_are_averaged_and_say_nothing_outside_their_patch() -> None:
    ensemble = Ensemble(
        Answering(logits=lambda patch: np.full(patch.shape[1:], 3)),
        Answering(logits=lambda patch: np.full(patch.shape[1:], -1)),
    )
    views = [prompt(mask((8, 8, 8), (9, 9, 9))), prompt(mask((8, 8, 12), (9, 9, 13)), fold=1)]
    calls = []
    found = segmented(ensemble, views, on_forward=calls.append)
    assert found.block == Box((0, 0, 0), (16, 16, 20))
    assert set(found.difference[:, :, :4].ravel()) == {1.5}
    assert set(found.difference[:, :, 4:16].ravel()) == {1}
    assert set(found.difference[:, :, 16:].ravel()) == {-0.5}
    assert len(calls) == 2


def test_void_voxels_are_minus_one_and_move_the_patch() -> None:
    member = Answering()
    void = np.array([[0, 0, 0], [20, 20, 20], [19, 20, 20]])
    lesion = prompt(mask((12, 12, 12), (13, 13, 13)), void=void)
    segmented(Ensemble(member), [lesion])
    assert lesion.center == (13, 13, 13)
    seen = member.patches[0][1]
    assert seen[12 - 5, 12 - 5, 12 - 5] == 1
    assert seen[15, 15, 15] == seen[14, 15, 15] == -1
    assert np.count_nonzero(seen) == 3


def test_registering_gives_each_view_its_own_cubes() -> None:
    member = Answering(mirrorings=((), (0,), (1, 2)))
    scans = TrackedGrid(grid()), TrackedGrid(grid((30, 20, 20), seed=1))
    found = list(register(Ensemble(member), *scans))
    assert [(fold, r.followup.mirrored) for fold, r in found] == [(0, ()), (0, (0,)), (0, (1, 2))]
    whole = cube(planes(scans[1].grid), (0, 30))
    for _, registration in found:
        np.testing.assert_array_equal(registration.fixed, np.flip(whole, registration.followup.mirrored))


def test_views_mirrored_along_z_align_their_mirrored_slices() -> None:
    long = grid((60, 20, 20))
    short = ModelGrid(
        Scan("short", long.scan.voxels[35:], Geometry((25, 20, 20), (1, 1, 1))), Plans.parse(PLANS, "plans")
    )
    member = Answering(mirrorings=((), (0,), (2,), (0, 1)))
    found = [r for _, r in register(Ensemble(member), TrackedGrid(long), TrackedGrid(short))]
    last = (35, 60)
    assert [r.baseline.window == last for r in found] == [False, True, False, True]


def test_prompts_leave_out_lesions_out_of_view_and_void_inside_lesions() -> None:
    frame = Frame(grid(), (5, 24))
    still = np.zeros((175, 175, 175), np.float32)
    registration = Registration(frame, frame, identity_map(), still, still)
    lesions = {3: mask((8, 8, 8), (12, 12, 12)), 9: mask((0, 1, 1), (4, 4, 4))}
    void = mask((7, 10, 10), (9, 11, 11))
    found = dict(prompt_all(0, registration, lesions, void))
    assert list(found) == [3]
    assert found[3].void.tolist() == [[2, 10, 10]]
    assert found[3].mask.box == Box((3, 8, 8), (7, 12, 12))


@pytest.mark.parametrize("batch", [2, 5, 100])
def test_lesions_in_one_batch_are_segmented_as_one_by_one(batch: int) -> None:
    masks = {
        3: mask((8, 8, 8), (12, 12, 12)),
        9: mask((2, 1, 1), (6, 4, 4)),
        4: mask((15, 20, 9), (18, 25, 13)),
    }
    sights = {
        i: [prompt(lesion, fold=fold, axes=axes) for fold in (0, 1) for axes in ((), (0,), (1, 2))]
        for i, lesion in masks.items()
    }

    def members(size: int) -> list[Answering]:
        look = (lambda patch: patch[0] + patch[1], lambda patch: patch[0] * patch[1] - 1)
        return [Answering(logits=logits, batch=size) for logits in look]

    together, calls = members(batch), []
    found = segment_prompts(Ensemble(*together), sights, on_forward=calls.append)
    assert sum(together[0].batches) == 9
    assert max(together[0].batches) == min(batch, 9)
    assert sorted(calls) == sorted([3, 4, 9] * 6)
    for lesion_id, views in sights.items():
        alone = segmented(Ensemble(*members(1)), views)
        assert alone.block == found[lesion_id].block
        np.testing.assert_array_equal(alone.difference, found[lesion_id].difference)
