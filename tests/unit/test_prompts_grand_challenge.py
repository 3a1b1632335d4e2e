"""The grand-challenge "Multiple points" file, as the tasks of autoPET IV write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.frames import Coordinates, Frame
from lesionlocator.prompts.grand_challenge import read_grand_challenge, write_grand_challenge
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet

DATA = Path(__file__).parent.parent / "data/prompts"
POINTS = PromptSet((LesionPrompt(1, point=(6.25, 13.5, 25.0)), LesionPrompt(300, point=(11.0, 2.07, 3.0))))


def read(tmp_path: Path, points: object, kind: str = "Multiple points") -> PromptFile:
    path = tmp_path / "clicks.json"
    path.write_text(json.dumps({"type": kind, "points": points}))
    return read_grand_challenge(path)


def test_points_named_by_number_keep_their_ids() -> None:
    assert read_grand_challenge(DATA / "multiple_points_ct.json") == PromptFile(POINTS)


def test_tumour_points_are_numbered_and_background_points_told() -> None:
    file = read_grand_challenge(DATA / "multiple_points_petct.json")
    assert [(lesion.lesion_id, lesion.point) for lesion in file.prompts] == [
        (1, (33.0, 3.0, 9.0)),
        (2, (17.0, 2.0, 7.0)),
    ]
    assert file.refused == {}
    assert file.notes == ("2 background points passed over; only points on lesions are prompts",)


def test_the_golden_file_is_written_byte_for_byte(tmp_path: Path) -> None:
    boxed = LesionPrompt(2, Box((0, 0, 0), (1, 1, 1)))
    write_grand_challenge(PromptSet((POINTS[1], boxed, POINTS[300])), tmp_path / "written.json")
    assert (tmp_path / "written.json").read_bytes() == (DATA / "multiple_points_ct.json").read_bytes()


def test_points_in_mm_are_taken_to_voxels() -> None:
    image = Geometry((40, 20, 30), (1.0, 2.0, 5.0), (9.0, 3.0, 30.0))
    file = read_grand_challenge(DATA / "multiple_points_petct.json", Coordinates(Frame.LPS, image))
    assert file.prompts[1].point == pytest.approx((3.0, 0.0, 0.0))


def test_points_with_other_or_no_names_are_numbered_in_order(tmp_path: Path) -> None:
    points = [{"name": "3", "point": [1, 2, 3]}, {"name": "nodule"}, {"point": [4, 5, 6]}]
    file = read(tmp_path, points)
    assert file.prompts.ids == (1, 3)
    assert file.refused == {2: 'the entry has no "point"'}


def test_a_repeated_number_is_refused(tmp_path: Path) -> None:
    points = [{"name": name, "point": [1, 2, 3]} for name in ("4", "5", "4")]
    file = read(tmp_path, points)
    assert file.prompts.ids == (5,)
    assert file.refused == {4: "the id occurs 2 times; ids must be unique"}


@pytest.mark.parametrize("point", [[1, 2], [1, 2, "x"], None, 7])
def test_a_bad_point_does_not_lose_the_others(tmp_path: Path, point: object) -> None:
    file = read(tmp_path, [{"name": "1", "point": point}, {"name": "2", "point": [1, 2, 3]}])
    assert file.prompts.ids == (2,)
    assert list(file.refused) == [1]


@pytest.mark.parametrize(
    ("points", "kind"), [([], "Point"), ({}, "Multiple points"), (None, "Multiple points")]
)
def test_a_file_of_another_type_raises(tmp_path: Path, points: object, kind: str) -> None:
    with pytest.raises(InputError, match=r'clicks\.json: not a grand-challenge file with "type"'):
        read(tmp_path, points, kind)
