"""The commands on DICOM, from folder to files."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from segment_cases import BOXES, write_prompts

from dicom_cases import NAME, NUMBER, oblique, phantom, write_series
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator

VOXELS = phantom()
SECRETS = (NAME, "Quixote", NUMBER, "15470929", "ACC-1", "Sancho")


def run(*arguments: object) -> int:
    return console.exit_code(
        lambda: lesionlocator.main([str(part) for part in arguments], standalone_mode=False)
    )


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return write_series(tmp_path / "ct", VOXELS, oblique())


def test_masks_of_a_dicom_series_lie_where_itk_puts_the_series(
    tmp_path: Path, series: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "prompts.json", {1: BOXES[1]})
    log = tmp_path / "log.json"
    out = tmp_path / "out"
    assert segment("-i", series, "-p", prompts, "-o", out, "--verbose", "--log-json", log) == 0
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    image, mask = reader.Execute(), SimpleITK.ReadImage(out / "ct_lesion_1.nii.gz")
    for get in ("GetOrigin", "GetSpacing", "GetDirection"):
        assert np.allclose(getattr(mask, get)(), getattr(image, get)(), atol=1e-5)
    assert SimpleITK.GetArrayFromImage(mask).any()
    written = "".join(capfd.readouterr()) + log.read_text() + (out / "run.json").read_text()
    written += (out / "ct_lesions.json").read_text()
    assert not any(secret in written for secret in SECRETS)


def test_patients_are_paired_with_prompts_by_folder_and_zip(
    tmp_path: Path, segment: Callable[..., int]
) -> None:
    write_series(tmp_path / "in" / "p.1" / "study" / "series", VOXELS, oblique())
    folder = write_series(tmp_path / "other", VOXELS, oblique())
    with zipfile.ZipFile(tmp_path / "in" / "p2.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    for name in ("p.1", "p2"):
        write_prompts(tmp_path / "prompts" / f"{name}.json", {1: BOXES[1]})
    assert segment("-i", tmp_path / "in", "-p", tmp_path / "prompts", "-o", tmp_path / "out") == 0
    one, two = (tmp_path / "out" / f"{name}_lesions.nii.gz" for name in ("p.1", "p2"))
    assert one.read_bytes() == two.read_bytes()


def test_what_cannot_be_read_is_one_line_and_leaves_no_masks(
    tmp_path: Path, series: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    (series / "CT.3").unlink()
    prompts = write_prompts(tmp_path / "prompts.json", {1: BOXES[1]})
    assert segment("-i", series, "-p", prompts, "-o", tmp_path / "out") == 1
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "1 slice is missing" in error
    assert not any(secret in error for secret in SECRETS)
    assert [path.name for path in (tmp_path / "out").iterdir() if "lesion" in path.name] == []


def test_inspect_shows_each_series_and_why_it_cannot_be_used(
    tmp_path: Path, series: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = write_series(tmp_path / "broken", VOXELS, oblique(), series="broken", number=5)
    (broken / "CT.3").unlink()
    (broken / "CT.6").write_bytes((broken / "CT.6").read_bytes()[:400])
    (tmp_path / "notes.txt").write_text("x")
    assert run("inspect", tmp_path) == 0
    told = capfd.readouterr()
    first, second = (line for line in told.out.splitlines() if "Venous" in line)
    assert f"patient {NUMBER}, study of 2024-01-10" in told.out
    for cell in (
        "3",
        "Venous 2.0",
        "CT",
        "8",
        "2.5x0.7x0.9",
        "B30f",
        "Iomeprol",
        "yes",
    ):
        assert f" {cell} " in f" {first} "
    assert second.rstrip().endswith(" no")
    assert re.search(r"series 5 \(CT, [\d.]+\) cannot be used: 2 slices are missing: .*broken/CT", told.out)
    assert "CT.6: header is damaged" in told.err
    assert "1 other files are no DICOM" in told.out
    assert run("inspect", tmp_path, "--json") == 0
    document = json.loads(capfd.readouterr().out)
    assert [one["usable"] for one in document["series"]] == [True, False]
    assert document["series"][0]["shape_voxel"] == [8, 16, 16]
    assert document["no_dicom"] == ["notes.txt"]
    assert run("inspect", tmp_path / "none") == 1


def tracked(tmp_path: Path, *followups: Path, baseline: Path, extra: tuple[object, ...] = ()) -> int:
    from lesionlocator.io import read_scan, write_labelmap

    labels = np.zeros(VOXELS.shape, np.uint8)
    labels[2:5, 3:9, 3:9] = 7
    write_labelmap(tmp_path / "lesions.nii.gz", labels, read_scan(baseline).geometry)
    return run(
        "track", "--baseline", baseline, "--followup", *followups, "-p", tmp_path / "lesions.nii.gz",
        "-o", tmp_path / "out", "--registration", "classical", "--device", "cpu", *extra,
    )  # fmt: skip


def shifted(tmp_path: Path, name: str, date: str, **tags: Any) -> Path:
    return write_series(
        tmp_path / name, phantom(seed=int(date)), oblique(), study_date=date, series=name, **tags
    )


def test_a_segmentation_is_tracked_as_the_label_map_it_was_made_of(tmp_path: Path, echo_model: Path) -> None:
    baseline, later = shifted(tmp_path, "first", "20240110"), shifted(tmp_path, "later", "20240412")
    extra = ("-m", echo_model)
    assert tracked(tmp_path, later, baseline=baseline, extra=extra) == 0
    convert = ("convert", "-i", baseline, "-l", tmp_path / "lesions.nii.gz")
    assert run(*convert, "-o", tmp_path / "dicom") == 0
    (seg,) = (tmp_path / "dicom").rglob("*.dcm")
    assert run(
        "track", "--baseline", baseline, "--followup", later, "-p", seg, "-o", tmp_path / "again",
        "--registration", "classical", "--device", "cpu", *extra,
    ) == 0  # fmt: skip
    mask = "later_lesion_7.nii.gz"
    assert (tmp_path / "again" / mask).read_bytes() == (tmp_path / "out" / mask).read_bytes()


def test_followups_are_put_in_the_order_of_their_study_dates(
    tmp_path: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    baseline = shifted(tmp_path, "first", "20240110")
    late, early = shifted(tmp_path, "late", "20240709"), shifted(tmp_path, "early", "20240412")
    assert tracked(tmp_path, late, early, baseline=baseline, extra=("-m", echo_model)) == 0
    assert "put in the order of their study dates: early, late" in capfd.readouterr().err
    course = json.loads((tmp_path / "out" / "tracking.json").read_text())
    assert [(point["name"], point["date"]) for point in course["timepoints"]] == [
        ("first", "2024-01-10"),
        ("early", "2024-04-12"),
        ("late", "2024-07-09"),
    ]


def test_two_patients_or_a_baseline_that_is_not_the_first_are_refused(
    tmp_path: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    baseline = shifted(tmp_path, "first", "20240412")
    other = shifted(tmp_path, "other", "20240709", patient="MRN-4712")
    assert tracked(tmp_path, other, baseline=baseline, extra=("-m", echo_model)) == 1
    error = capfd.readouterr().err
    assert "other: is of another patient than" in error
    assert not any(secret in error for secret in SECRETS)
    before = shifted(tmp_path, "before", "20240110")
    assert tracked(tmp_path, before, baseline=baseline, extra=("-m", echo_model)) == 1
    assert "was made before the baseline" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_segmentations_are_written_by_segment_and_kept_by_resume(
    tmp_path: Path, series: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "prompts.json", {i: BOXES[i] for i in (1, 2, 300)})
    arguments = ("-i", series, "-p", prompts, "-o", tmp_path / "out", "--save", "per-lesion,dicom-seg")
    assert segment(*arguments) == 0
    written = tmp_path / "out" / "ct_seg.dcm"
    seg = pydicom.dcmread(written)
    assert [one.TrackingID for one in seg.SegmentSequence] == ["Lesion 1", "Lesion 2", "Lesion 300"]
    written.unlink()
    assert segment(*arguments, "--resume") == 0
    again = pydicom.dcmread(written)
    assert (again.PixelData, again.SOPInstanceUID) == (seg.PixelData, seg.SOPInstanceUID)
    capfd.readouterr()
    assert segment(*arguments, "--resume") == 0
    assert "done by an earlier run" in capfd.readouterr().out


def test_dicom_results_of_what_is_no_dicom_are_refused_before_any_work(
    tmp_path: Path,
    two_cases: tuple[Path, Path],
    segment: Callable[..., int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--save", "dicom-seg") == 1
    assert "a.nii.gz: is no DICOM; legal with dicom-seg: DICOM scans" in capfd.readouterr().err
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out", "--save", "dicom") == 2


def test_tracked_lesions_have_one_tracking_uid_and_no_patient_where_that_is_asked_for(
    tmp_path: Path, echo_model: Path
) -> None:
    baseline, later = shifted(tmp_path, "first", "20240110"), shifted(tmp_path, "later", "20240412")
    extra = ("-m", echo_model, "--save", "dicom-seg", "--deidentify")
    assert tracked(tmp_path, later, baseline=baseline, extra=extra) == 0
    one, two = (pydicom.dcmread(tmp_path / "out" / f"{name}_seg.dcm") for name in ("baseline", "followup_1"))
    assert one.SegmentSequence[0].TrackingUID == two.SegmentSequence[0].TrackingUID
    course = json.loads((tmp_path / "out" / "tracking.json").read_text())
    assert [point["date"] for point in course["timepoints"]] == ["1900-01-01", "1900-04-04"]
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        told = [
            text
            for text in (*SECRETS, "20240110", "20240412", "2024-", str(baseline), str(later))
            if text.encode() in content
        ]
        assert path.suffix == ".gz" or told == [], path.name


def test_convert_writes_masks_that_exist_as_the_run_that_made_them_would(
    tmp_path: Path, series: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "prompts.json", {i: BOXES[i] for i in (1, 2, 300)})
    saves = ("--save", "dicom-seg,dicom-sr,rtstruct,per-lesion")
    assert segment("-i", series, "-p", prompts, "-o", tmp_path / "out", *saves) == 0
    masks = [part for i in (1, 2, 300) for part in ("-l", tmp_path / "out" / f"ct_lesion_{i}.nii.gz")]
    back = tmp_path / "back"
    assert run("convert", "-i", series, *masks, "-o", back, "--save", "dicom-seg,dicom-sr,rtstruct") == 0
    assert sorted(path.name for path in back.iterdir()) == ["ct_rtstruct.dcm", "ct_seg.dcm", "ct_sr.dcm"]
    one, two = (pydicom.dcmread(folder / "ct_seg.dcm") for folder in (tmp_path / "out", back))
    assert one.PixelData == two.PixelData
    assert [s.TrackingUID for s in one.SegmentSequence] == [s.TrackingUID for s in two.SegmentSequence]
    capfd.readouterr()
    other = write_series(tmp_path / "other", phantom((9, 16, 16)), oblique((9, 16, 16)))
    assert run("convert", "-i", other, *masks, "-o", tmp_path / "none") == 1
    error = capfd.readouterr().err
    assert "ct_lesion_1.nii.gz: is not on the grid of" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["seg", "rtstruct", "sr"])
def test_dicom_results_are_prompts_again(
    tmp_path: Path, series: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    prompts = write_prompts(tmp_path / "prompts.json", {1: BOXES[1], 300: BOXES[300]})
    out, again = tmp_path / "out", tmp_path / "again"
    save = "per-lesion,dicom-sr,rtstruct"
    assert segment("-i", series, "-p", prompts, "-o", out, "--save", save) == 0
    assert segment("-i", series, "-p", out / f"ct_{kind}.dcm", "-o", again, "-t", "point") == 0
    assert (again / "ct_lesion_1.nii.gz").is_file()
    assert (again / "ct_lesion_300.nii.gz").is_file()
    assert run("prompts", "validate", "-p", out / f"ct_{kind}.dcm", "-i", series) == 0
    target = tmp_path / "converted.json"
    assert run("prompts", "convert", "-i", out / f"ct_{kind}.dcm", "-o", target, "--image", series) == 0
    assert sorted(json.loads(target.read_text())) == ["1", "300"]
    told = "".join(capfd.readouterr())
    assert not any(secret in told for secret in SECRETS)
