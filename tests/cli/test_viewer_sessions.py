"""What a window does without one: the same masks and files as the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from segment_cases import GRID, SHAPE, contents, noise, write_image
from track_cases import CENTRES, lesions, write_patient

from dicom_cases import write_series
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.dicom.outputs import DicomKind, DicomOutputs
from lesionlocator.errors import InputError, PromptError
from lesionlocator.geometry import Box
from lesionlocator.io import read_scan
from lesionlocator.viewer.models import ModelChoice, Models
from lesionlocator.viewer.opening import Shown, open_scan
from lesionlocator.viewer.patient_session import PatientSession
from lesionlocator.viewer.run_folder import RunFolder
from lesionlocator.viewer.scan_session import ScanSession


@pytest.fixture
def models(echo_model: Path) -> Models:
    return Models(ModelChoice(echo_model, mirroring=False, device="cpu", registration="classical"))


@pytest.fixture
def scan_session(models: Models, tmp_path: Path) -> ScanSession:
    return ScanSession(read_scan(write_image(tmp_path / "a.nii.gz", noise(0))), models)


def command(*words: object) -> int:
    return console.exit_code(lambda: lesionlocator.main([*map(str, words)], standalone_mode=False))


def pointed_at(session: ScanSession, *, boxes: dict[int, Box], points: dict[int, Any]) -> None:
    prompts = [session.in_box(box) for box in boxes.values()] + [session.at_point(p) for p in points.values()]
    for lesion_id, prompt in zip([*boxes, *points], prompts, strict=True):
        session.lesions.offer(session.segment(prompt))
        session.lesions.renumber(session.lesions.accept(), lesion_id)


def silent(_: Any) -> None:
    pass


def test_what_is_saved_is_what_segment_writes(
    scan_session: ScanSession, models: Models, echo_model: Path, tmp_path: Path
) -> None:
    boxes = {4: Box((2, 3, 3), (5, 8, 8)), 300: Box((3, 6, 6), (6, 12, 12))}  # which overlap
    pointed_at(scan_session, boxes=boxes, points={})
    files = RunFolder(tmp_path / "window", models).save_scan(scan_session)
    assert scan_session.is_saved
    written = {
        i: {"box": [e for p in zip(b.start, b.stop, strict=True) for e in p]} for i, b in boxes.items()
    }
    (tmp_path / "a.json").write_text(json.dumps(written))
    words = ["segment", "-i", tmp_path / "a.nii.gz", "-p", tmp_path / "a.json", "-o", tmp_path / "command"]
    assert command(*words, "-m", echo_model, "--device", "cpu", "--disable-tta") == 0
    assert contents(tmp_path / "window") == contents(tmp_path / "command")
    runs = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("window", "command")]
    assert runs[0]["settings"] == runs[1]["settings"]
    assert runs[0].keys() == runs[1].keys()
    assert sorted(path.name for path in files) == sorted(
        path.name for path in (tmp_path / "window").iterdir()
    )


def test_what_a_person_pointed_at_is_not_resumed_from_a_prompt_file(
    scan_session: ScanSession,
    models: Models,
    echo_model: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pointed_at(scan_session, boxes={4: Box((2, 3, 3), (5, 8, 8))}, points={})
    RunFolder(tmp_path / "window", models).save_scan(scan_session)
    before = contents(tmp_path / "window", without=())
    (tmp_path / "a.json").write_text(json.dumps({"5": {"box": [3, 6, 6, 12, 6, 12]}}))
    words = ["segment", "-i", tmp_path / "a.nii.gz", "-p", tmp_path / "a.json", "-o", tmp_path / "window"]
    words += ["--resume", "-m", echo_model, "--device", "cpu", "--disable-tta"]
    assert command(*words) == 1
    assert (
        "the lesions of a were pointed at in the viewer, and are in no prompt file" in capfd.readouterr().err
    )
    assert contents(tmp_path / "window", without=()) == before


def test_dicom_is_saved_as_segment_writes_it(models: Models, echo_model: Path, tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", noise(0), GRID)
    session = ScanSession(read_scan(folder), models)
    pointed_at(session, boxes={4: Box((2, 3, 3), (5, 8, 8))}, points={})
    wanted = DicomOutputs(frozenset({DicomKind.SEG, DicomKind.RTSTRUCT}))
    files = RunFolder(tmp_path / "window", models, wanted).save_scan(session)
    assert {"ct_seg.dcm", "ct_rtstruct.dcm"} < {path.name for path in files}
    (tmp_path / "a.json").write_text(json.dumps({"4": {"box": [2, 5, 3, 8, 3, 8]}}))
    words = ["segment", "-i", folder, "-p", tmp_path / "a.json", "-o", tmp_path / "command", "--disable-tta"]
    words += ["-m", echo_model, "--device", "cpu", "--save", "labelmap,dicom-seg,rtstruct"]
    assert command(*words) == 0
    one, two = (pydicom.dcmread(tmp_path / name / "ct_seg.dcm") for name in ("window", "command"))
    assert (one.PixelData, one.SOPInstanceUID) == (two.PixelData, two.SOPInstanceUID)


def test_dicom_of_what_is_no_dicom_is_refused_before_anything_is_written(
    scan_session: ScanSession, models: Models, tmp_path: Path
) -> None:
    pointed_at(scan_session, boxes={4: Box((2, 3, 3), (5, 8, 8))}, points={})
    wanted = DicomOutputs(frozenset({DicomKind.SEG}))
    with pytest.raises(InputError, match=r"a\.nii\.gz: is no DICOM, and DICOM results need it to be"):
        RunFolder(tmp_path / "window", models, wanted).save_scan(scan_session)
    assert not (tmp_path / "window").exists()


def test_points_and_boxes_may_be_mixed_and_the_document_says_which_was_used(
    scan_session: ScanSession, models: Models, tmp_path: Path
) -> None:
    pointed_at(scan_session, boxes={1: Box((2, 3, 3), (5, 8, 8))}, points={2: (4.0, 12.0, 12.0)})
    RunFolder(tmp_path / "window", models).save_scan(scan_session)
    document = json.loads((tmp_path / "window" / "a_lesions.json").read_text())
    assert document["prompt_type"] == "box"
    assert [document["lesions"][i]["prompt"]["kind"] for i in ("1", "2")] == ["box", "point"]
    assert document["other_model"]["path"].endswith("point_optimized")


def test_several_scans_share_a_folder_and_a_deleted_lesion_leaves_it(
    scan_session: ScanSession, models: Models, tmp_path: Path
) -> None:
    other = ScanSession(read_scan(write_image(tmp_path / "b.nii.gz", noise(1))), models)
    folder = RunFolder(tmp_path / "out", models)
    for session in (scan_session, other):
        pointed_at(session, boxes={1: Box((2, 3, 3), (5, 8, 8)), 2: Box((1, 9, 9), (4, 12, 12))}, points={})
        folder.save_scan(session)
    scan_session.lesions.delete(2)
    assert not scan_session.is_saved
    folder.save_scan(scan_session)
    rows = (tmp_path / "out" / "measurements.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [["a", "1"], ["b", "1"], ["b", "2"]]
    assert not (tmp_path / "out" / "a_lesion_2.nii.gz").exists()
    assert command("report", tmp_path / "out") == 0


def test_what_cannot_be_pointed_at_or_saved_is_told(
    scan_session: ScanSession, models: Models, tmp_path: Path
) -> None:
    with pytest.raises(PromptError, match="lies outside the scan"):
        scan_session.at_point((9.0, 1.0, 1.0))
    with pytest.raises(PromptError, match="lies outside the scan"):
        scan_session.in_box(Box((0, 20, 0), (1, 21, 1)))
    with pytest.raises(PromptError, match="found no lesion at this prompt"):
        scan_session.segment(scan_session.in_box(Box((0, 0, 0), SHAPE)))
    with pytest.raises(InputError, match="a: no lesion is accepted"):
        RunFolder(tmp_path / "out", models).save_scan(scan_session)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def patient(models: Models, tmp_path: Path) -> tuple[PatientSession, dict[str, Path]]:
    paths = write_patient(tmp_path)
    opened = open_scan(Shown(paths["bl"], lesions=(paths["labels"],)))
    baseline = ScanSession(opened.scan, models, given=opened.masks)
    session = PatientSession(baseline, models, prompts=opened.prompts)
    for name in ("fu1", "fu2"):
        session.add(read_scan(paths[name]))
    return session, paths


def test_a_verified_patient_is_what_track_writes_for_the_edited_points(
    patient: tuple[PatientSession, dict[str, Path]], models: Models, echo_model: Path, tmp_path: Path
) -> None:
    session, paths = patient
    common = ["track", "--baseline", paths["bl"], "--followup", paths["fu1"], paths["fu2"]]
    common += ["-p", paths["labels"], "-m", echo_model, "--device", "cpu", "--disable-tta"]
    session.proposed(session.propose(silent))
    assert command(*common, "--registration", "classical", "--propose-only", "-o", tmp_path / "proposed") == 0

    first, second = session.followups
    first.move(7, (3.0, 8.5, 9.25))
    second.strike(1)
    window = tmp_path / "window"
    RunFolder(window, models).save_patient(session.segment(silent))
    edited = json.loads((tmp_path / "proposed" / "proposed.json").read_text())
    edited["bl"][0]["7"]["fu_point"] = [9.25, 8.5, 3.0]
    del edited["bl"][1]["1"]
    points = tmp_path / "edited.json"
    points.write_text(json.dumps(edited, indent=1) + "\n")
    assert points.read_bytes() == (window / "proposed.json").read_bytes()
    assert command(*common, "--points", points, "-o", tmp_path / "command") == 0
    proposed = contents(tmp_path / "proposed", without=("run.json", "proposed.json"))
    written = contents(window, without=("run.json", "proposed.json"))
    assert written == contents(tmp_path / "command") | proposed
    runs = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("window", "command")]
    assert runs[0]["settings"] == runs[1]["settings"]
    assert runs[0]["options"].keys() == runs[1]["options"].keys()
    assert command("report", window) == 0


def test_a_verified_patient_has_one_tracking_uid_a_lesion_as_with_track(
    models: Models, echo_model: Path, tmp_path: Path
) -> None:
    first, later = (
        write_series(tmp_path / name, noise(seed), GRID, series=name, study_date=f"2024010{seed + 1}")
        for seed, name in enumerate(("first", "later"))
    )
    labels = write_image(tmp_path / "labels.nii.gz", lesions(CENTRES), GRID)
    opened = open_scan(Shown(first, lesions=(labels,)))
    session = PatientSession(
        ScanSession(opened.scan, models, given=opened.masks), models, prompts=opened.prompts
    )
    session.add(read_scan(later))
    session.proposed(session.propose(silent))
    window, kinds = tmp_path / "window", frozenset({DicomKind.SEG, DicomKind.SR})
    files = RunFolder(window, models, DicomOutputs(kinds)).save_patient(session.segment(silent))
    names = {f"{name}_{kind}.dcm" for name in ("first", "later") for kind in ("seg", "sr")}
    assert names < {path.name for path in files}
    words = ["track", "--baseline", first, "--followup", later, "-p", labels, "--points"]
    words += [window / "proposed.json", "-m", echo_model, "--device", "cpu", "--disable-tta"]
    assert command(*words, "-o", tmp_path / "command", "--save", "labelmap,dicom-sr") == 0
    uids = []
    for name in ("first", "later"):
        one, two = (pydicom.dcmread(path / f"{name}_seg.dcm") for path in (window, tmp_path / "command"))
        assert (one.PixelData, one.SOPInstanceUID) == (two.PixelData, two.SOPInstanceUID)
        uids.append([segment.TrackingUID for segment in one.SegmentSequence])
    assert uids[0] == uids[1]


def test_lesions_that_were_changed_are_proposed_anew_and_written(
    patient: tuple[PatientSession, dict[str, Path]], models: Models, tmp_path: Path
) -> None:
    session, _ = patient
    with pytest.raises(InputError, match="propose them first"):
        session.segment(silent)
    session.proposed(session.propose(silent))
    session.baseline.lesions.renumber(7, 9)
    with pytest.raises(InputError, match="propose positions again"):
        session.segment(silent)
    session.proposed(session.propose(silent))
    RunFolder(tmp_path / "out", models).save_patient(session.segment(silent))
    assert {path.name for path in (tmp_path / "out").glob("*_lesion_*")} == {
        f"{name}_lesion_{i}.nii.gz" for name in ("bl", "fu1", "fu2") for i in (1, 9)
    }
    assert command("report", tmp_path / "out") == 0


def test_positions_can_be_struck_moved_and_restored(patient: tuple[PatientSession, dict[str, Path]]) -> None:
    session, _ = patient
    followup = session.followups[0]
    with pytest.raises(InputError, match="fu1: lesion 1 has no proposed position"):
        followup.strike(1)
    session.proposed(session.propose(silent))
    proposed = followup.points
    assert list(proposed) == list(CENTRES)
    followup.strike(1)
    assert (list(followup.points), followup.struck) == ([7], [1])
    followup.move(1, (1.0, 2.0, 3.0))
    assert followup.points[1] == (1.0, 2.0, 3.0)
    followup.restore(1)
    assert followup.points == proposed
    with pytest.raises(PromptError, match=r"lesion 7: point .* lies outside the scan"):
        followup.move(7, (99.0, 0.0, 0.0))


def test_follow_ups_that_do_not_belong_are_refused(
    patient: tuple[PatientSession, dict[str, Path]], models: Models
) -> None:
    session, paths = patient
    with pytest.raises(InputError, match="fu1: two scans have this name"):
        session.add(read_scan(paths["fu1"]))
    alone = PatientSession(session.baseline, models)
    with pytest.raises(InputError, match="there is no follow-up"):
        alone.propose(silent)


def test_results_are_opened_with_the_masks_that_were_found(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nii.gz", noise(0), GRID)
    mask = noise(0) * 0
    write_image(tmp_path / "out" / "a_lesion_4.nii.gz", mask.astype("uint8"), GRID)
    mask[2:4, 3:5, 3:6] = 1
    write_image(tmp_path / "out" / "a_lesion_2.nii.gz", mask.astype("uint8"), GRID)
    opened = open_scan(Shown(tmp_path / "a.nii.gz", results=tmp_path / "out"))
    assert {i: found.voxels for i, found in opened.masks.items()} == {2: 12}
    (tmp_path / "out" / "a_lesion_2.nii.gz").unlink()
    write_image(tmp_path / "out" / "a_lesions.nii.gz", (mask * 5).astype("uint8"), GRID)
    assert list(open_scan(Shown(tmp_path / "a.nii.gz", results=tmp_path / "out")).masks) == [5]
    assert open_scan(Shown(tmp_path / "a.nii.gz", results=tmp_path / "none")).masks == {}
