"""``lesionlocator report`` and ``preview`` as a user runs them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from segment_cases import BOXES, noise, write_image, write_prompts

from dicom_cases import NAME, NUMBER, oblique, phantom, write_series
from lesionlocator.cli import console
from lesionlocator.cli import report as command
from lesionlocator.cli.main import lesionlocator
from report_cases import write_results


def run(*arguments: object) -> int:
    words = [str(part) for part in arguments]
    return console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


def test_a_report_is_one_file_that_asks_for_no_other(results: Path, tmp_path: Path) -> None:
    assert run("report", results, "-o", tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page = (tmp_path / "report.html").read_text()
    sources = re.findall(r'(?:\bsrc|\bhref)="([^"]+)"', page)
    assert {source.split(",")[0] for source in sources if not source.startswith("#")} == {
        "data:image/jpeg;base64"
    }
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)", page)
    assert page.count("data:image/jpeg;base64") == 3 + 8
    assert "anna_ct2 (2024-03-01)" in page
    assert 'id="volume_ml-5"' in page
    assert "disappeared" in page
    assert "ab" * 32 in page


def test_recist_is_shown_where_it_was_made(results: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(results, tmp_path / "anna")
    assert run("report", folder) == 0
    assert "RECIST" not in (folder / "report.html").read_text()
    assert run("recist", folder) == 0
    assert run("report", folder) == 0
    page = (folder / "report.html").read_text()
    assert "to be confirmed by a reader" in page
    assert "[RECIST 1.1]" in page


def test_a_deidentified_report_tells_no_name_date_or_path(results: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(results, tmp_path / "anna")
    assert run("recist", folder) == 0
    assert run("report", folder, "--deidentify", "-o", tmp_path / "out") == 0
    page = (tmp_path / "out" / "report.html").read_text()
    without_pictures = re.sub(r"base64,[^\"]*", "", page)
    for secret in ("anna", "2024", str(tmp_path), str(results.parent), "models"):
        assert secret not in without_pictures, secret
    assert "timepoint 1 (day 30)" in page


def test_pictures_are_written_as_png(results: Path, tmp_path: Path) -> None:
    assert run("preview", results, "-o", tmp_path) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[:2] == ["preview_0_lesion_1.png", "preview_0_lesion_2.png"]
    assert "preview_2_projection.png" in names
    assert len(names) == 11
    with Image.open(tmp_path / "preview_0_lesion_1.png") as image:
        assert image.size == (504, 168)
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 16)}
    assert {(255, 200, 40), (70, 220, 255), (255, 120, 220)} <= colors, "outline and both diameters"


def test_scans_that_were_moved_are_found_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_results(tmp_path)
    (tmp_path / "in").rename(tmp_path / "moved")
    assert run("report", folder) == 1
    message = capsys.readouterr().err
    assert "anna_ct1.nii.gz: is no longer there; name the folder that it is in now with --images" in message
    assert not (folder / "report.html").exists()
    assert run("report", folder, "--images", tmp_path / "moved") == 0


def test_a_cohort_has_a_report_for_each_patient(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "anna")
    shutil.copytree(results, tmp_path / "boris")
    (tmp_path / "cohort.json").write_text("{}")
    assert run("report", tmp_path) == 0
    assert {path.name for path in tmp_path.glob("*.html")} == {"report_anna.html", "report_boris.html"}
    (tmp_path / "boris" / "anna_ct2_lesions.nii.gz").write_bytes(b"damaged")
    assert run("report", tmp_path, "--deidentify") == 3
    assert (tmp_path / "report_1.html").exists()
    assert not (tmp_path / "report_2.html").exists()


def test_what_segment_wrote_has_a_report_too(echo_model: Path, tmp_path: Path) -> None:
    image = write_image(tmp_path / "a.nii.gz", noise(0))
    prompts = write_prompts(tmp_path / "a.json", BOXES)
    out = tmp_path / "out"
    assert run("segment", "-m", echo_model, "--device", "cpu", "-i", image, "-p", prompts, "-o", out) == 0
    assert run("report", out) == 0
    page = (out / "report.html").read_text()
    assert "Lesions: a</h1>" in page
    assert page.count("data:image/jpeg;base64") == 1 + 3
    assert "empty" in page


def test_a_folder_without_results_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", tmp_path) == 1
    assert "holds no tracking.json" in capsys.readouterr().err


def test_a_record_of_another_run_is_an_error(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(results, tmp_path / "anna")
    record = json.loads((folder / "run.json").read_text())
    record["options"]["followups"].pop()
    (folder / "run.json").write_text(json.dumps(record))
    assert run("report", folder) == 1
    assert "run.json: names 2 scans where tracking.json has 3 timepoints" in capsys.readouterr().err


def test_what_is_missing_is_named(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert run("report", results) == 1
    assert "need jinja2, matplotlib, PIL: pip install 'lesionlocator[report]'" in capsys.readouterr().err


def test_a_chosen_series_of_a_dicom_folder_is_shown(echo_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / NAME
    for number in (3, 4):
        write_series(
            folder / str(number), phantom(seed=number), oblique(), series=f"series {number}", number=number
        )
    prompts = write_prompts(tmp_path / "p.json", BOXES)
    out = tmp_path / "out"
    words = ("segment", "-m", echo_model, "--device", "cpu", "-i", folder, "-p", prompts, "-o", out)
    assert run(*words, "--series", 4) == 0
    assert run("report", out, "--deidentify") == 0
    page = re.sub(r"base64,[^\"]*", "", (out / "report.html").read_text())
    assert page.count("data:image/jpeg;") == 1 + 4
    assert NAME not in page
    assert NUMBER not in page
