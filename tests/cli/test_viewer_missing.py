"""Without the extra: napari is asked for by name, and never imported unless it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from segment_cases import noise, write_image, write_prompts

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.viewer import extra


def test_napari_and_qt_are_imported_by_nothing_but_a_window() -> None:
    code = (
        "import sys, lesionlocator.viewer.window, lesionlocator.viewer.launch, lesionlocator.viewer.plugin, "
        "lesionlocator.cli.view, lesionlocator.cli.segment, lesionlocator.cli.visualize\n"
        "print(sorted({'napari', 'qtpy', 'PySide6', 'vispy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "case",
    [
        ({"napari"}, "the viewer needs napari, which is not installed: pip install 'lesionlocator[napari]'"),
        ({"PySide6", "PyQt6", "PyQt5", "PySide2"}, "the viewer needs a Qt binding, such as PySide6: pip"),
    ],
)
def test_what_is_missing_is_asked_for_by_name(
    segment: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[set[str], str],
) -> None:
    absent, told = case
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in absent else object())
    scan = write_image(tmp_path / "a.nii.gz", noise(0))
    prompts = write_prompts(tmp_path / "a.json", {4: (1, 4, 2, 7, 2, 7)})
    assert segment("-i", scan, "-p", prompts, "-o", tmp_path / "out", "--visualize") == 0
    error = " ".join(capsys.readouterr().err.split())
    assert told in error
    assert error.count("--visualize") == 1
    assert (tmp_path / "out" / "a_lesion_4.nii.gz").is_file()
    assert console.exit_code(lambda: lesionlocator.main(["view"], standalone_mode=False)) == 1
    assert told in " ".join(capsys.readouterr().err.split())


def test_visualize_needs_masks_and_one_patient(segment: Callable[..., int], tmp_path: Path) -> None:
    words = ("-i", "a", "-p", "b", "-o", tmp_path / "out", "--visualize", "--save", "dicom-seg")
    assert segment(*words) == 2
    track = ["track", "--cohort", "c.csv", "-o", str(tmp_path / "out"), "--visualize"]
    assert console.exit_code(lambda: lesionlocator.main(track, standalone_mode=False)) == 2
