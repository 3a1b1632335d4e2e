"""``lesionlocator synth``, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lesionlocator as ll
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator

SMALL = [
    "--spacing",
    "4",
    "3",
    "3",
    "--coverage-mm",
    "160",
    "240",
    "330",
    "--lesions",
    "4",
    "--diameters-mm",
    "10",
    "40",
]


def run(*arguments: object) -> int:
    return console.exit_code(lambda: lesionlocator.main([str(a) for a in arguments], standalone_mode=False))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth")
    assert run("synth", "-o", folder, "-n", 2, "--seed", 5, "--followups", 1, "--threads", 2, *SMALL) == 0
    return folder


def test_patients_and_followups_are_written_with_a_manifest(made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    names = [f"patient_0000{seed}_{time}" for seed in (5, 6) for time in ("bl", "fu1")]
    assert [case["case"] for case in manifest["cases"]] == names
    for case in manifest["cases"]:
        scan, truth = ll.read_scan(made / case["image"]), ll.read_labelmap(made / case["labels"])
        assert scan.geometry.difference(truth.geometry) is None
        counts = np.bincount(truth.labels.ravel())
        volumes = {n: counts[n] * truth.geometry.voxel_volume_ml for n in np.flatnonzero(counts) if n}
        told = {lesion["label"]: lesion["volume_ml"] for lesion in case["lesions"]}
        assert told == pytest.approx(volumes, abs=1e-3)
    baseline, followup = manifest["cases"][:2]
    assert {"kind", "host", "diameter_mm"} <= set(baseline["lesions"][0])
    assert followup["baseline"] == baseline["case"]
    shown = {change["followup"] for change in followup["changes"]} - {None}
    assert shown == {lesion["label"] for lesion in followup["lesions"]}


def test_any_number_of_threads_gives_the_same_files(made: Path, tmp_path: Path) -> None:
    assert run("synth", "-o", tmp_path, "-n", 2, "--seed", 5, "--followups", 1, "--threads", 1, *SMALL) == 0
    assert contents(tmp_path) == contents(made)


def test_followups_of_a_scan_keep_the_labels_of_its_lesions(made: Path, tmp_path: Path) -> None:
    image, labels = made / "imagesTr/patient_00005_bl_0000.nii.gz", made / "labelsTr/patient_00005_bl.nii.gz"
    assert run("synth", "-o", tmp_path, "-i", image, "-l", labels, "-n", 2, "--seed", 3, "--quiet") == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [case["case"] for case in manifest["cases"]] == [
        f"patient_00005_bl_{time}" for time in ("bl", "fu1", "fu2")
    ]
    again = ll.read_labelmap(tmp_path / manifest["cases"][0]["labels"])
    np.testing.assert_array_equal(again.labels, ll.read_labelmap(labels).labels)
    np.testing.assert_array_equal(
        ll.read_scan(tmp_path / manifest["cases"][0]["image"]).voxels, ll.read_scan(image).voxels
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-i", "ct.nii.gz"], 2, "--image and --labels belong together"),
        (["-i", "ct.nii.gz", "-l", "l.nii.gz", "--followups", "1"], 2, "--followups is for patients"),
        (["-i", "missing.nii.gz", "-l", "l.nii.gz"], 1, "missing.nii.gz"),
        (["--diameters-mm", "9", "3"], 1, "the smaller one first"),
        (["--spacing", "0", "1", "1"], 1, "legal: above 0"),
    ],
)
def test_what_cannot_be_is_told(
    arguments: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("synth", "-o", tmp_path / "out", *arguments) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run("synth", "-o", tmp_path / "file", *SMALL) == 1
    assert "cannot make folder" in capsys.readouterr().err
