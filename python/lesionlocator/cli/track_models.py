"""The models that tracking needs, each loaded once for all patients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lesionlocator.cli.track_classical import Classical
from lesionlocator.cli.track_methods import Learned, Method
from lesionlocator.cli.track_points import Points, read_points
from lesionlocator.errors import ModelError
from lesionlocator.longitudinal import load_tracker
from lesionlocator.model import segmentation_folder, tracking_folder
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.segmentation import SegmentationModel, load_model

if TYPE_CHECKING:
    from lesionlocator.cli.track_options import TrackOptions


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
            return self._registering
        points = read_points(options.points, followups)
        return Points(self.segmenter, points, canonical=options.canonical)

    @cached_property
    def segmenter(self) -> SegmentationModel:
        """The segmentation model; its networks are loaded when they are first needed."""
        options = self._options
        return load_model(
            options.model, device=options.device, folds=options.folds, mirroring=options.mirroring
        )

    @cached_property
    def _registering(self) -> Method:
        options = self._options
        if not _is_learned(options) or options.model is None:
            return Classical(self.segmenter, canonical=options.canonical)
        tracker = load_tracker(
            options.model, device=options.device, folds=options.folds, mirroring=options.mirroring
        )
        return Learned(tracker, as_published=options.as_published, canonical=options.canonical)


def _check(options: TrackOptions) -> None:
    if options.points is not None:
        segmentation_folder(options.model, PromptKind.POINT.value).chosen(options.folds)
    elif _is_learned(options) and options.model is not None:
        tracking_folder(options.model).chosen(options.folds)
    else:
        segmentation_folder(options.model, PromptKind.BOX.value).chosen(options.folds)
    if options.kind != "prev_mask":
        segmentation_folder(options.model, options.kind).chosen(options.folds)


def _is_learned(options: TrackOptions) -> bool:
    """Whether the tracking networks are used.

    Raises
    ------
    ModelError
        Where they are asked for and there is no model that has them.
    """
    if options.registration is not None:
        if options.registration == "learned" and options.model is None:
            raise ModelError(
                "the built-in model has no learned registration; give a checkpoint with -m, or use "
                "--registration classical"
            )
        return options.registration == "learned"
    if options.model is None:
        return False
    try:
        tracking_folder(options.model)
    except ModelError:
        segmentation_folder(options.model, PromptKind.BOX.value)  # which must be there then
        return False
    return True
