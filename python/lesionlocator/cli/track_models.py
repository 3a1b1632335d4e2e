"""The models that tracking needs, each loaded once for all patients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lesionlocator.following.points import Points, read_points
from lesionlocator.following.tracker import Tracker, load_tracker, uses_networks
from lesionlocator.model import segmentation_folder, tracking_folder
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.segmentation import SegmentationModel, load_model

if TYPE_CHECKING:
    from lesionlocator.cli.track_options import TrackOptions
    from lesionlocator.following.methods import Method


class TrackModels:
    """What the options choose.

    A missing model or fold is told of at once, before torch is imported, which takes seconds.

    Parameters
    ----------
    options
        What the user asked for.

    Raises
    ------
    ModelError
        Where the model, or a fold of it, is missing.
    """

    def __init__(self, options: TrackOptions) -> None:
        _check(options)
        self._options = options

    def method(self, followups: Sequence[str]) -> Method:
        """Return the way of tracking a patient whose follow-ups have these names."""
        options = self._options
        if options.points is None:
            return self._tracker.method(canonical=options.canonical, as_published=options.as_published)
        points = read_points(options.points, followups)
        return Points(self.segmenter, points, canonical=options.canonical)

    @cached_property
    def segmenter(self) -> SegmentationModel:
        """The segmentation model; its networks are loaded when they are first needed."""
        options = self._options
        if options.points is None:
            return self._tracker.segmenter
        return load_model(
            options.model, device=options.device, folds=options.folds, mirroring=options.mirroring
        )

    @cached_property
    def _tracker(self) -> Tracker:
        options = self._options
        return load_tracker(
            options.model,
            registration=options.registration,
            device=options.device,
            folds=options.folds,
            mirroring=options.mirroring,
        )


def _check(options: TrackOptions) -> None:
    if options.points is not None:
        segmentation_folder(options.model, PromptKind.POINT.value).chosen(options.folds)
    elif uses_networks(options.model, options.registration) and options.model is not None:
        tracking_folder(options.model).chosen(options.folds)
    else:
        segmentation_folder(options.model, PromptKind.BOX.value).chosen(options.folds)
    if options.kind != "prev_mask":
        segmentation_folder(options.model, options.kind).chosen(options.folds)
