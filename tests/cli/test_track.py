"""``lesionlocator track`` as a user runs it, with networks that find just what they are shown."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segment_cases import SHAPE, contents, noise, write_image, write_prompts
from track_cases import CENTRES, lesions, read, stand_in, write_patient, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.geometry import Geometry

Track = Callable[..., int]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracker(tmp_path_factory.mktemp("tracker"))


@pytest.fixture(autouse=True)
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)


@pytest.fixture
def patient(tmp_path: Path) -> dict[str, Path]:
    return write_patient(tmp_path / "in")


@pytest.fixture
def track(model: Path, patient: dict[str, Path], tmp_path: Path) -> Track:
    """Track the patient into ``out``; arguments are added, and replace those of the same name."""

    def run(*arguments: object, **inputs: Any) -> int:
        chosen: dict[str, Any] = {
            "baseline": [patient["bl"]],
            "followup": [patient["fu1"]],
            "prompts": [patient["labels"]],
            "output": [tmp_path / "out"],
            "model": [model],
        } | inputs
        command = ["track", "--device", "cpu", "--disable-tta", *arguments]
        for name, values in chosen.items():
            command += [f"--{name}", *values] if values else []
        return console.exit_code(
            lambda: lesionlocator.main([str(part) for part in command], standalone_mode=False)
        )

    return run


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def statuses(out: Path) -> dict[str, list[str]]:
    course = load(out / "tracking.json")["lesions"]
    return {i: [point["status"] for point in points] for i, points in course.items()}


def test_lesions_are_followed_under_their_ids(
    track: Track, patient: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    followups = [patient["fu1"], patient["fu2"]]
    assert track("--dates", "2024-01-31", "2024-03-01", "2024-06-01", followup=followups) == 0
    out = tmp_path / "out"
    cases = [
        f"{fu}_{file}"
        for fu in ("fu1", "fu2")
        for file in (
            "lesion_1.nii.gz",
            "lesion_7.nii.gz",
            "expected_1.nii.gz",
            "expected_7.nii.gz",
            "lesions.nii.gz",
            "lesions.json",
        )
    ]
    assert sorted(contents(out, without=())) == sorted([*cases, "tracking.csv", "tracking.json", "run.json"])
    for fu in ("fu1", "fu2"):
        np.testing.assert_array_equal(read(out / f"{fu}_lesions.nii.gz"), lesions(CENTRES))
    assert statuses(out) == {i: ["present", "stable", "stable"] for i in ("1", "7")}
    rows = list(csv.DictReader((out / "tracking.csv").read_text().splitlines()))
    assert [row["date"] for row in rows[:3]] == ["2024-01-31", "2024-03-01", "2024-06-01"]
    run = load(out / "run.json")
    assert (run["state"], run["settings"]["registration"]) == ("finished", "learned")
    assert run["cases"]["fu2"]["lesions"] == {"1": "segmented", "7": "segmented"}
    shown = capsys.readouterr().out
    assert "stable, 0.06 ml (+0 %)" in shown
    assert "2024-03-01" in shown


def test_quiet_prints_nothing(track: Track, capsys: pytest.CaptureFixture[str]) -> None:
    assert track("--quiet") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("chain", ["previous", "baseline"])
def test_one_mask_for_each_lesion(track: Track, tmp_path: Path, patient: dict[str, Path], chain: str) -> None:
    masks = [
        write_image(tmp_path / f"bl_lesion_{i}.nii.gz", (lesions(CENTRES) == i).astype(np.uint8))
        for i in CENTRES
    ]
    assert track("--chain", chain, prompts=masks, followup=[patient["fu1"], patient["fu2"]]) == 0
    assert sorted(statuses(tmp_path / "out")) == ["1", "7"]
    np.testing.assert_array_equal(read(tmp_path / "out/fu2_lesions.nii.gz"), lesions(CENTRES))


def test_masks_without_ids_in_their_names_are_numbered(track: Track, tmp_path: Path) -> None:
    masks = [
        write_image(tmp_path / f"{name}.nii.gz", (lesions(CENTRES) == i).astype(np.uint8))
        for name, i in (("second", 7), ("first", 1))
    ]
    assert track(prompts=masks) == 0
    labels = read(tmp_path / "out/fu1_lesions.nii.gz")
    assert (labels[CENTRES[7]], labels[CENTRES[1]]) == (1, 2)


def test_components_of_a_mask_are_lesions(track: Track, tmp_path: Path) -> None:
    mask = write_image(tmp_path / "mask.nii.gz", (lesions(CENTRES) > 0).astype(np.uint8))
    assert track(prompts=[mask]) == 0
    labels = read(tmp_path / "out/fu1_lesions.nii.gz")
    assert (labels[CENTRES[1]], labels[CENTRES[7]]) == (1, 2)


def test_a_lesion_that_is_not_found_has_disappeared_and_is_looked_for_again(
    track: Track, tmp_path: Path, patient: dict[str, Path]
) -> None:
    everything = np.ones(SHAPE, np.uint8)  # in which these networks find nothing
    masks = [
        write_image(tmp_path / "a_lesion_1.nii.gz", (lesions(CENTRES) == 1).astype(np.uint8)),
        write_image(tmp_path / "a_lesion_4.nii.gz", everything),
    ]
    assert track(prompts=masks, followup=[patient["fu1"], patient["fu2"]]) == 0
    out = tmp_path / "out"
    assert statuses(out)["4"] == ["present", "disappeared", "disappeared"]
    assert not read(out / "fu1_lesion_4.nii.gz").any()
    np.testing.assert_array_equal(read(out / "fu1_expected_4.nii.gz"), everything)
    before = contents(out)
    (out / "fu2_lesions.json").unlink()
    assert track("--resume", prompts=masks, followup=[patient["fu1"], patient["fu2"]]) == 0
    assert contents(out) == before
    assert track(prompts=masks[:1]) == 0
    assert not list(out.glob("fu1_*_4.nii.gz"))


def test_boxes_are_segmented_in_the_baseline_first(track: Track, tmp_path: Path) -> None:
    prompts = write_prompts(tmp_path / "p.json", {3: (2, 4, 4, 8, 4, 8), 4: (0, 8, 0, 16, 0, 16)})
    assert track("-t", "box", prompts=[prompts]) == 0
    out = tmp_path / "out"
    assert read(out / "bl_lesion_3.nii.gz").any()
    np.testing.assert_array_equal(read(out / "fu1_lesion_3.nii.gz"), read(out / "bl_lesion_3.nii.gz"))
    assert statuses(out) == {"3": ["present", "stable"], "4": ["not_assessed", "not_assessed"]}
    before = contents(out)
    assert track("-t", "box", "--resume", prompts=[prompts]) == 0
    assert contents(out) == before


def test_resume_does_what_is_missing(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    followups, out = [patient["fu1"], patient["fu2"]], tmp_path / "out"
    assert track(followup=followups) == 0
    before = contents(out)
    kept = (out / "fu1_lesion_1.nii.gz").stat().st_mtime_ns
    (out / "fu2_lesion_7.nii.gz").unlink()
    capsys.readouterr()
    assert track("--resume", followup=followups) == 0
    shown = capsys.readouterr().out
    assert "fu1: done by an earlier run" in shown
    assert "fu2: done" not in shown
    assert contents(out) == before
    assert (out / "fu1_lesion_1.nii.gz").stat().st_mtime_ns == kept


def test_a_changed_scan_is_tracked_again_and_so_are_those_after_it(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    followups = [patient["fu1"], patient["fu2"]]
    assert track(followup=followups) == 0
    write_image(patient["fu1"], noise(9))
    capsys.readouterr()
    assert track("--resume", followup=followups) == 0
    assert "done by an earlier run" not in capsys.readouterr().out


def test_a_run_of_other_settings_is_not_resumed(track: Track, capsys: pytest.CaptureFixture[str]) -> None:
    assert track() == 0
    assert track("--resume", "--chain", "baseline") == 1
    assert "chain 'previous', now 'baseline'" in capsys.readouterr().err


def test_a_followup_that_fails_leaves_the_others(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    followups = [patient["fu1"], patient["fu2"]]
    good = patient["fu1"].read_bytes()
    patient["fu1"].write_bytes(b"")
    assert track(followup=followups) == 3
    assert "fu1: " in capsys.readouterr().err
    assert statuses(tmp_path / "out")["1"] == ["present", "not_assessed", "stable"]
    assert load(tmp_path / "out/run.json")["cases"]["fu1"]["state"] == "failed"
    patient["fu1"].write_bytes(good)
    assert track("--resume", followup=followups) == 0
    assert statuses(tmp_path / "out")["1"] == ["present", "stable", "stable"]


def test_lesions_that_no_track_explains_are_new(
    track: Track, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = write_image(tmp_path / "all.nii.gz", lesions({20: CENTRES[1], 40: CENTRES[7], 30: (3, 12, 3)}))
    assert track("--followup-labels", labels) == 0
    course = load(tmp_path / "out" / "tracking.json")["lesions"]
    assert course["8"][0] is None
    assert (course["8"][1]["status"], course["8"][1]["matched_label"]) == ("new", 30)
    assert (course["1"][1]["status"], course["1"][1]["matched_label"]) == ("stable", 20)
    assert track("--followup-labels", labels, labels) == 2
    assert "2 label maps for 1 follow-ups" in capsys.readouterr().err
    shifted = write_image(tmp_path / "shifted.nii.gz", lesions(CENTRES), Geometry(SHAPE, (3.0, 1.0, 1.0)))
    assert track("--followup-labels", shifted) == 1
    assert "shifted.nii.gz: is not on the grid of" in capsys.readouterr().err


def test_points_are_proposed_edited_and_segmented(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    followups = [patient["fu1"], patient["fu2"]]
    assert track("--propose-only", followup=followups) == 0
    proposed = tmp_path / "out" / "proposed.json"
    content = load(proposed)
    first, second = content["bl"]
    assert (first["7"]["img_bl"], first["7"]["img_fu"], second["7"]["img_fu"]) == ("bl", "fu1", "fu2")
    assert first["7"]["bl_point"] == first["7"]["fu_point_prop"] == [9.5, 9.5, 4.5]
    assert load(tmp_path / "out" / "fu1_proposed.json")["7"] == {
        "box": ["4", "6", "8", "12", "8", "12"],
        "point": ["4.5", "9.5", "9.5"],
    }
    assert not list((tmp_path / "out").glob("*.nii.gz"))
    first["7"]["fu_point"] = [4.0, 11.0, 3.0]
    del second["7"]
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(content))
    assert track("--points", edited, followup=followups) == 0
    assert read(tmp_path / "out" / "fu1_lesion_7.nii.gz")[3, 11, 4] == 1
    assert not (tmp_path / "out" / "fu2_lesion_7.nii.gz").exists()
    assert statuses(tmp_path / "out")["7"][2] == "not_assessed"
    assert track("--points", edited, followup=followups[:1]) == 1
    assert "'fu2' is no follow-up; there are: fu1" in capsys.readouterr().err
    assert track("--points", edited, "--propose-only") == 2


def test_edited_boxes_are_segmented(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    followups = [patient["fu1"], patient["fu2"]]
    assert track("--propose-only", followup=followups) == 0
    edited = [tmp_path / f"{name}.json" for name in ("one", "two")]
    contents = [load(tmp_path / "out" / f"{name}_proposed.json") for name in ("fu1", "fu2")]
    contents[0]["7"] = {"box": ["1", "4", "9", "14", "2", "6"]}
    del contents[1]["7"]
    for path, content in zip(edited, contents, strict=True):
        path.write_text(json.dumps(content))
    assert track("--points", *edited, followup=followups) == 0
    z, y, x = np.nonzero(read(tmp_path / "out" / "fu1_lesion_7.nii.gz"))
    assert (z.min(), z.max() + 1, y.min(), y.max() + 1, x.min(), x.max() + 1) == (0, 5, 8, 15, 1, 7)
    assert load(tmp_path / "out" / "fu1_lesions.json")["prompt_type"] == "box"
    assert not (tmp_path / "out" / "fu2_lesion_7.nii.gz").exists()
    assert track("--points", edited[0], followup=followups) == 1
    assert "1 prompt files for 2 follow-ups" in capsys.readouterr().err
    contents[0]["7"] = {"box": ["1", "4", "9", "14", "2", "6"], "point": ["2", "3", "3"]}
    edited[0].write_text(json.dumps(contents[0]))
    assert track("--points", *edited, followup=followups) == 1
    assert "lesion 7: its point lies outside its box" in capsys.readouterr().err
    contents[0]["1"], contents[0]["7"] = {"point": ["2", "5", "5"]}, {"box": ["1", "4", "9", "14", "2", "6"]}
    edited[0].write_text(json.dumps(contents[0]))
    assert track("--points", *edited, followup=followups) == 1
    assert "lesion 1 of fu1 has no box, and lesion 7 of fu1 no point" in capsys.readouterr().err


def test_what_is_written_can_be_chosen(track: Track, tmp_path: Path, patient: dict[str, Path]) -> None:
    followups, out = [patient["fu1"], patient["fu2"]], tmp_path / "out"
    assert track("--save", "labelmap", followup=followups) == 0
    assert sorted(path.name for path in out.glob("*.nii.gz")) == ["fu1_lesions.nii.gz", "fu2_lesions.nii.gz"]
    labels, course = read(out / "fu2_lesions.nii.gz"), load(out / "tracking.json")["lesions"]
    assert track("--save", "per-lesion", followup=followups) == 0
    assert (read(out / "fu2_lesion_7.nii.gz") > 0).sum() == (labels == 7).sum()
    assert load(out / "tracking.json")["lesions"] == course
    (out / "fu1_lesions.nii.gz").unlink()
    assert track("--save", "per-lesion", "--resume", followup=followups) == 0
    assert not (out / "fu1_lesions.nii.gz").exists()


def test_the_engine_is_chosen_as_for_segment(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert track("--fast", "--precision", "bf16", "--step-size", "0.25", "--profile") == 0
    settings = load(out / "run.json")["settings"]
    assert (settings["precision"], settings["step_size"]) == ("bf16", 0.25)
    assert (settings["model"]["folds"], settings["model"]["mirroring"]) == ([0], False)
    assert "registration" in capsys.readouterr().err
    assert load(out / "profile.json")["traceEvents"]
    assert track("--precision", "fp16", "--device", "cpu") == 1
    assert "precision 'fp16' has no fast convolutions on a CPU" in capsys.readouterr().err
    assert track("--step-size", "0") == 2


def test_wrong_dates(track: Track, capsys: pytest.CaptureFixture[str]) -> None:
    for dates, told in (
        (("2024-01-01",), "1 dates for 2 scans"),
        (("2024-01-02", "2024-01-01"), "out of order"),
        (("2024-01-02", "yesterday"), "'yesterday' is no date"),
    ):
        assert track("--dates", *dates) == 2
        assert told in capsys.readouterr().err


def test_scans_and_prompts_that_cannot_be_used(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = Geometry(SHAPE, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    shifted = write_image(tmp_path / "shifted.nii.gz", lesions(CENTRES), elsewhere)
    empty = write_image(tmp_path / "empty.nii.gz", np.zeros(SHAPE, np.uint8))
    twin = write_image(tmp_path / "other" / "bl.nii.gz", noise(5))
    boxes = write_prompts(tmp_path / "boxes.json", {1: (2, 4, 4, 8, 4, 8)})
    cases: list[tuple[dict[str, list[Path]], str]] = [
        ({"followup": [patient["bl"]]}, "is baseline and follow-up 1"),
        ({"followup": [twin]}, "2 scans have this name"),
        ({"followup": [tmp_path / "no.nii.gz"]}, "no.nii.gz: no such file"),
        ({"prompts": [shifted]}, "is not on the grid of"),
        ({"prompts": [empty]}, "holds no lesion"),
        ({"prompts": [patient["labels"], empty]}, "labels.nii.gz: holds the labels [1, 7]"),
        ({"prompts": [boxes]}, "need -t box or -t point"),
    ]
    for inputs, told in cases:
        assert track(**inputs) == 1, inputs
        assert told in capsys.readouterr().err


def test_a_copy_of_the_baseline_is_told(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    copied = tmp_path / "copy.nii.gz"
    copied.write_bytes(patient["bl"].read_bytes())
    assert track(followup=[copied, patient["fu1"]]) == 0
    told = capsys.readouterr().err
    assert "copy: is voxel by voxel bl: the same scan under another name?" in told
    assert "fu1: is voxel by voxel" not in told


def test_models_that_cannot_be_used(track: Track, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert track("--registration", "learned", model=[]) == 4
    assert "built-in model has no learned registration" in capsys.readouterr().err
    assert track(model=[tmp_path]) == 4
    assert track("-f", "3") == 4
    assert "no fold 3" in capsys.readouterr().err


def test_scans_of_different_patients_are_told(
    track: Track, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track() == 0  # noise does not resemble other noise
    assert "fu1 hardly resembles bl" in capsys.readouterr().err
    assert "hardly resembles" in load(tmp_path / "out/fu1_lesions.json")["notes"][0]


def test_a_course_is_converted_to_a_tracking_file_and_back(
    track: Track, tmp_path: Path, patient: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(followup=[patient["fu1"], patient["fu2"]]) == 0
    made, points = tmp_path / "tracking.json", tmp_path / "points.json"
    assert convert(tmp_path / "out" / "tracking.json", made, "--to", "tracking") == 0
    (pairs,) = load(made).values()
    assert [pair["7"]["img_fu"] for pair in pairs] == ["fu1", "fu2"]
    assert pairs[0]["7"]["fu_point"] == [9.5, 9.5, 4.5]
    assert pairs[0]["7"]["merged_lesions"] == [7]
    assert convert(made, tmp_path / "again.json", "--to", "tracking") == 0
    assert load(tmp_path / "again.json").keys() == load(made).keys()
    assert convert(made, points) == 1
    assert "holds 2 follow-ups; choose with --scan: bl, fu1, fu2" in capsys.readouterr().err
    assert convert(made, points, "--scan", "fu2") == 0
    assert load(points)["7"] == {"point": ["4.5", "9.5", "9.5"]}
    assert convert(made, points, "--scan", "ct") == 1
    assert convert(points, made, "--to", "tracking") == 1
    assert "neither the tracking.json of a patient nor" in capsys.readouterr().err


def convert(source: Path, target: Path, *more: str) -> int:
    command = ["prompts", "convert", "-i", str(source), "-o", str(target), *more]
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))
