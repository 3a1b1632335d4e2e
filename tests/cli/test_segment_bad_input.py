"""What cannot be used is named, leads to the right exit code, and takes no other case's results with it."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from segment_cases import BOXES, GRID, SHAPE, noise, write_image, write_prompts

from lesionlocator.geometry import Geometry

Segment = Callable[..., int]
Spoil = Callable[[Path, Path], None]


def labels(*values: float, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    """A label map with a small lesion of each value."""
    volume = np.zeros(SHAPE, dtype)
    for index, value in enumerate(values):
        volume[1:4, 2:6, 2 + 5 * index : 6 + 5 * index] = value
    return volume


def with_labels(volume: np.ndarray[Any, Any], geometry: Geometry = GRID) -> Spoil:
    def spoil(_: Path, prompts: Path) -> None:
        prompts.unlink()
        write_image(prompts.with_suffix(".nii.gz"), volume, geometry)

    return spoil


def with_image(voxels: np.ndarray[Any, Any]) -> Spoil:
    return lambda image, _: nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), image)


def with_spacing(spacing: float) -> Spoil:
    def spoil(image: Path, _: Path) -> None:
        raw = bytearray(gzip.decompress(image.read_bytes()))
        raw[84:88] = struct.pack("<f", spacing)
        image.write_bytes(gzip.compress(raw))

    return spoil


def with_prompts(text: str) -> Spoil:
    return lambda _, prompts: prompts.write_text(text) and None


def with_box(*box: object) -> Spoil:
    return with_prompts(json.dumps({"3": {"box": box}}))


def truncated(image: Path, _: Path) -> None:
    image.write_bytes(image.read_bytes()[:-200])


def with_voxel(value: float) -> Spoil:
    voxels = noise(0).astype(np.float32)
    voxels[1, 2, 3] = value
    return lambda image, _: write_image(image, voxels) and None


SHIFTED = Geometry(SHAPE, GRID.spacing, (0.0, 20.0, 30.5))
SPOILS: dict[str, tuple[Spoil, str]] = {
    "truncated image": (truncated, "truncated"),
    "empty image": (lambda image, _: image.write_bytes(b"") and None, "a.nii.gz"),
    "2D image": (with_image(np.ones((5, 6), np.int16)), "legal: 3"),
    "4D image": (with_image(np.ones((5, 6, 7, 2), np.int16)), "legal: 3"),
    "NaN": (with_voxel(np.nan), "1 of 2048 voxels are NaN or infinite"),
    "infinity": (with_voxel(np.inf), "1 of 2048 voxels are NaN or infinite"),
    "zero spacing": (with_spacing(0.0), "spacing"),
    "negative spacing": (with_spacing(-1.0), "spacing"),
    "NaN spacing": (with_spacing(float("nan")), "spacing"),
    "only zeros": (with_image(np.zeros(SHAPE, np.int16)), "all voxels are zero"),
    "mask of another shape": (
        with_labels(np.ones((8, 16, 15), np.uint8), Geometry((8, 16, 15), GRID.spacing, GRID.origin_lps)),
        "shape (8, 16, 15) is not (8, 16, 16)",
    ),
    "mask of another place": (with_labels(labels(1), SHIFTED), "up to 10 mm apart"),
    "mask of another spacing": (with_labels(labels(1), Geometry(SHAPE, (2.0, 1.0, 2.0))), "spacing"),
    "empty mask": (with_labels(labels()), "holds no lesion"),
    "label that is no whole number": (with_labels(labels(1.5)), "label 1.5 found"),
    "negative label": (with_labels(labels(-1)), "label -1 found"),
    "label above 65535": (with_labels(labels(70000)), "label 70000 found"),
    "box outside": (with_box(0, 2, 20, 30, 3, 5), "lesion 3: box (0, 20, 3) to (2, 30, 5) lies outside"),
    "inverted box": (with_box(5, 2, 3, 6, 3, 6), "lesion 3: box (5, 3, 3) to (2, 6, 6) (z, y, x) is empty"),
    "empty box": (with_box(2, 2, 3, 6, 3, 6), "empty or inverted"),
    "NaN coordinate": (with_box(1, 2, "NaN", 6, 3, 6), "is not finite"),
    "word as a coordinate": (with_box(1, 2, "three", 6, 3, 6), "'three' is not a number"),
    "too few numbers": (with_box(1, 2, 3, 4), "box has 4 numbers, 6 are needed"),
    "duplicate ids": (with_prompts('{"1": {"box": [1]}, "1": {"box": [1]}}'), "occurs 2 times"),
    "not JSON": (with_prompts("{not JSON"), "is not JSON"),
    "a list": (with_prompts("[1, 2]"), "not an object"),
    "wrong keys": (with_prompts('{"1": {"bbox": [1, 2, 1, 2, 1, 2]}}'), "neither"),
    "id that is no number": (
        with_prompts('{"one": {"box": [1, 2, 1, 2, 1, 2]}}'),
        "'one' is not a lesion id",
    ),
    "only a point": (with_prompts('{"1": {"point": [1, 2, 3]}}'), "has only a point, no box"),
    "no prompts": (with_prompts("{}"), "there are no prompts"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_the_only_case_cannot_be_used(
    name: str,
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil, told = SPOILS[name]
    images, prompts = two_cases
    spoil(images / "a.nii.gz", prompts / "a.json")
    found = next(prompts.glob("a.*"))
    assert segment("-i", images / "a.nii.gz", "-p", found, "-o", tmp_path / "out") == 1
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, "the reason is told once"
    assert told in errors[0]
    assert "Traceback" not in captured.err
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (record["state"], record["exit_code"], record["cases"]["a"]["state"]) == ("failed", 1, "failed")
    assert told in record["cases"]["a"]["reason"]
    assert [path.name for path in (tmp_path / "out").glob("*.nii.gz")] == []


@pytest.mark.parametrize(
    "name", ["truncated image", "mask of another shape", "box outside", "not JSON", "NaN"]
)
def test_another_case_is_done_all_the_same(
    name: str,
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil, told = SPOILS[name]
    images, prompts = two_cases
    out = tmp_path / "out"
    spoil(images / "a.nii.gz", prompts / "a.json")
    assert segment("-i", images, "-p", prompts, "-o", out) == 3
    error = capsys.readouterr().err
    assert "error: a: " in error
    assert told in error
    assert "1 of 2 failed" in error
    record = json.loads((out / "run.json").read_text())
    assert (record["state"], record["exit_code"]) == ("finished", 3)
    assert [record["cases"][case]["state"] for case in "ab"] == ["failed", "ok"]
    left = ["b_lesion_7.nii.gz", "b_lesions.json", "b_lesions.nii.gz", "measurements.csv", "run.json"]
    assert sorted(path.name for path in out.iterdir()) == left


def test_a_case_without_prompts_is_told(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    (prompts / "a.json").rename(prompts / "c.json")
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 3
    error = capsys.readouterr().err
    assert "error: a: no prompts for a.nii.gz" in error
    assert "error: c: no image for c.json" in error
    assert "2 of 3 failed" in error


def test_refused_prompts_leave_the_others(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    images, prompts = two_cases
    boxes = {5: BOXES[1], 2: (0, 2, 90, 95, 3, 5), 300: BOXES[300], 8: (3, 3, 1, 2, 1, 2)}
    write_prompts(prompts / "a.json", boxes)
    out = tmp_path / "out"
    assert segment("-i", images / "a.nii.gz", "-p", prompts / "a.json", "-o", out) == 0
    error = capsys.readouterr().err
    assert "warning: a: lesion 2 refused: box" in error
    assert "warning: a: lesion 8 refused: box" in error
    lesions = json.loads((out / "a_lesions.json").read_text())["lesions"]
    assert {i: lesion["status"] for i, lesion in lesions.items()} == {
        "2": "refused",
        "5": "segmented",
        "8": "refused",
        "300": "segmented",
    }
    assert "lies outside" in lesions["2"]["warnings"][0]
    assert not (out / "a_lesion_2.nii.gz").exists()


@pytest.mark.parametrize("option", ["-i", "-p"])
def test_a_missing_input_is_told(
    option: str,
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = {"-i": two_cases[0], "-p": two_cases[1]} | {option: tmp_path / "nowhere"}
    assert segment(*(part for pair in arguments.items() for part in pair), "-o", tmp_path / "out") == 1
    assert f"error: {tmp_path / 'nowhere'} does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--device", "gpu"), 1, "device 'gpu' is unknown; legal: auto, cuda"),
        (("--device", "cuda:99"), 1, "device 'cuda:99'"),
        (("-f", "7"), 4, "no fold 7; there are: 0, 1"),
        (("-m", "/no/such/model"), 4, "no such model folder"),
        (("-f", "x"), 2, "'x' is no fold number"),
        (("-f", "-1"), 2, "no fold number"),
        (("--step-size", "0"), 2, "0.0 is not above 0 and up to 1"),
        (("--step-size", "1.5"), 2, "1.5 is not above 0 and up to 1"),
        (("--step-size", "nan"), 2, "nan is not above 0 and up to 1"),
        (("--save", "masks"), 2, "legal: per-lesion, labelmap"),
        (("--threads", "0"), 2, "x>=1"),
        (("-t", "circle"), 2, "'box', 'point'"),
        (("--quiet", "--verbose"), 2, "exclude each other"),
    ],
)
def test_options_that_cannot_be(
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    *,
    code: int,
    told: str,
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", *arguments) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["-i", "-p"])
def test_results_do_not_go_where_inputs_are(
    option: str,
    two_cases: tuple[Path, Path],
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images, prompts = two_cases
    out = images if option == "-i" else prompts
    assert segment("-i", images, "-p", prompts, "-o", out) == 2
    assert f"-o is the folder of {option}" in capsys.readouterr().err
