"""A real window, with real mouse events, on a display without a screen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from screens import XVFB, Mouse, press_delete, virtual_display, wait_until
from segment_cases import GRID, contents, noise, write_image, write_prompts
from track_cases import lesions, write_patient

from dicom_cases import write_series
from lesionlocator.cli import console, published_segment, published_track
from lesionlocator.cli.main import lesionlocator
from lesionlocator.viewer import extra
from lesionlocator.viewer.canvas import Tool
from lesionlocator.viewer.launch import open_window
from lesionlocator.viewer.models import ModelChoice, Models
from lesionlocator.viewer.opening import Shown
from lesionlocator.viewer.window import Window

pytestmark = [
    pytest.mark.skipif(XVFB is None, reason="no Xvfb"),
    pytest.mark.filterwarnings("ignore"),  # those of napari and what it stands on
]


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    settings = {
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "QT_QPA_PLATFORM": "xcb",
        "NAPARI_CONFIG": str(tmp_path_factory.mktemp("napari") / "settings.yaml"),
    }
    with virtual_display() as name, pytest.MonkeyPatch.context() as patch:
        for key, value in {**settings, "DISPLAY": name}.items():
            patch.setenv(key, value)
        yield


@pytest.fixture
def window(display: None, echo_model: Path) -> Iterator[Window]:
    choice = ModelChoice(echo_model, mirroring=False, device="cpu", registration="classical")
    opened = open_window(Models(choice))
    opened.viewer.window._qt_window.resize(1500, 950)
    yield opened
    wait_until(lambda: not opened.runner.is_busy, "a job at the end of the test")
    opened.viewer.close()


def done(window: Window) -> None:
    wait_until(lambda: not window.runner.is_busy, window.panel.status.text())


def press(window: Window, name: str) -> None:
    window.panel.buttons[name].click()
    done(window)


def mouse_on_scan(window: Window) -> Mouse:
    return Mouse(window.viewer, window.viewer.window._qt_viewer)


def test_clicking_and_drawing_gives_masks_that_the_command_line_gives(
    window: Window, echo_model: Path, tmp_path: Path
) -> None:
    window.open(Shown(write_series(tmp_path / "a", noise(0), GRID)))  # DICOM
    done(window)
    assert "click a point" in window.panel.status.text()
    mouse = mouse_on_scan(window)
    mouse.click((8.0, 8.0, 8.0))
    assert not window.runner.is_busy  # the mouse navigates until a tool is chosen

    window.panel.tools[Tool.BOX].click()
    window.panel.depth.setValue(4)
    window.viewer.dims.set_point(0, 8.0)
    mouse.drag((8.0, 2.0, 9.0), (8.0, 7.0, 14.0))
    done(window)
    candidate = window.session.lesions.candidate
    assert (candidate.prompt.box.start, candidate.prompt.box.stop) == ((3, 2, 9), (6, 8, 15))
    assert (window.canvas.labels.data == 1).sum() == candidate.found.voxels
    shot = window.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    place = mouse.pixel((8.0, 4.0, 12.0))
    ratio = shot.shape[1] / window.viewer.window._qt_viewer.canvas.native.width()
    colour = shot[round(place.y() * ratio), round(place.x() * ratio)]
    assert np.ptp(colour) > 20, "the mask is seen in a colour over the gray scan"

    window.panel.folder.setText(str(tmp_path / "window"))
    press(window, "save")
    assert "lesion 1 is not accepted" in window.panel.status.text()
    press(window, "accept")
    window.panel.new_id.setValue(12)
    press(window, "renumber")
    assert window.panel.status.text() == "lesion 1 is lesion 12 now"
    press(window, "save")
    assert "saved a_lesion_12.nii.gz" in window.panel.status.text()
    prompts = write_prompts(tmp_path / "a.json", {12: (3, 6, 2, 8, 9, 15)})
    words = ["segment", "-i", tmp_path / "a", "-p", prompts, "-o", tmp_path / "command"]
    assert run(*words, "-m", echo_model, "--device", "cpu", "--disable-tta") == 0
    assert contents(tmp_path / "window") == contents(tmp_path / "command")

    window.panel.tools[Tool.POINT].click()
    mouse.click((8.0, 12.0, 3.0))
    done(window)
    assert window.session.lesions.candidate.prompt.point == pytest.approx((4.0, 12.0, 3.0), abs=0.1)
    press(window, "delete")
    assert window.session.lesions.ids == [12]


def test_work_shows_its_progress_and_can_be_cancelled(window: Window, tmp_path: Path) -> None:
    window.open(Shown(write_image(tmp_path / "a.nii.gz", noise(0))))
    done(window)
    window.panel.tools[Tool.POINT].click()
    seen: list[tuple[int, int]] = []

    def slow(prompt: Any, told: Any) -> None:
        for step in range(1000):
            told(_progress(step + 1))

    window.session.segment = slow
    mouse_on_scan(window).click((8.0, 8.0, 8.0))
    assert window.runner.is_busy
    assert not window.panel.buttons["accept"].isEnabled()

    def is_under_way() -> bool:
        seen.append((window.panel.bar.value(), window.panel.bar.maximum()))
        return seen[-1][0] > 0 and seen[-1][1] == 1000

    wait_until(is_under_way, "progress")
    press(window, "cancel")
    assert window.panel.status.text() == "cancelled"
    assert window.panel.buttons["accept"].isEnabled()
    assert window.session.lesions.candidate is None


def _progress(step: int) -> Any:
    import time

    from lesionlocator.progress import Progress

    time.sleep(0.01)
    return Progress(step, 1000, 1)


def test_follow_ups_are_verified_side_by_side(window: Window, tmp_path: Path) -> None:
    paths = write_patient(tmp_path)
    baseline = Shown(paths["bl"], lesions=(paths["labels"],))
    window.open(baseline, [Shown(paths["fu1"]), Shown(paths["fu2"])])
    done(window)
    press(window, "segment")
    assert "propose them first" in window.panel.status.text()
    press(window, "propose")
    followup, view = window.patient.followups[0], window.views.views[0]
    mouse = Mouse(view.canvas.viewer, view.widget)

    window.panel.select(7)
    z, y, x = view.canvas.space.to_shown(followup.points[7])
    mouse.drag((z, y, x), (z, y - 4, x - 3))
    wait_until(lambda: 7 in followup.verified, "the point was moved")
    moved = view.canvas.space.to_shown(followup.points[7])
    assert moved == pytest.approx((z, y - 4, x - 3), abs=0.3)

    window.panel.select(1)
    mouse.click(view.canvas.space.to_shown(followup.points[1]))
    press_delete(view.widget.canvas.native)
    assert followup.struck == [1]
    press(window, "restore")
    assert followup.struck == []
    press(window, "strike")
    assert followup.struck == [1]

    at = (window.viewer.dims.point[0], 4.0, 7.0)
    mouse_on_scan(window).move(at)
    place = view.followup.link.to_followup(window.canvas.space.to_lps(at))
    assert view.canvas.viewer.dims.point == pytest.approx(view.canvas.space.from_lps(place), abs=0.3)
    mouse.move((view.canvas.viewer.dims.point[0], 9.0, 5.0))
    assert window.viewer.dims.point[2] == pytest.approx(5.0, abs=1.5)

    press(window, "segment")
    assert "the follow-ups are segmented" in window.panel.status.text()
    assert {int(i) for i in np.unique(view.canvas.labels.data)} == {0, 7}
    window.viewer.window.screenshot(str(tmp_path / "window.png"), canvas_only=False)
    window.panel.folder.setText(str(tmp_path / "out"))
    press(window, "save")
    written = {path.name for path in (tmp_path / "out").glob("*_lesion_*")}
    assert written == {"fu1_lesion_7.nii.gz", "fu2_lesion_1.nii.gz", "fu2_lesion_7.nii.gz"}


def test_the_plugin_reads_a_scan_and_takes_it_over(
    display: None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    import napari

    scan = write_image(tmp_path / "a.nii.gz", noise(0))
    viewer = napari.Viewer()
    request.addfinalizer(viewer.close)
    (layer,) = viewer.open(str(scan), plugin="lesionlocator")
    assert tuple(layer.scale) == GRID.spacing
    _, panel = viewer.window.add_plugin_dock_widget("lesionlocator", "Point at lesions")
    assert [one.name for one in viewer.layers] == ["a", "lesions of a", "box", "cursor"]
    assert "a: click a point" in panel.lesionlocator_window.panel.status.text()


@pytest.fixture
def shown(display: None) -> Callable[[], list[dict[str, set[int]]]]:
    """Close each window that opens once it shows its scans, and return what was in them."""
    from napari.qt import get_qapp
    from qtpy.QtCore import QTimer

    get_qapp()
    seen: list[dict[str, set[int]]] = []
    from lesionlocator.viewer import launch

    opened: list[Window] = []

    def look() -> None:
        window = opened[-1] if opened else None
        if window is None or window.runner.is_busy or window.session is None:
            return
        canvases = [window.canvas, *(view.canvas for view in window.views.views)]
        seen.append({c.image.name: {int(i) for i in np.unique(c.labels.data)} - {0} for c in canvases})
        opened.clear()
        window.viewer.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    patch = pytest.MonkeyPatch()
    first = launch.open_window
    patch.setattr(launch, "open_window", lambda *given: opened.append(first(*given)) or opened[-1])
    yield lambda: seen
    timer.stop()
    patch.undo()


def run(*words: object) -> int:
    return console.exit_code(lambda: lesionlocator.main([*map(str, words)], standalone_mode=False))


def test_visualize_opens_once_at_the_end_with_all_lesions(
    shown: Callable[[], list[dict[str, set[int]]]], echo_model: Path, tmp_path: Path
) -> None:
    paths = write_patient(tmp_path)
    prompts = write_prompts(tmp_path / "bl.json", {4: (1, 4, 2, 7, 2, 7), 9: (4, 7, 8, 13, 8, 13)})
    model = ("-m", echo_model, "--device", "cpu", "--disable-tta")
    segment = ["segment", "-i", paths["bl"], "-p", prompts, "-o", tmp_path / "segmented", "--visualize"]
    assert run(*segment, *model) == 0
    track = ["track", "--baseline", paths["bl"], "--followup", paths["fu1"], "-p", paths["labels"]]
    assert run(*track, "-o", tmp_path / "tracked", "--registration", "classical", "--visualize", *model) == 0
    published = ["-i", paths["bl"], "-p", prompts, "-o", tmp_path / "published", "-m", echo_model]
    flags = [*map(str, published), "-device", "cpu", "--disable_tta", "--visualize"]
    assert console.exit_code(lambda: published_segment.segment(flags)) == 0
    assert run("view", paths["bl"], "-p", paths["labels"], *model) == 0
    known = {int(i) for i in np.unique(lesions({1: (2, 5, 5), 7: (5, 10, 10)}))} - {0}
    assert shown() == [
        {"bl": {4, 9}},
        {"bl": known, "fu1": shown()[1]["fu1"]},
        {"bl": {4, 9}},
        {"bl": known},
    ]
    assert shown()[1]["fu1"]


def test_the_published_tracking_command_opens_it_too(
    shown: Callable[[], list[dict[str, set[int]]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from track_cases import stand_in, write_tracker

    stand_in(monkeypatch)
    paths = write_patient(tmp_path)
    flags = ["-bl", paths["bl"], "-fu", paths["fu1"], "-p", paths["labels"], "-o", tmp_path / "out"]
    flags += ["-m", write_tracker(tmp_path / "model"), "-device", "cpu", "--disable_tta", "--visualize"]
    assert console.exit_code(lambda: published_track.track([*map(str, flags)])) == 0
    assert shown() == [{"bl": {1, 7}, "fu1": {1, 7}}]


def test_a_display_that_is_there_is_accepted(display: None) -> None:
    extra.check_display()


def test_without_a_display_results_are_written_and_the_reason_is_told(
    echo_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    scan = write_image(tmp_path / "a.nii.gz", noise(0))
    prompts = write_prompts(tmp_path / "a.json", {4: (1, 4, 2, 7, 2, 7)})
    words = ["segment", "-i", scan, "-p", prompts, "-o", tmp_path / "out", "--visualize", "-m", echo_model]
    assert run(*words, "--device", "cpu", "--disable-tta") == 0
    assert "--visualize: no window can be opened here" in capsys.readouterr().err
    assert (tmp_path / "out" / "a_lesion_4.nii.gz").is_file()
    assert "DISPLAY" in os.environ
