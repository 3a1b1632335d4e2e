"""The models of a window: chosen when it is opened, loaded when first needed, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lesionlocator.following.tracker import load_tracker

if TYPE_CHECKING:
    from pathlib import Path

    from lesionlocator.following.tracker import Tracker
    from lesionlocator.segmentation import SegmentationModel


@dataclass(frozen=True)
class ModelChoice:
    """What :func:`lesionlocator.load_tracker` takes.

    Parameters
    ----------
    folder
        A checkpoint folder, or the id of a downloaded model; None for the built-in model.
    folds, mirroring, device, registration, precision, compiled
        As :func:`lesionlocator.load_tracker` takes them.
    canonical, step_size
        As for :meth:`lesionlocator.SegmentationModel.segment`.
    """

    folder: Path | None = None
    folds: tuple[int, ...] | None = None
    mirroring: bool = True
    device: str = "auto"
    registration: str | None = None
    canonical: bool | None = None
    precision: str = "auto"
    compiled: bool = False
    step_size: float = 0.5


class Models:
    """The networks of one choice."""

    def __init__(self, choice: ModelChoice | None = None) -> None:
        self.choice = choice or ModelChoice()

    @cached_property
    def tracker(self) -> Tracker:
        """What registers scans.

        Raises
        ------
        LesionLocatorError
            Where the model cannot be used.
        """
        choice = self.choice
        return load_tracker(
            choice.folder,
            registration=choice.registration,
            device=choice.device,
            folds=choice.folds,
            mirroring=choice.mirroring,
            precision=choice.precision,
            compiled=choice.compiled,
        )

    @property
    def segmenter(self) -> SegmentationModel:
        """What segments."""
        return self.tracker.segmenter
