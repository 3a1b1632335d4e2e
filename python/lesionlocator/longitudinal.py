"""The tracking networks: loaded once, for any number of pairs of scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.geometry import Orientation
from lesionlocator.inference.device import DeviceChoice, choose_device
from lesionlocator.io import LabelMap, Scan
from lesionlocator.model import NetworkFolder, tracking_folder
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.progress import Progress
from lesionlocator.results.provenance import ModelIdentity
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.tracked_pair import PairWork
from lesionlocator.tracking.lesions import KnownLesions
from lesionlocator.tracking.propagation import TrackedGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.tracking.ensemble import TrackingEnsemble

MaskPrompts = LabelMap | Segmentation | Mapping[int, "NDArray[Any]"]
"""Lesions of a baseline: a label map on its grid, what segmenting it gave, or by id, arrays of its shape."""


def load_tracking_model(
    folder: str | Path,
    *,
    device: str = "auto",
    folds: Sequence[int] | None = None,
    mirroring: bool = True,
    precision: str = "auto",
    compiled: bool = False,
) -> TrackingModel:
    """Load a tracking model.

    Parameters
    ----------
    folder
        A checkpoint folder in the published layout, or the id of a downloaded model.
    device, folds, mirroring, precision, compiled
        As for :func:`lesionlocator.load_tracker`.

    Raises
    ------
    ModelError
        Where the folder holds no usable tracking model.
    DeviceError
        Where there is no such device, or it does not compute in this precision.
    """
    return TrackingModel(
        tracking_folder(Path(folder)),
        choose_device(device),
        folds=folds,
        mirroring=mirroring,
        precision=precision,
        compiled=compiled,
    )


class TrackingModel:
    """The tracking networks, loaded when first needed and kept on the device.

    Use :func:`load_tracking_model` to make one.
    """

    def __init__(
        self,
        folder: NetworkFolder,
        device: DeviceChoice,
        *,
        folds: Sequence[int] | None,
        mirroring: bool,
        precision: str = "auto",
        compiled: bool = False,
    ) -> None:
        self.folder = folder
        self.device = device
        self._folds = folds
        self._mirroring = mirroring
        self._precision = precision
        self._compiled = compiled
        self.identity = ModelIdentity(folder, tuple(sorted(folder.chosen(folds))), mirroring)

    @cached_property
    def ensemble(self) -> TrackingEnsemble:
        """The loaded networks.

        Raises
        ------
        ModelError
            Where they cannot be used.
        """
        from lesionlocator.tracking.ensemble import TrackingEnsemble

        return TrackingEnsemble(
            self.folder,
            folds=self._folds,
            device=self.device.device,
            mirroring=self._mirroring,
            precision=self._precision,
            compiled=self._compiled,
        )

    def track_pair(
        self,
        baseline: Scan,
        followup: Scan,
        prompts: MaskPrompts,
        *,
        canonical: bool | None = None,
        as_published: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Segmentation:
        """Find the lesions of a baseline in a follow-up.

        Parameters
        ----------
        baseline, followup
            The scans; their voxels are not modified.
        prompts
            The lesions of the baseline; in a label map whose only label is 1, each connected component.
        canonical
            Whether the networks see the scans in superior, posterior, left axis order, or as stored. None for
            as stored, as published, unless the scans are stored in different orders.
        as_published
            Whether masks of single lesions are marked as in the published system where a scan is 0 up to its
            border (see :mod:`lesionlocator.tracking.void`), which can draw the network away from the lesion.
        progress
            Called after every registration (for which the lesion is 0) and every network call.

        Returns
        -------
        Segmentation
            The follow-up's lesions under the baseline's ids, each a
            :class:`lesionlocator.tracked_pair.TrackedLesion`.

        Raises
        ------
        InputError
            Where a scan, or the prompts as a whole, cannot be used.
        ModelError
            Where the networks cannot be used.
        """
        work = self.prepare(baseline, followup, prompts, canonical=canonical, as_published=as_published)
        return work.result({lesion.lesion_id: lesion for lesion in work.run(progress)})

    def prepare(
        self,
        baseline: Scan,
        followup: Scan,
        prompts: MaskPrompts,
        *,
        canonical: bool | None = None,
        as_published: bool = False,
    ) -> PairWork:
        """Return the work that :meth:`track_pair` would do, lesion by lesion; parameters are the same."""
        scans = [baseline, followup]
        oriented = self._orientation(scans, canonical)
        first, second = (ModelGrid(scan, self.folder.plans, canonical=oriented) for scan in scans)
        notes = self._notes(scans, oriented, canonical)
        lesions = _known_lesions(prompts, first)
        return PairWork(
            lambda: self.ensemble,
            self.identity,
            TrackedGrid(first),
            TrackedGrid(second),
            lesions,
            marks_void=as_published and lesions.is_single,
            notes=notes,
        )

    def _orientation(self, scans: Sequence[Scan], canonical: bool | None) -> bool:
        if canonical is not None:
            return canonical
        orders = {Orientation.canonical(scan.geometry) for scan in scans}
        return self.folder.plans.canonical_orientation or len(orders) > 1

    def _notes(self, scans: Sequence[Scan], oriented: bool, canonical: bool | None) -> tuple[str, ...]:
        if canonical is None and oriented and not self.folder.plans.canonical_orientation:
            names = ", ".join(scan.name for scan in scans)
            return (f"{names} are stored in different axis orders: all are seen in canonical order",)
        return ()


def _known_lesions(prompts: MaskPrompts, grid: ModelGrid) -> KnownLesions:
    if isinstance(prompts, LabelMap):
        return KnownLesions.of_labels(prompts, grid)
    if isinstance(prompts, Segmentation):
        prompts = {lesion_id: mask.full() for lesion_id, mask in prompts.masks.items()}
    return KnownLesions.of_masks(prompts, grid)
