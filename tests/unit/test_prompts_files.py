"""Which format a prompt file has, and what each format can hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io.masks import LabelMap, write_labelmap
from lesionlocator.prompts.files import PromptFormat, guess_format, read_prompts, write_prompts
from lesionlocator.prompts.frames import Frame
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet

DATA = Path(__file__).parent.parent / "data/prompts"
IMAGE = Geometry((40, 20, 50), (2.0, 1.0, 0.5))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("published.json", PromptFormat.PUBLISHED),
        ("multiple_points_ct.json", PromptFormat.GRAND_CHALLENGE),
        ("multiple_points_petct.json", PromptFormat.GRAND_CHALLENGE),
        ("prompts.csv", PromptFormat.CSV),
    ],
)
def test_the_format_is_guessed_from_ending_and_keys(name: str, expected: PromptFormat) -> None:
    assert guess_format(DATA / name) is expected


def test_an_unknown_ending_raises(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"prompts\.txt: is no prompt file; legal endings: \.json, \.csv"):
        read_prompts(tmp_path / "prompts.txt")


@pytest.mark.parametrize("name", ["published.json", "multiple_points_ct.json", "prompts.csv"])
def test_every_format_gives_the_same_lesion(name: str) -> None:
    assert read_prompts(DATA / name).prompts[300].point == (11.0, 2.07, 3.0)


def test_the_format_that_is_asked_for_is_read() -> None:
    with pytest.raises(InputError, match="not a grand-challenge file"):
        read_prompts(DATA / "published.json", prompt_format=PromptFormat.GRAND_CHALLENGE)


def test_a_label_map_stays_a_label_map(tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 4), np.uint8)
    labels[0, 1, 2] = 7
    write_labelmap(tmp_path / "mask.nii.gz", labels, Geometry((2, 3, 4), (1.0, 1.0, 1.0)))
    mask = read_prompts(tmp_path / "mask.nii.gz")
    assert isinstance(mask, LabelMap)
    assert np.array_equal(mask.labels, labels)


def test_points_in_mm_are_read_with_the_image() -> None:
    prompts = read_prompts(DATA / "multiple_points_ct.json", IMAGE, frame=Frame.LPS).prompts
    assert prompts[300].point == pytest.approx((5.5, 2.07, 6.0))


def test_points_in_mm_without_the_image_raise() -> None:
    with pytest.raises(InputError, match="RAS coordinates need the image"):
        read_prompts(DATA / "multiple_points_ct.json", frame=Frame.RAS)


def test_the_published_format_is_never_in_mm(tmp_path: Path) -> None:
    message = "the published format is in voxels; lps needs grand-challenge or csv"
    with pytest.raises(InputError, match=message):
        read_prompts(DATA / "published.json", IMAGE, frame=Frame.LPS)
    with pytest.raises(InputError, match=message):
        write_prompts(
            PromptSet(), tmp_path / "p.json", PromptFormat.PUBLISHED, geometry=IMAGE, frame=Frame.LPS
        )
    assert not (tmp_path / "p.json").exists()


def test_what_a_format_cannot_hold_is_left_out_by_id(tmp_path: Path) -> None:
    prompts = PromptSet((LesionPrompt(5, Box((0, 0, 0), (1, 1, 1))), LesionPrompt(3, point=(1.0, 2.0, 3.0))))
    left_out = write_prompts(prompts, tmp_path / "p.json", PromptFormat.GRAND_CHALLENGE)
    assert left_out == {5: "has only a box, no point"}
    assert read_prompts(tmp_path / "p.json").prompts.ids == (3,)
