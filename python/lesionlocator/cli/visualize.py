"""``--visualize``: the viewer, opened once at the end of a run with all that it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lesionlocator.cli import console
from lesionlocator.errors import LesionLocatorError

if TYPE_CHECKING:
    from lesionlocator.cli.engine_options import EngineOptions
    from lesionlocator.cli.segment_options import SegmentOptions
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.viewer.models import ModelChoice
    from lesionlocator.viewer.opening import Shown

HELP = "Open the viewer at the end, with all lesions."


@contextmanager
def visualizing(wanted: bool, open_viewer: Callable[[], None]) -> Iterator[None]:
    """Open the viewer after what is done in the block, also where some of several cases failed.

    Where it is not installed or no window can be opened, that is a warning: results are written all the same.
    """
    if not wanted:
        yield
        return
    is_there = _told(_check_extra)
    try:
        yield
    except console.SomeCasesFailed:
        if is_there:
            _told(open_viewer)
        raise
    if is_there:
        _told(open_viewer)


def chosen_models(engine: EngineOptions, registration: str | None = None) -> ModelChoice:
    """Return the models that options choose."""
    from lesionlocator.model import segmentation_folder
    from lesionlocator.viewer.models import ModelChoice

    folds = engine.folds
    if engine.one_fold:
        folds = (min(segmentation_folder(engine.model, "box").chosen(folds)),)
    return ModelChoice(
        engine.model,
        folds,
        engine.mirroring,
        engine.device,
        registration,
        engine.canonical,
        precision=engine.precision,
        compiled=engine.compiled,
        step_size=engine.step_size,
    )


def show_cases(options: SegmentOptions) -> None:
    """Open the viewer with the cases that a run of ``segment`` has done."""
    from lesionlocator.io import pair_cases
    from lesionlocator.results.files import CaseFiles
    from lesionlocator.viewer.launch import view
    from lesionlocator.viewer.models import Models
    from lesionlocator.viewer.opening import Shown

    done = []
    for case in pair_cases(options.images, options.prompts)[0]:
        files = CaseFiles(options.output, case.name)
        if files.lesion_ids or files.labelmap.is_file():
            done.append(Shown(case.image, options.series, results=options.output))
    choice = chosen_models(options.engine)
    view(done, models=Models(choice), output=options.output, dicom=options.outputs.dicom)


def show_patient(options: TrackOptions) -> None:
    """Open the viewer with the scans of a patient and what a run of ``track`` has found in them."""
    from lesionlocator.viewer.launch import view
    from lesionlocator.viewer.models import Models
    from lesionlocator.viewer.opening import Shown

    series = options.series_of_scans
    known = options.prompts if options.kind == "prev_mask" else ()
    baseline = Shown(options.baseline, series[0], known, options.output, options.names[0])
    followups: Sequence[Shown] = [
        Shown(path, one, results=options.output, name=name)
        for path, one, name in zip(options.followups, series[1:], options.names[1:], strict=True)
    ]
    choice = chosen_models(options.engine, options.registration)
    dicom = options.outputs.dicom
    view([baseline], followups, models=Models(choice), output=options.output, dicom=dicom)


def _check_extra() -> None:
    from lesionlocator.viewer.extra import check_extra

    check_extra()


def _told(action: Callable[[], None]) -> bool:
    """Do something, and return whether it went well; else the reason is told as a warning."""
    try:
        action()
    except LesionLocatorError as problem:
        console.warn(f"warning: --visualize: {problem}; results are written")
        return False
    return True
