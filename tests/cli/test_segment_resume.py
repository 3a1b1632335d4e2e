"""What ``--resume`` keeps, what it does again, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from segment_cases import BOXES, PLANS, contents, write_network, write_prompts

from lesionlocator.inference.ensemble import Ensemble

Segment = Callable[..., int]


@pytest.fixture
def done(two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment) -> Path:
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "out") == 0
    return tmp_path / "out"


@pytest.fixture
def resume(done: Path, two_cases: tuple[Path, Path], segment: Segment) -> Callable[..., int]:
    images, prompts = two_cases
    return lambda *more: segment("-i", images, "-p", prompts, "-o", done, "--resume", *more)


@pytest.fixture
def patches(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Grows with every patch that a network sees."""
    seen: list[int] = []
    original = Ensemble.answers

    def counted(self: Ensemble, patches: Any, **options: Any) -> Any:
        for answer in original(self, patches, **options):
            seen.append(1)
            yield answer

    monkeypatch.setattr(Ensemble, "answers", counted)
    return seen


def interrupted(folder: Path, case: str, lesions: set[int]) -> None:
    """Make the record say that a run ended after some lesions of a case."""
    path = folder / "run.json"
    record = json.loads(path.read_text())
    record["cases"][case]["state"] = "running"
    kept = {i: status for i, status in record["cases"][case]["lesions"].items() if int(i) in lesions}
    record["cases"][case]["lesions"] = kept
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("missing", "segmented"),
    [
        ((), 0),
        (("measurements.csv",), 0),
        (("a_lesions.json",), 2),  # 1 and 2 overlap: the label map needs their logits
        (("a_lesions.nii.gz",), 2),
        (("b_lesions.nii.gz",), 0),
        (("a_lesion_4.nii.gz",), 3),
        (("a_lesion_300.nii.gz", "a_lesions.json"), 3),
        (("a_lesion_1.nii.gz",), 2),
        (("b_lesion_7.nii.gz", "b_lesions.json", "a_lesion_2.nii.gz"), 3),
        (("run.json",), 5),
    ],
)
def test_the_files_are_those_of_an_undisturbed_run(
    done: Path, resume: Callable[..., int], patches: list[int], missing: tuple[str, ...], segmented: int
) -> None:
    before = contents(done)
    for name in missing:
        (done / name).unlink()
    patches.clear()
    assert resume() == 0
    assert contents(done) == before
    assert len(patches) == segmented


def test_a_case_that_was_interrupted_goes_on_where_it_was(
    done: Path, resume: Callable[..., int], patches: list[int]
) -> None:
    before = contents(done)
    interrupted(done, "a", {300})
    (done / "a_lesions.json").unlink()
    assert resume() == 0
    assert contents(done) == before
    assert len(patches) == 3


def test_only_what_is_needed_is_done_where_no_label_map_is_wanted(
    done: Path, resume: Callable[..., int], patches: list[int]
) -> None:
    before = contents(done)
    (done / "a_lesions.json").unlink()
    assert resume("--save", "per-lesion") == 0
    assert contents(done) == before
    assert not patches


def test_a_mask_of_an_older_run_is_not_kept(
    done: Path, resume: Callable[..., int], patches: list[int]
) -> None:
    before = contents(done)
    interrupted(done, "b", set())  # the run began the case anew, and the mask there is from before
    assert resume() == 0
    assert len(patches) == 1
    assert contents(done) == before


@pytest.mark.parametrize("damage", [b"", b"no image", b"\x1f\x8b cut"])
def test_a_damaged_mask_is_segmented_again(done: Path, resume: Callable[..., int], damage: bytes) -> None:
    before = contents(done)
    (done / "a_lesions.json").unlink()
    (done / "a_lesion_300.nii.gz").write_bytes(damage)
    assert resume() == 0
    assert contents(done) == before


def test_a_damaged_document_is_written_again(done: Path, resume: Callable[..., int]) -> None:
    before = contents(done)
    (done / "a_lesions.json").write_text('{"lesions": {"1": 3}}')
    assert resume() == 0
    assert contents(done) == before


def test_the_record_tells_what_an_earlier_run_did(done: Path, resume: Callable[..., int]) -> None:
    (done / "b_lesions.json").unlink()
    assert resume() == 0
    cases = json.loads((done / "run.json").read_text())["cases"]
    assert [cases[name]["from_earlier_run"] for name in "ab"] == [True, False]
    assert {case["state"] for case in cases.values()} == {"ok"}


def test_nothing_to_do_needs_no_weights(
    done: Path, two_cases: tuple[Path, Path], segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, prompts = two_cases
    monkeypatch.delattr(Ensemble, "__init__")
    assert segment("-i", images, "-p", prompts, "-o", done, "--resume") == 0


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("-f", "0"), "folds [0, 1], now [0]"),
        (("--disable-tta",), "mirroring True, now False"),
        (("--step-size", "0.25"), "step size 0.5, now 0.25"),
        (("-t", "point"), "prompt type 'box', now 'point'"),
    ],
)
def test_other_settings_are_refused(
    done: Path,
    resume: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    option: tuple[str, ...],
    told: str,
) -> None:
    before = contents(done, without=())
    assert resume(*option) == 1
    message = capsys.readouterr().err
    assert told in message
    assert "--overwrite" in message
    assert contents(done, without=()) == before


def test_another_model_is_refused(
    done: Path,
    two_cases: tuple[Path, Path],
    tmp_path: Path,
    segment: Segment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images, prompts = two_cases
    other = json.loads(json.dumps(PLANS))
    other["configurations"]["3d_fullres"]["spacing"] = [1.0, 1.0, 1.5]
    write_network(tmp_path / "model" / "bbox_optimized", other, folds=(0, 1))
    assert segment("-i", images, "-p", prompts, "-o", done, "--resume", model=tmp_path / "model") == 1
    assert "model checksum" in capsys.readouterr().err


def test_a_model_that_was_moved_is_the_same(
    done: Path, two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, echo_model: Path
) -> None:
    images, prompts = two_cases
    moved = tmp_path / "moved"
    moved.symlink_to(echo_model)
    assert segment("-i", images, "-p", prompts, "-o", done, "--resume", model=moved) == 0


def test_other_prompts_are_refused(
    done: Path, two_cases: tuple[Path, Path], resume: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_prompts(two_cases[1] / "a.json", {1: BOXES[2]})
    assert resume() == 1
    assert "the prompts of a have changed" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}", '{"settings": 1, "cases": {"a": 1}}'])
def test_a_damaged_record_is_refused(
    done: Path, resume: Callable[..., int], capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (done / "run.json").write_text(content)
    assert resume() == 1
    assert str(done / "run.json") in capsys.readouterr().err


def test_a_failed_case_is_tried_again(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Segment, resume_folder: Path
) -> None:
    images, prompts = two_cases
    good = (images / "a.nii.gz").read_bytes()
    (images / "a.nii.gz").write_bytes(good[:100])
    assert segment("-i", images, "-p", prompts, "-o", resume_folder) == 3
    (images / "a.nii.gz").write_bytes(good)
    assert segment("-i", images, "-p", prompts, "-o", resume_folder, "--resume") == 0
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "undisturbed") == 0
    assert contents(resume_folder) == contents(tmp_path / "undisturbed")


@pytest.fixture
def resume_folder(tmp_path: Path) -> Path:
    return tmp_path / "resumed"
