"""The published prompt file: what it holds, and that one bad entry does not lose the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet
from lesionlocator.prompts.published import read_published, write_published

GOLDEN = Path(__file__).parent.parent / "data/prompts/published.json"
PROMPTS = PromptSet(
    (
        LesionPrompt(1, Box((4, 10, 20), (9, 18, 31)), (6.25, 13.5, 25.0)),
        LesionPrompt(7, Box((0, 2, 4), (1, 3, 5))),
        LesionPrompt(300, point=(11.0, 2.07, 3.0)),
    )
)


def read(tmp_path: Path, text: str) -> PromptFile:
    path = tmp_path / "prompts.json"
    path.write_text(text, encoding="utf-8")
    return read_published(path)


def refusal(tmp_path: Path, entry: str) -> str:
    """Read a file with a bad lesion 2 between two good ones; return why lesion 2 is refused."""
    good = '{"point": [1, 2, 3]}'
    file = read(tmp_path, f'{{"1": {good}, "2": {entry}, "3": {good}}}')
    assert file.prompts.ids == (1, 3)
    assert list(file.refused) == [2]
    return file.refused[2]


def test_the_golden_file_is_read() -> None:
    assert read_published(GOLDEN) == PromptFile(PROMPTS)


def test_the_golden_file_is_written_byte_for_byte(tmp_path: Path) -> None:
    write_published(PROMPTS, tmp_path / "written.json")
    assert (tmp_path / "written.json").read_bytes() == GOLDEN.read_bytes()


def test_points_are_rounded_to_two_decimals(tmp_path: Path) -> None:
    write_published(PromptSet((LesionPrompt(1, point=(1.005, 2.3456, -0.001)),)), tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["1"]["point"] == ["1.0", "2.35", "-0.0"]


def test_numbers_may_be_numbers_or_texts(tmp_path: Path) -> None:
    file = read(tmp_path, '{"2": {"box": [0, "3", 1.0, "4.0", "1e0", 5], "point": [1, "2.5", 3.25]}}')
    assert file.prompts[2] == LesionPrompt(2, Box((0, 1, 1), (3, 4, 5)), (1.0, 2.5, 3.25))


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    assert read(tmp_path, '\ufeff{"1": {"point": [1, 2, 3]}}').prompts.ids == (1,)


def test_ids_with_gaps_are_kept_in_file_order(tmp_path: Path) -> None:
    text = '{"60000": {"point": [1, 1, 1]}, "02": {"point": [1, 2, 3]}, "5": {"point": [0, 0, 0]}}'
    file = read(tmp_path, text)
    assert file.prompts.ids == (60000, 2, 5)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('{"box": [1, 2, 3]}', "box has 3 numbers, 6 are needed"),
        ('{"point": [1, 2, 3, 4]}', "point has 4 numbers, 3 are needed"),
        ('{"point": "1,2,3"}', "point is '1,2,3', not a list of 3 numbers"),
        ('{"point": {"z": 1}}', "point is {'z': 1}, not a list of 3 numbers"),
        ('{"box": null}', "box is None, not a list of 6 numbers"),
        ('{"point": [1, 2, "left"]}', "point: 'left' is not a number"),
        ('{"point": [1, 2, true]}', "point: True is not a number"),
        ('{"point": [1, 2, "1_0"]}', "point: '1_0' is not a number"),
        ('{"point": [1, 2, "٣"]}', "point: '٣' is not a number"),
        ('{"point": [1, 2, null]}', "point: None is not a number"),
        ('{"point": [1, NaN, 3]}', "point: coordinate nan is not finite"),
        ('{"point": [1, "nan", 3]}', "point: coordinate nan is not finite"),
        ('{"point": [1, "-Inf", 3]}', "point: coordinate -inf is not finite"),
        ('{"point": [1, 1e999, 3]}', "point: coordinate inf is not finite"),
        (f'{{"point": [1, {"9" * 400}, 3]}}', "point: coordinate inf is not finite"),
        ('{"box": [0, 1, 0, 1, 0, 99999999999]}', "box: coordinate 1e+11 is beyond 2147483647"),
        ('{"box": [1, 2, 3, 4, 5.5, 7]}', "box corner 5.5 is not a whole number; boxes are blocks of voxels"),
        ('{"box": [5, 2, 3, 4, 5, 6]}', "box (5, 3, 5) to (2, 4, 6) (z, y, x) is empty or inverted"),
        ('{"box": [1, 2, 4, 4, 5, 6]}', "box (1, 4, 5) to (2, 4, 6) (z, y, x) is empty or inverted"),
        ('{"bbox": [1, 2, 3, 4, 5, 6]}', 'has neither "box" nor "point" among its keys [\'bbox\']'),
        ("{}", 'has neither "box" nor "point" among its keys []'),
        ("[1, 2, 3]", 'is not an object with "box" or "point"'),
        ('{"point": [1, 2, 3], "point": [4, 5, 6]}', "the keys ['point'] occur more than once"),
    ],
)
def test_a_bad_entry_is_refused_by_its_id(tmp_path: Path, entry: str, reason: str) -> None:
    assert refusal(tmp_path, entry) == reason


def test_an_id_that_occurs_twice_is_refused_and_the_others_stay(tmp_path: Path) -> None:
    text = '{"1": {"point": [1, 2, 3]}, "2": {"point": [1, 2, 3]}, "01": {"point": [7, 8, 9]}}'
    file = read(tmp_path, text)
    assert file.prompts.ids == (2,)
    assert file.refused == {1: "the id occurs 2 times; ids must be unique"}


@pytest.mark.parametrize("key", ["0", "-1", "1.5", "liver", "", "4294967296", "1_0", "٣"])
def test_a_key_that_is_no_id_is_refused_as_written(tmp_path: Path, key: str) -> None:
    file = read(tmp_path, f'{{"{key}": {{"point": [1, 2, 3]}}, "2": {{"point": [1, 2, 3]}}}}')
    assert file.prompts.ids == (2,)
    assert file.refused == {key: f"{key!r} is not a lesion id: ids are whole numbers from 1 to 65535"}


@pytest.mark.parametrize("text", ["", "box 1 2 3", '{"1": ', "{'1': {}}", "[" * 100_000])
def test_a_file_that_is_not_json_raises(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"prompts\.json: is not JSON"):
        read(tmp_path, text)


def test_a_file_that_holds_no_object_raises(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"prompts\.json: holds a JSON list, not an object"):
        read(tmp_path, "[1, 2]")


def test_a_binary_file_raises(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(b"\x1f\x8b\xff\xfe")
    with pytest.raises(InputError, match=r"p\.json: is not text in UTF-8"):
        read_published(tmp_path / "p.json")


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read \(No such file or directory\)"):
        read_published(tmp_path / "none.json")


def test_a_huge_file_raises_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(InputError, match="larger than 64 MiB"):
        read_published(tmp_path / "huge.json")


def test_a_file_that_cannot_be_written_raises(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_published(PROMPTS, tmp_path / "no such folder" / "p.json")
