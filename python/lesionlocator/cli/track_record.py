"""What the record of a tracking run tells: what decides the results, and how it was run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.run_settings import surroundings, tracking_settings

if TYPE_CHECKING:
    from lesionlocator.cli.track_models import TrackModels
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.following.methods import Method


def settings_of(options: TrackOptions, method: Method, models: TrackModels) -> dict[str, Any]:
    """Return what decides the results beside the inputs; this reads the files of the models."""
    dicom = options.outputs.dicom
    settings = tracking_settings(
        dicom.told_model(method.identity),
        prompt_type=options.kind,
        registration=method.name,
        step_size=options.engine.step_size,
        precision=options.engine.precision,
        from_previous=options.from_previous,
        as_published=options.as_published,
        series=list(map(dicom.told_series, options.series)),
        canonical=options.engine.canonical,
    )
    if options.kind != "prev_mask":
        settings["baseline_model"] = dicom.told_model(
            models.segmenter.identity(PromptKind(options.kind))
        ).as_dict()
    return settings | ({"deidentified": True} if dicom.deidentify else {})


def environment(options: TrackOptions, method: Method) -> dict[str, Any]:
    """Return what the record of a run tells beside its settings."""
    told = {
        "baseline": str(options.baseline),
        "followups": _texts(options.followups),
        "prompts": _texts(options.prompts),
        "output": str(options.output),
        "followup_labels": _texts(options.followup_labels),
        "dates": [None if day is None else day.isoformat() for day in options.dates],
        "resume": options.resume,
    }
    return surroundings(
        method.device, command=options.command, options=told, deidentify=options.outputs.dicom.deidentify
    )


def _texts(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]
