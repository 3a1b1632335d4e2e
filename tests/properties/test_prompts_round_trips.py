"""Prompts written and read again are the same, in every format and frame; boxes never lose a voxel."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionlocator.geometry import Box, Geometry
from lesionlocator.prompts.csv_file import read_csv, write_csv
from lesionlocator.prompts.files import PromptFormat, read_prompts, write_prompts
from lesionlocator.prompts.frames import Coordinates, Frame
from lesionlocator.prompts.kinds import LARGEST_ID, LesionPrompt, PromptKind, PromptSet, check

COORDINATES = st.floats(-50, 700, allow_nan=False)
EDGES = st.integers(-50, 700)
FLIPS = ((1, 0, 0, 0, 1, 0, 0, 0, 1), (0, -1, 0, 0, 0, -1, 1, 0, 0), (-1, 0, 0, 0, 1, 0, 0, 0, -1))


def a_box(start: tuple[int, int, int], extent: tuple[int, int, int]) -> Box:
    return Box(start, (start[0] + extent[0], start[1] + extent[1], start[2] + extent[2]))


BOXES = st.builds(a_box, st.tuples(EDGES, EDGES, EDGES), st.tuples(*[st.integers(1, 300)] * 3))
POINTS = st.tuples(COORDINATES, COORDINATES, COORDINATES)
LESIONS = st.one_of(
    st.builds(LesionPrompt, st.integers(1, LARGEST_ID), BOXES),
    st.builds(LesionPrompt, st.integers(1, LARGEST_ID), point=POINTS),
    st.builds(LesionPrompt, st.integers(1, LARGEST_ID), BOXES, POINTS),
)
PROMPT_SETS = st.lists(LESIONS, unique_by=lambda lesion: lesion.lesion_id, max_size=6).map(PromptSet.of)
SPACINGS = st.tuples(*[st.sampled_from([0.4, 0.78125, 1.0, 2.5, 5.0])] * 3)
ORIGINS = st.tuples(*[st.floats(-400, 400)] * 3)
STRAIGHT = st.builds(Geometry, st.just((50, 60, 70)), SPACINGS, ORIGINS, st.sampled_from(FLIPS))


def turned(geometry: Geometry, angle: float) -> Geometry:
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.reshape(geometry.direction_lps, (3, 3))
    return Geometry(geometry.shape, geometry.spacing, geometry.origin_lps, tuple(matrix.ravel().tolist()))


def ids_of_boxes(prompts: PromptSet) -> dict[int, Box | None]:
    return {lesion.lesion_id: lesion.box for lesion in prompts}


@given(prompts=PROMPT_SETS, prompt_format=st.sampled_from(PromptFormat))
def test_every_format_keeps_ids_order_and_prompts(prompts: PromptSet, prompt_format: PromptFormat) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "prompts.csv" if prompt_format is PromptFormat.CSV else "prompts.json")
        left_out = write_prompts(prompts, path, prompt_format)
        file = read_prompts(path)
    assert file.refused == {}
    assert file.prompts.ids == tuple(i for i in prompts.ids if i not in left_out)
    for read in file.prompts:
        written = prompts[read.lesion_id]
        if prompt_format is not PromptFormat.GRAND_CHALLENGE:
            assert read.box == written.box
        if written.point is None:
            assert read.point is None
        elif prompt_format is PromptFormat.PUBLISHED:
            assert read.point == pytest.approx(written.point, abs=0.00501)
        else:
            assert read.point == written.point


@given(prompts=PROMPT_SETS)
def test_grand_challenge_leaves_out_exactly_the_lesions_without_a_point(prompts: PromptSet) -> None:
    with tempfile.TemporaryDirectory() as folder:
        left_out = write_prompts(prompts, Path(folder, "p.json"), PromptFormat.GRAND_CHALLENGE)
    assert set(left_out) == {lesion.lesion_id for lesion in prompts if lesion.point is None}


@given(prompts=PROMPT_SETS, geometry=STRAIGHT, frame=st.sampled_from([Frame.LPS, Frame.RAS]))
def test_world_csv_of_a_straight_image_gives_the_same_boxes(
    prompts: PromptSet, geometry: Geometry, frame: Frame
) -> None:
    coordinates = Coordinates(frame, geometry)
    with tempfile.TemporaryDirectory() as folder:
        write_csv(prompts, Path(folder, "p.csv"), coordinates)
        read = read_csv(Path(folder, "p.csv"), coordinates).prompts
    assert ids_of_boxes(read) == ids_of_boxes(prompts)
    for lesion in prompts:
        if lesion.point is not None:
            assert read[lesion.lesion_id].point == pytest.approx(lesion.point, abs=1e-6)


@given(
    box=BOXES, straight=STRAIGHT, angle=st.floats(0, 2 * np.pi), frame=st.sampled_from([Frame.LPS, Frame.RAS])
)
def test_a_box_through_the_world_never_loses_a_voxel(
    box: Box, straight: Geometry, angle: float, frame: Frame
) -> None:
    coordinates = Coordinates(frame, turned(straight, angle))
    back = coordinates.box_to_voxel(*coordinates.box_from_voxel(box))
    assert back.intersection(box) == box


@given(point=POINTS, straight=STRAIGHT, angle=st.floats(0, 2 * np.pi), frame=st.sampled_from(Frame))
def test_a_point_through_the_world_stays(
    point: tuple, straight: Geometry, angle: float, frame: Frame
) -> None:
    coordinates = Coordinates(frame, turned(straight, angle))
    assert coordinates.point_to_voxel(coordinates.point_from_voxel(point)) == pytest.approx(point, abs=1e-6)


@given(box=BOXES, shape=st.tuples(*[st.integers(1, 200)] * 3))
def test_a_box_can_be_used_where_one_of_its_voxels_can_be_indexed(
    box: Box, shape: tuple[int, int, int]
) -> None:
    ranges = [set(range(a, b)) & set(range(n)) for a, b, n in zip(box.start, box.stop, shape, strict=True)]
    assert (check(box, shape) is None) == all(ranges)


@given(prompts=PROMPT_SETS, kind=st.sampled_from(PromptKind))
def test_selecting_accepts_or_refuses_every_lesion_once(prompts: PromptSet, kind: PromptKind) -> None:
    accepted, refused = prompts.select(kind)
    assert sorted([lesion.lesion_id for lesion in accepted] + list(refused)) == sorted(prompts.ids)
