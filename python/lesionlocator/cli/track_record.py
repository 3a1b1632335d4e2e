"""What the record of a tracking run tells: what decides the results, and how it was run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator import _core
from lesionlocator.cli.engine_options import ORIENTATIONS
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.threads import thread_counts

if TYPE_CHECKING:
    from lesionlocator.cli.track_models import TrackModels
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.following.methods import Method


def settings_of(options: TrackOptions, method: Method, models: TrackModels) -> dict[str, Any]:
    """Return what decides the results beside the inputs; this reads the files of the models."""
    settings: dict[str, Any] = {
        "model": method.identity.as_dict(),
        "prompt_type": options.kind,
        "registration": method.name,
        "step_size": options.engine.step_size,
        "precision": options.engine.precision,
        "chain": "previous" if options.from_previous else "baseline",
        "as_published": options.as_published,
        "series": list(options.series),
        "orientation": ORIENTATIONS[options.engine.canonical],
    }
    if options.kind != "prev_mask":
        settings["baseline_model"] = models.segmenter.identity(PromptKind(options.kind)).as_dict()
    return settings


def environment(options: TrackOptions, method: Method) -> dict[str, Any]:
    """Return what the record of a run tells beside its settings."""
    device = method.device
    told: dict[str, Any] = {
        "version": _core.__version__,
        "command": list(options.command),
        "device": {"name": str(device.device), "reason": device.reason},
        "threads": thread_counts(),
        "options": {
            "baseline": str(options.baseline),
            "followups": _texts(options.followups),
            "prompts": _texts(options.prompts),
            "output": str(options.output),
            "followup_labels": _texts(options.followup_labels),
            "dates": [None if day is None else day.isoformat() for day in options.dates],
            "resume": options.resume,
        },
    }
    if options.outputs.dicom.deidentify:  # folders are often called by patients
        told |= {"command": [], "options": {}}
    return told


def _texts(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]
