from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_cases import PLANS, SHAPE, cuboid, grid, scan

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import LabelMap, Scan
from lesionlocator.model import Plans
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.masks import GridMask, mask_from_block, mask_from_scan, masks_from_labels
from lesionlocator.prompts.on_grid import GridPrompt
from lesionlocator.tracking.frames import Frame
from lesionlocator.tracking.lesions import KnownLesions
from lesionlocator.tracking.void import void_mask

AXES = st.sets(st.integers(0, 2)).map(lambda axes: tuple(sorted(axes)))


def blob(seed: int) -> np.ndarray:
    volume = np.zeros((9, 8, 7), np.uint8)
    volume[2:6, 1:5, 3:7] = np.random.default_rng(seed).integers(0, 2, (4, 4, 4))
    volume[3, 3, 3] = 1
    return volume


def full(mask: GridMask | None, shape: tuple[int, int, int]) -> np.ndarray:
    volume = np.zeros(shape, np.uint8)
    if mask is not None:
        volume[mask.box.slices] = mask.region
    return volume


def test_a_mask_is_the_tight_box_of_its_voxels() -> None:
    mask = GridMask.of(cuboid((5, 5, 5), (1, 2, 3), (3, 4, 4)), (10, 0, 0))
    assert mask is not None
    assert mask.box == Box((11, 2, 3), (13, 4, 4))
    assert mask.voxels == 4
    assert mask.centroid == (11.5, 2.5, 3.0)
    assert GridMask.of(np.zeros((2, 2, 2), np.uint8), (0, 0, 0)) is None


@given(seed=st.integers(0, 99), axes=AXES)
def test_mirroring_is_that_of_the_array(seed: int, axes: tuple[int, ...]) -> None:
    volume = blob(seed)
    mask = GridMask.of(volume, (0, 0, 0)).mirrored(axes, volume.shape)
    np.testing.assert_array_equal(full(mask, volume.shape), np.flip(volume, axes))


@given(seed=st.integers(0, 99))
def test_cutting_keeps_what_lies_in_the_box(seed: int) -> None:
    volume, box = blob(seed), Box((3, 0, 4), (9, 4, 7))
    kept = np.zeros_like(volume)
    kept[box.slices] = volume[box.slices]
    np.testing.assert_array_equal(full(GridMask.of(volume, (0, 0, 0)).cut(box), volume.shape), kept)
    assert GridMask.of(volume, (0, 0, 0)).cut(Box((0, 6, 0), (9, 8, 7))) is None


@given(seed=st.integers(0, 99))
def test_rendering_draws_the_part_in_the_patch(seed: int) -> None:
    volume = blob(seed)
    patch = np.zeros((6, 6, 6), np.float32)
    GridMask.of(volume, (0, 0, 0)).render(patch, (3, -2, 2))
    padded = np.pad(volume, ((0, 0), (2, 0), (0, 1)))
    np.testing.assert_array_equal(patch, padded[3:9, :6, 2:8])


def test_containing_points() -> None:
    volume = blob(1)
    points = np.argwhere(np.ones_like(volume))
    mask = GridMask.of(volume, (0, 0, 0))
    np.testing.assert_array_equal(mask.contains(points), volume.ravel() > 0)
    assert mask.contains(np.empty((0, 3), np.intp)).shape == (0,)


def test_labels_keep_their_numbers() -> None:
    labels = cuboid(SHAPE, (2, 3, 4), (5, 6, 7), 3) + cuboid(SHAPE, (8, 3, 4), (11, 6, 7), 200)
    masks = masks_from_labels(labels, grid())
    assert {i: mask.box for i, mask in masks.items()} == {
        3: Box((2, 3, 4), (5, 6, 7)),
        200: Box((8, 3, 4), (11, 6, 7)),
    }


def test_lesions_whose_boxes_overlap_are_kept_apart() -> None:
    labels = cuboid(SHAPE, (2, 3, 4), (8, 9, 10), 3)
    labels[4:6, 5:7, 6:8] = 9
    masks = masks_from_labels(labels, grid())
    assert {i: mask.voxels for i, mask in masks.items()} == {3: 216 - 8, 9: 8}


def test_components_of_the_only_label_1_are_numbered() -> None:
    labels = cuboid(SHAPE, (8, 3, 4), (11, 6, 7)) + cuboid(SHAPE, (2, 10, 4), (9, 16, 7))
    masks = masks_from_labels(labels, grid())
    assert {i: mask.box.start for i, mask in masks.items()} == {1: (2, 10, 4), 2: (8, 3, 4)}
    assert masks[1].voxels == 7 * 6 * 3


@given(axes=AXES, start=st.integers(0, 5))
def test_a_frame_is_the_cut_and_mirrored_grid(axes: tuple[int, ...], start: int) -> None:
    model_grid = grid()
    frame = Frame(model_grid, (start, start + 15), axes)
    seen = np.flip(model_grid.image(Box.whole(model_grid.shape))[start : start + 15], axes)
    assert frame.shape == seen.shape
    padded = np.pad(seen, 4)
    block = Box((-2, 3, -4), (13, 34, 20))
    np.testing.assert_array_equal(frame.image(block), padded[block.shifted((4, 4, 4)).slices])
    mask = GridMask.of(cuboid(SHAPE, (4, 5, 6), (9, 12, 8)), (0, 0, 0))
    np.testing.assert_array_equal(
        full(frame.from_grid(mask), frame.shape), np.flip(full(mask, SHAPE)[start : start + 15], axes)
    )
    kept = mask.cut(Box((start, 0, 0), (start + 15, *SHAPE[1:])))
    np.testing.assert_array_equal(full(frame.to_grid(frame.from_grid(mask)), SHAPE), full(kept, SHAPE))


def test_a_mask_cut_away_is_not_in_the_frame() -> None:
    mask = GridMask.of(cuboid(SHAPE, (4, 5, 6), (9, 12, 8)), (0, 0, 0))
    assert Frame(grid(), (9, 24)).from_grid(mask) is None


def test_void_is_zero_up_to_the_border() -> None:
    voxels = np.full((10, 12, 11), 100, np.int16)
    voxels[0, 3, 4] = voxels[1, 3, 4] = voxels[9, 5, 5] = 0
    voxels[5, 5, 5] = 0  # inside
    found = void_mask(ModelGrid(Scan("s", voxels, Geometry(voxels.shape, (1, 1, 1))), Plans.parse(PLANS, "")))
    assert found.points.tolist() == [[0, 3, 4], [1, 3, 4], [9, 5, 5]]
    assert void_mask(grid()) is None


def padded_grid(seed: int) -> ModelGrid:
    """Return the grid of a scan that is stored in any order and zero around a random crop."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(12, 30, 3))
    direction = np.zeros((3, 3))
    direction[rng.permutation(3), range(3)] = rng.choice([-1, 1], 3)
    voxels = np.zeros(shape, np.int16)
    inner = tuple(
        slice(int(a), n - int(b)) for a, b, n in zip(*rng.integers(0, 4, (2, 3)), shape, strict=True)
    )
    voxels[inner] = rng.integers(1, 500, voxels[inner].shape)
    spacing = tuple(rng.uniform(0.3, 4, 3))
    geometry = Geometry(shape, spacing, direction_lps=tuple(direction.ravel()))
    family = rng.choice(["resample_torch_fornnunet", "resample_data_or_seg_to_shape"])
    plans = json.loads(json.dumps(PLANS).replace("resample_torch_fornnunet", str(family)))
    return ModelGrid(Scan("s", voxels, geometry), Plans.parse(plans, ""), canonical=bool(rng.integers(2)))


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_a_mask_known_on_a_block_is_that_of_the_whole_scan(seed: int) -> None:
    rng, model_grid = np.random.default_rng(seed), padded_grid(seed)
    shape = model_grid.scan.geometry.shape
    start = [int(rng.integers(0, n - 1)) for n in shape]
    stop = [int(rng.integers(a + 1, n + 1)) for a, n in zip(start, shape, strict=True)]
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    region = rng.integers(0, 2, box.shape).astype(np.uint8)
    whole = np.zeros(shape, np.uint8)
    whole[box.slices] = region
    expected = mask_from_scan(whole, model_grid)
    found = mask_from_block(region, box, model_grid)
    if expected is not None:
        np.testing.assert_array_equal(full(found, model_grid.shape), full(expected, model_grid.shape))
    elif found is not None:
        assert found.voxels == 1
        assert found.box.clipped(model_grid.shape) == found.box


def test_a_mask_that_would_vanish_is_the_voxel_where_it_is() -> None:
    coarse = grid((40, 40, 40), spacing=(0.25, 0.25, 0.25))
    one = np.ones((1, 1, 1), np.uint8)
    assert mask_from_block(one, Box((21, 9, 30), (22, 10, 31)), coarse).box == Box((5, 2, 7), (6, 3, 8))


def test_a_mask_where_the_scan_is_zero_all_around_is_none() -> None:
    voxels = np.zeros((20, 20, 20), np.int16)
    voxels[5:15, 5:15, 5:15] = 100
    model_grid = ModelGrid(Scan("s", voxels, Geometry(voxels.shape, (1, 1, 1))), Plans.parse(PLANS, ""))
    assert mask_from_block(np.ones((2, 2, 2), np.uint8), Box((0, 8, 8), (2, 10, 10)), model_grid) is None


def test_a_mask_prompts_by_its_voxels() -> None:
    mask = GridMask.of(blob(3), (2, 0, 1))
    patch, drawn = np.zeros((2, 12, 12, 12), np.float32)
    GridPrompt(4, mask, mask.box, tells_size=True).render(patch, (1, -1, 0))
    mask.render(drawn, (1, -1, 0))
    np.testing.assert_array_equal(patch, drawn)
    assert patch.sum() == mask.voxels


def test_lesions_of_a_label_map_that_vanish_are_refused() -> None:
    coarse = grid((40, 40, 40), spacing=(0.25, 0.25, 0.25))
    labels = cuboid((40, 40, 40), (10, 10, 10), (30, 30, 30), 2)
    labels[0, 0, 0] = 7
    known = KnownLesions.of_labels(LabelMap(labels, coarse.scan.geometry), coarse)
    assert list(known.masks) == [2]
    assert known.refused == {7: "1 voxels are too few: they vanish on the model grid"}


def test_masks_that_are_empty_or_vanish_are_refused() -> None:
    coarse = grid((40, 40, 40), spacing=(0.25, 0.25, 0.25))
    masks = {
        5: cuboid((40, 40, 40), (10, 10, 10), (30, 30, 30), 255),
        6: np.zeros((40, 40, 40), np.uint8),
        8: cuboid((40, 40, 40), (0, 0, 0), (1, 1, 1)),
    }
    known = KnownLesions.of_masks(masks, coarse)
    assert list(known.masks) == [5]
    assert known.refused == {
        6: "its mask is empty",
        8: "1 voxels are too few: they vanish on the model grid",
    }


def test_prompts_that_cannot_be_used_at_all() -> None:
    model_grid = grid()
    geometry = scan().geometry
    with pytest.raises(InputError, match="all labels are 0"):
        KnownLesions.of_labels(LabelMap(np.zeros(SHAPE, np.uint8), geometry), model_grid)
    elsewhere = Geometry(SHAPE, (1, 1, 1), (5, 0, 0))
    with pytest.raises(InputError, match="not on the grid of scan"):
        KnownLesions.of_labels(LabelMap(np.ones(SHAPE, np.uint8), elsewhere), model_grid)
    with pytest.raises(InputError, match="no mask is given"):
        KnownLesions.of_masks({}, model_grid)
    with pytest.raises(InputError, match="lesion 2: its mask has shape"):
        KnownLesions.of_masks({2: np.ones((2, 2, 2))}, model_grid)
    with pytest.raises(InputError, match="lesion id is 0"):
        KnownLesions.of_masks({0: np.ones(SHAPE)}, model_grid)


def test_a_mask_of_booleans_counts() -> None:
    assert mask_from_scan(cuboid(SHAPE, (1, 1, 1), (3, 3, 3)), grid()).voxels == 8
    assert KnownLesions.of_masks({1: cuboid(SHAPE, (1, 1, 1), (3, 3, 3)) > 0}, grid()).masks[1].voxels == 8
