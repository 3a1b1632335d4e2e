"""``lesionlocator prompts`` as a user runs it: files in, files, messages and exit codes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.geometry import Geometry
from lesionlocator.io.masks import write_labelmap

DATA = Path(__file__).parent.parent / "data/prompts"
IMAGE = Geometry((12, 20, 40), (2.0, 1.0, 0.5), (10.0, 20.0, 30.0))


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


def run(*arguments: object) -> int:
    command = ["prompts", *(str(argument) for argument in arguments)]
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))


def write_mask(path: Path, *lesions: tuple[int, tuple[int, int, int]], geometry: Geometry = IMAGE) -> Path:
    """Write a label map with a lesion of 2 x 2 x 2 voxels at each corner."""
    path.parent.mkdir(exist_ok=True)
    labels = np.zeros(geometry.shape, np.uint8)
    for label, (z, y, x) in lesions:
        labels[z : z + 2, y : y + 2, x : x + 2] = label
    write_labelmap(path, labels, geometry)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_mask(tmp_path / "images/a.nii.gz")


# -- from-mask ------------------------------------------------------------------------------------------


def test_from_mask_keeps_the_labels_of_instances(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = write_mask(tmp_path / "a.nii.gz", (9, (1, 2, 3)), (4, (6, 7, 8)))
    assert run("from-mask", "-i", mask, "-o", tmp_path / "new/p.json", "--kind", "instance") == 0
    assert json.loads((tmp_path / "new/p.json").read_text()) == {
        "4": {"box": ["6", "8", "7", "9", "8", "10"], "point": ["6.5", "7.5", "8.5"]},
        "9": {"box": ["1", "3", "2", "4", "3", "5"], "point": ["1.5", "2.5", "3.5"]},
    }
    assert capsys.readouterr().out == f"{tmp_path}/new/p.json: 2 lesions\n"


def test_from_mask_numbers_the_components_of_a_semantic_mask(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "a.nii.gz", (9, (6, 7, 8)), (9, (1, 2, 3)))
    assert run("from-mask", "-i", mask, "-o", tmp_path / "out", "--kind", "semantic") == 0
    prompts = json.loads((tmp_path / "out/a.json").read_text())
    assert {i: entry["point"] for i, entry in prompts.items()} == {
        "1": ["1.5", "2.5", "3.5"],
        "2": ["6.5", "7.5", "8.5"],
    }


def test_from_mask_reports_bad_files_of_a_folder_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "c"):
        write_mask(tmp_path / f"masks/{name}.nii.gz", (1, (1, 2, 3)))
    (tmp_path / "masks/b.nii.gz").write_bytes(b"no image")
    write_mask(tmp_path / "masks/empty.nii.gz")
    (tmp_path / "masks/._a.nii.gz").write_bytes(b"hidden")
    assert run("from-mask", "-i", tmp_path / "masks", "-o", tmp_path / "out", "--kind", "instance") == 3
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.json", "c.json"]
    errors = capsys.readouterr().err
    assert "b.nii.gz" in errors
    assert "empty.nii.gz: the mask holds no lesion: all its voxels are 0" in errors
    assert "error: 2 of 4 failed" in errors


def test_from_mask_fails_on_a_single_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = write_mask(tmp_path / "empty.nii.gz")
    assert run("from-mask", "-i", mask, "-o", tmp_path / "out", "--kind", "instance") == 1
    assert capsys.readouterr().err == f"error: {mask}: the mask holds no lesion: all its voxels are 0\n"


def test_from_mask_refuses_a_file_for_a_folder(tmp_path: Path) -> None:
    assert run("from-mask", "-i", tmp_path, "-o", tmp_path / "p.json", "--kind", "instance") == 2


def test_from_mask_fails_on_a_folder_without_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("from-mask", "-i", tmp_path, "-o", tmp_path / "out", "--kind", "instance") == 1
    assert "holds no label map" in capsys.readouterr().err


def test_from_mask_fails_where_two_masks_would_share_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = write_mask(tmp_path / "masks/a.nii.gz", (1, (1, 2, 3)))
    (tmp_path / "masks/a.nrrd").write_bytes(mask.read_bytes())
    assert run("from-mask", "-i", tmp_path / "masks", "-o", tmp_path / "out", "--kind", "instance") == 1
    assert "several files are called a but for their ending" in capsys.readouterr().err


def test_from_mask_fails_where_the_folder_cannot_be_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = write_mask(tmp_path / "a.nii.gz", (1, (1, 2, 3)))
    assert run("from-mask", "-i", mask, "-o", mask / "out", "--kind", "instance") == 1
    assert "cannot make the folder" in capsys.readouterr().err


# -- convert ------------------------------------------------------------------------------------------


def test_convert_guesses_the_formats(tmp_path: Path) -> None:
    assert run("convert", "-i", DATA / "published.json", "-o", tmp_path / "p.csv") == 0
    assert (tmp_path / "p.csv").read_bytes() == (DATA / "prompts.csv").read_bytes()
    assert run("convert", "-i", tmp_path / "p.csv", "-o", tmp_path / "p.json") == 0
    assert (tmp_path / "p.json").read_bytes() == (DATA / "published.json").read_bytes()


def test_convert_reports_what_the_format_cannot_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "points.json"
    assert run("convert", "-i", DATA / "published.json", "-o", out, "--to", "grand-challenge") == 3
    assert out.read_bytes() == (DATA / "multiple_points_ct.json").read_bytes()
    captured = capsys.readouterr()
    assert captured.out == f"{out}: 2 lesions\n"
    assert "lesion 7: has only a box, no point" in captured.err


def test_convert_tells_of_background_points_without_failing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("convert", "-i", DATA / "multiple_points_petct.json", "-o", tmp_path / "p.csv") == 0
    assert (tmp_path / "p.csv").read_text() == "id,z,y,x\n1,33.0,3.0,9.0\n2,17.0,2.0,7.0\n"
    assert "2 background points passed over" in capsys.readouterr().out


def test_convert_takes_voxels_to_the_world_and_back(tmp_path: Path, image: Path) -> None:
    world, back = tmp_path / "world.csv", tmp_path / "back.csv"
    assert (
        run("convert", "-i", DATA / "prompts.csv", "-o", world, "--to-coordinates", "ras", "--image", image)
        == 0
    )
    assert "\n300,52.0,-22.07,-11.5,,,,,,\n" in world.read_text()
    assert run("convert", "-i", world, "-o", back, "--from-coordinates", "ras", "--image", image) == 0
    first, last = (np.genfromtxt(path, delimiter=",", skip_header=1) for path in (DATA / "prompts.csv", back))
    np.testing.assert_allclose(last, first, atol=1e-9)


def test_convert_keeps_the_good_entries_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.csv").write_text("id,z,y,x\n1,1,2,3\n2,1,nan,3\n")
    assert run("convert", "-i", tmp_path / "p.csv", "-o", tmp_path / "p.json") == 3
    assert list(json.loads((tmp_path / "p.json").read_text())) == ["1"]
    assert "lesion 2: point x,y,z: coordinate nan is not finite" in capsys.readouterr().err


def test_convert_needs_the_image_for_mm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run("convert", "-i", DATA / "prompts.csv", "-o", tmp_path / "p.csv", "--to-coordinates", "lps") == 2
    )
    assert "lps and ras coordinates need --image" in capsys.readouterr().err


def test_convert_needs_a_format_for_an_unknown_ending(tmp_path: Path) -> None:
    assert run("convert", "-i", DATA / "prompts.csv", "-o", tmp_path / "prompts.txt") == 2
    assert (
        run("convert", "-i", DATA / "prompts.csv", "-o", tmp_path / "prompts.txt", "--to", "published") == 0
    )


def test_convert_points_from_a_mask_to_from_mask(image: Path, tmp_path: Path) -> None:
    assert run("convert", "-i", image, "-o", tmp_path / "p.json") == 2


@pytest.mark.parametrize("text", [None, "not json"])
def test_convert_fails_on_a_file_that_is_no_json(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "p.json").write_text(text)
    assert run("convert", "-i", tmp_path / "p.json", "-o", tmp_path / "p.csv") == 1
    assert not (tmp_path / "p.csv").exists()


# -- validate ------------------------------------------------------------------------------------------


def write_prompts(path: Path, **entries: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({name.removeprefix("id"): entry for name, entry in entries.items()}))
    return path


def test_validate_is_silent_about_good_prompts(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "p.json", id1={"box": [0, 1, 0, 1, 0, 1]}, id5={"point": [11, 19, 39]})
    assert run("validate", "-p", prompts, "-i", image) == 0
    assert capsys.readouterr().out == "a: all prompts can be used\n"


def test_validate_names_every_prompt_that_cannot_be_used(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(
        tmp_path / "p.json",
        id1={"box": [0, 1, 0, 1, 0, 1]},
        id2={"box": [12, 14, 0, 1, 0, 1]},
        id3={"point": [1, 2, 3]},
        id4={"box": [3, 3, 0, 1, 0, 1]},
        liver={"point": [1, 2, 3]},
    )
    assert run("validate", "-p", prompts, "-i", image, "-t", "box") == 1
    captured = capsys.readouterr()
    assert (
        "box (12, 0, 0) to (14, 1, 1) lies outside the scan of shape (12, 20, 40) (z, y, x)" in captured.out
    )
    assert "has only a point, no box" in captured.out
    assert "box (3, 0, 0) to (3, 1, 1) (z, y, x) is empty or inverted" in captured.out
    assert "'liver' is not a lesion id" in captured.out
    assert captured.err == f"error: {prompts}: has prompts that cannot be used\n"


def test_validate_checks_both_kinds_where_none_is_asked_for(tmp_path: Path, image: Path) -> None:
    entry = {"box": [0, 1, 0, 1, 0, 1], "point": [1, 2, 300]}
    prompts = write_prompts(tmp_path / "p.json", id1=entry)
    assert run("validate", "-p", prompts, "-i", image, "-t", "box") == 0
    assert run("validate", "-p", prompts, "-i", image) == 1


def test_validate_fails_on_a_file_without_lesions(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("validate", "-p", write_prompts(tmp_path / "p.json"), "-i", image) == 1
    assert "the file holds no lesion" in capsys.readouterr().out


def test_validate_goes_through_folders_by_name(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mask(tmp_path / "images/b.nii.gz")
    write_mask(tmp_path / "images/c.nii.gz")
    write_prompts(tmp_path / "prompts/a.json", id1={"point": [1, 2, 3]})
    (tmp_path / "prompts/b.json").write_text("no json")
    assert run("validate", "-p", tmp_path / "prompts", "-i", image.parent) == 3
    captured = capsys.readouterr()
    assert "a: all prompts can be used" in captured.out
    assert "b.json: is not JSON" in captured.out
    assert "no prompts for c.nii.gz" in captured.out
    assert captured.err == "error: 2 of 3 failed\n"


def test_validate_accepts_a_mask_on_the_grid_of_the_image(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = write_mask(tmp_path / "mask.nii.gz", (9, (1, 2, 3)), (4, (6, 7, 8)))
    assert run("validate", "-p", mask, "-i", image) == 0
    assert capsys.readouterr().out == "a: all prompts can be used\n"


def test_validate_refuses_a_mask_on_another_grid(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Geometry(IMAGE.shape, IMAGE.spacing, (10.0, 20.0, 35.0))
    mask = write_mask(tmp_path / "mask.nii.gz", (9, (1, 2, 3)), geometry=other)
    assert run("validate", "-p", mask, "-i", image) == 1
    assert (
        "the mask is not on the image's grid: corner voxels lie up to 5 mm apart" in capsys.readouterr().out
    )


def test_validate_refuses_an_empty_mask(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("validate", "-p", write_mask(tmp_path / "mask.nii.gz"), "-i", image) == 1
    assert "the mask holds no lesion" in capsys.readouterr().out
