"""The models that tracking needs, each loaded once for all patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from lesionlocator.following.points import Points, kind_of, read_accepted
from lesionlocator.following.tracker import Tracker, load_tracker, uses_networks
from lesionlocator.model import NetworkFolder, segmentation_folder, tracking_folder
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

    Attributes
    ----------
    channels
        Images that the model takes of each scan.
    """

    def __init__(self, options: TrackOptions) -> None:
        engine = options.engine
        networks = _networks(options)
        folds, *_ = (network.chosen(engine.folds) for network in networks)
        self.channels = max(network.plans.channels for network in networks)
        self._options = options
        self._engine = replace(engine, folds=(min(folds),)) if engine.one_fold else engine

    def method(self, followups: Sequence[str]) -> Method:
        """Return the way of tracking a patient whose follow-ups have these names."""
        options, canonical, step_size = self._options, self._engine.canonical, self._engine.step_size
        if options.points:
            accepted = read_accepted(options.points, followups)
            return Points(self.segmenter, accepted, canonical=canonical, step_size=step_size)
        published = options.as_published
        return self._tracker.method(canonical=canonical, step_size=step_size, as_published=published)

    @cached_property
    def segmenter(self) -> SegmentationModel:
        """The segmentation model; its networks are loaded when they are first needed."""
        if not self._options.points:
            return self._tracker.segmenter
        return load_model(self._engine.model, **self._engine.loading)

    @cached_property
    def _tracker(self) -> Tracker:
        registration = self._options.registration
        return load_tracker(self._engine.model, registration=registration, **self._engine.loading)


def _networks(options: TrackOptions) -> list[NetworkFolder]:
    """Return the network that follows lesions, and the one that segments a baseline where it is to be."""
    engine = options.engine
    if options.points:
        accepted = read_accepted(options.points, options.names[1:])
        found = [segmentation_folder(engine.model, kind_of(accepted).value)]
    elif uses_networks(engine.model, options.registration) and engine.model is not None:
        found = [tracking_folder(engine.model)]
    else:
        found = [segmentation_folder(engine.model, PromptKind.BOX.value)]
    if options.kind != "prev_mask":
        found.append(segmentation_folder(engine.model, options.kind))
    return found
