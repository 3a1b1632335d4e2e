"""What the record of a run says of its settings and surroundings, whoever ran it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lesionlocator.inference.device import DeviceChoice
    from lesionlocator.prompts.kinds import Kind
    from lesionlocator.results.provenance import ModelIdentity

ORIENTATIONS = {None: "auto", False: "stored", True: "canonical"}
"""Names of the axis orders that a network can see: None is what the model was trained for."""


def segmentation_settings(
    model: ModelIdentity,
    kind: Kind,
    *,
    step_size: float,
    series: str | None,
    precision: str,
    canonical: bool | None,
) -> dict[str, Any]:
    """Return what decides the results of segmenting beside the inputs; this reads the files of the model."""
    return {
        "model": model.as_dict(),
        "prompt_type": kind.value,
        "step_size": step_size,
        "series": series,
        "precision": precision,
        "orientation": ORIENTATIONS[canonical],
    }


def tracking_settings(
    model: ModelIdentity,
    *,
    prompt_type: str,
    registration: str,
    step_size: float,
    precision: str,
    from_previous: bool,
    as_published: bool,
    series: Sequence[str | None],
    canonical: bool | None,
) -> dict[str, Any]:
    """Return what decides the results of tracking beside the inputs; this reads the files of the model."""
    return {
        "model": model.as_dict(),
        "prompt_type": prompt_type,
        "registration": registration,
        "step_size": step_size,
        "precision": precision,
        "chain": "previous" if from_previous else "baseline",
        "as_published": as_published,
        "series": list(series),
        "orientation": ORIENTATIONS[canonical],
    }


def surroundings(
    device: DeviceChoice | None, *, command: Sequence[str], options: dict[str, Any], deidentify: bool = False
) -> dict[str, Any]:
    """Return what else the record of a run tells: version, device, threads, command and options.

    Files and folders are often called by patients: with ``deidentify``, command and options are left out.
    """
    from lesionlocator import _core
    from lesionlocator.threads import thread_counts

    return {
        "version": _core.__version__,
        "command": [] if deidentify else list(command),
        "device": None if device is None else {"name": str(device.device), "reason": device.reason},
        "threads": thread_counts(),
        "options": {} if deidentify else options,
    }
