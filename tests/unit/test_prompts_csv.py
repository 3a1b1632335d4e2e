"""Prompts as CSV: columns by name, and that one bad row does not lose the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.prompts.csv_file import read_csv, write_csv
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.frames import Coordinates, Frame
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet

GOLDEN = Path(__file__).parent.parent / "data/prompts/prompts.csv"
PROMPTS = PromptSet(
    (
        LesionPrompt(1, Box((4, 10, 20), (9, 18, 31)), (6.25, 13.5, 25.0)),
        LesionPrompt(7, Box((0, 2, 4), (1, 3, 5))),
        LesionPrompt(300, point=(11.0, 2.07, 3.0)),
    )
)


def read(tmp_path: Path, *lines: str) -> PromptFile:
    path = tmp_path / "prompts.csv"
    path.write_text("\n".join(lines))
    return read_csv(path)


def test_the_golden_file_is_read() -> None:
    assert read_csv(GOLDEN) == PromptFile(PROMPTS)


def test_the_golden_file_is_written_byte_for_byte(tmp_path: Path) -> None:
    write_csv(PROMPTS, tmp_path / "written.csv")
    assert (tmp_path / "written.csv").read_bytes() == GOLDEN.read_bytes()


def test_only_the_columns_of_the_kinds_there_are_written(tmp_path: Path) -> None:
    write_csv(PromptSet((PROMPTS[300],)), tmp_path / "points.csv")
    assert (tmp_path / "points.csv").read_text() == "id,z,y,x\n300,11.0,2.07,3.0\n"


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    file = read(tmp_path, "X, y ,comment,Z,ID", "1,2,left lung,3,8", "", "4,5,,6,9", ",,,,")
    assert [(lesion.lesion_id, lesion.point) for lesion in file.prompts] == [(8, (3, 2, 1)), (9, (6, 5, 4))]


def test_world_coordinates_are_taken_to_voxels_and_back(tmp_path: Path) -> None:
    frame = Coordinates(Frame.RAS, Geometry((30, 40, 50), (2.5, 1.0, 0.5), (-100.0, 20.0, 7.0)))
    write_csv(PROMPTS, tmp_path / "world.csv", frame)
    file = read_csv(tmp_path / "world.csv", frame)
    assert file.prompts[1].point == pytest.approx((6.25, 13.5, 25.0))
    assert [lesion.box for lesion in file.prompts] == [lesion.box for lesion in PROMPTS]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2,,,", "the row has neither a box nor a point"),
        ("2,1,2", "the row has 3 cells, the header 4"),
        ("2,1,2,3,4", "the row has 5 cells, the header 4"),
        ("2,1,2,", "point x,y,z: '' is not a number"),
        ("2,1,nan,3", "point x,y,z: coordinate nan is not finite"),
        ("2,1;5,2,3", "point x,y,z: '1;5' is not a number"),
    ],
)
def test_a_bad_row_is_refused_by_its_id(tmp_path: Path, row: str, reason: str) -> None:
    file = read(tmp_path, "id,z,y,x", "1,1,2,3", row, "3,1,2,3")
    assert file.prompts.ids == (1, 3)
    assert file.refused == {2: reason}


def test_a_fractional_box_corner_is_refused(tmp_path: Path) -> None:
    file = read(tmp_path, "id,z0,z1,y0,y1,x0,x1", "1,0,1,0,1,0,1.5")
    assert file.refused == {1: "box corner 1.5 is not a whole number; boxes are blocks of voxels"}


@pytest.mark.parametrize("header", ["", "z,y,x", "id,y,x", "id,z0,z1,y0,y1,x0", "id;z;y;x"])
def test_a_header_without_the_columns_raises(tmp_path: Path, header: str) -> None:
    with pytest.raises(InputError, match=r"prompts\.csv: the header is .*; it needs id and z,y,x or z0"):
        read(tmp_path, header, "1,2,3,4")


def test_a_column_named_twice_raises(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names a column twice"):
        read(tmp_path, "id,z,y,x,x", "1,2,3,4,5")


def test_a_cell_beyond_all_bounds_raises(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2 is no CSV"):
        read(tmp_path, "id,z,y,x", "1,2,3," + "4" * 200_000)
