"""The public way to follow a patient's lesions: a model loaded once, by either way of registration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError, ModelError
from lesionlocator.following.classical import Classical
from lesionlocator.following.course import PatientCourse, follow
from lesionlocator.following.learned import Learned
from lesionlocator.following.origin import Origin, origin_of, read_origin
from lesionlocator.inference.device import choose_device
from lesionlocator.inference.precision import choose_precision
from lesionlocator.longitudinal import MaskPrompts, load_tracking_model
from lesionlocator.model import segmentation_folder, tracking_folder
from lesionlocator.prompts.kinds import MaskKind, PromptKind, kind_named
from lesionlocator.segmentation import Prompts, SegmentationModel, load_model

if TYPE_CHECKING:
    from datetime import date

    from lesionlocator.following.methods import Method
    from lesionlocator.io import LabelMap, Scan
    from lesionlocator.longitudinal import TrackingModel
    from lesionlocator.progress import Progress
    from lesionlocator.results.course import CourseOptions
    from lesionlocator.results.segmentation import Segmentation

REGISTRATIONS = ("learned", "classical")


def load_tracker(
    folder: str | Path | None = None,
    *,
    registration: str | None = None,
    device: str = "auto",
    folds: Sequence[int] | None = None,
    mirroring: bool = True,
    precision: str = "auto",
    compiled: bool = False,
) -> Tracker:
    """Load a model that follows lesions through the scans of a patient.

    Parameters
    ----------
    folder
        A checkpoint folder in the published layout; None for the built-in model.
    registration
        ``"learned"``: the networks of the checkpoint; ``"classical"``: no network registers the scans, and
        the box around each lesion carried over prompts the segmentation model. By default learned where the
        model has it; the built-in model has not.
    device, folds, mirroring, precision, compiled
        As for :func:`lesionlocator.load_model`. Scans are registered in float32, and that network is not
        compiled.

    Raises
    ------
    InputError
        Where there is no such registration.
    ModelError
        Where the folder holds no usable model.
    DeviceError
        Where there is no such device, or it does not compute in this precision.
    """
    root = None if folder is None else Path(folder)
    loading = _Loading(device, folds, mirroring, precision, compiled)
    return Tracker(root, registration, loading)


@dataclass(frozen=True)
class _Loading:
    """Arguments of the functions that load models, beside the model itself."""

    device: str
    folds: Sequence[int] | None
    mirroring: bool
    precision: str
    compiled: bool


class Tracker:
    """A model that follows lesions; networks are loaded when first needed and kept on the device.

    Use :func:`load_tracker` to make one.
    """

    def __init__(
        self,
        root: Path | None,
        registration: str | None,
        loading: _Loading,
    ) -> None:
        self._root = root if uses_networks(root, registration) else None
        self._segmenter_root = root
        self._loading = asdict(loading)
        folder = segmentation_folder(root, "box") if self._root is None else tracking_folder(self._root)
        folder.chosen(loading.folds)
        choose_precision(loading.precision, choose_device(loading.device).device)

    @property
    def registration(self) -> str:
        """``learned`` or ``classical``."""
        return "classical" if self._root is None else "learned"

    @cached_property
    def segmenter(self) -> SegmentationModel:
        """The segmentation model, for prompts in the baseline and after classical registration."""
        return load_model(self._segmenter_root, **self._loading)

    def track(
        self,
        scans: Sequence[Scan],
        prompts: MaskPrompts | Prompts | Sequence[Path],
        *,
        prompt_type: str = "prev_mask",
        dates: Sequence[date | None] | None = None,
        followup_labels: Sequence[LabelMap | None] | None = None,
        from_previous: bool = True,
        canonical: bool | None = None,
        step_size: float = 0.5,
        as_published: bool = False,
        options: CourseOptions | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> PatientCourse:
        """Find the lesions of a baseline in every follow-up, and say what became of them.

        Parameters
        ----------
        scans
            The baseline and at least one follow-up, in order, of one patient; their voxels are not modified.
        prompts
            The lesions of the baseline. With ``prev_mask``: a label map, what segmenting the baseline gave,
            arrays of its shape by id, or the file of a label map, or of one mask for each lesion. With
            ``box`` and ``point``: prompts as :meth:`lesionlocator.SegmentationModel.segment` takes them.
        prompt_type
            ``"prev_mask"``, or ``"box"`` or ``"point"``, with which the baseline is segmented first.
        dates
            Of the scans; None where they are not known. Those of DICOM are their study dates by default.
        followup_labels
            A label map of all lesions of each follow-up, or None: lesions that no track explains are new.
        from_previous
            Whether a lesion is tracked from where it was last found, as published, or from the baseline.
        canonical, as_published
            As for :meth:`lesionlocator.longitudinal.TrackingModel.track_pair`.
        step_size
            As for :meth:`lesionlocator.SegmentationModel.segment`.
        options
            The thresholds of the timeline.
        progress
            Called after every registration (for which the lesion is 0) and every network call.

        Returns
        -------
        PatientCourse
            What became of each lesion: ``course.lesions[lesion_id].timepoints[k]``, 0 being the baseline.

        Raises
        ------
        InputError
            Where a scan, the prompts as a whole, the dates or the label maps cannot be used.
        ModelError
            Where the networks cannot be used.
        """
        if isinstance(kind_named(prompt_type), MaskKind):
            baseline, origin = None, _origin(prompts, scans)
        else:
            baseline = self._segmented(prompts, scans, prompt_type, canonical, step_size)
            origin = Origin(scans[0], baseline.masks)
            if not origin.masks:
                raise InputError(f"no prompt led to a lesion in {scans[0].name}")
        return follow(
            self.method(canonical=canonical, step_size=step_size, as_published=as_published),
            origin,
            scans[1:],
            baseline=baseline,
            dates=dates,
            labels=followup_labels,
            from_previous=from_previous,
            options=options,
            progress=progress,
        )

    def method(
        self, *, canonical: bool | None = None, step_size: float = 0.5, as_published: bool = False
    ) -> Method:
        """Return the way of tracking that the model allows; parameters are those of :meth:`track`."""
        if self._root is None:
            return Classical(self.segmenter, canonical=canonical, step_size=step_size)
        return Learned(self._networks, as_published=as_published, canonical=canonical)

    @cached_property
    def _networks(self) -> TrackingModel:
        if self._root is None:
            raise ModelError("the model has no learned registration")
        return load_tracking_model(self._root, **self._loading)

    def _segmented(
        self,
        prompts: object,
        scans: Sequence[Scan],
        prompt_type: str,
        canonical: bool | None,
        step_size: float,
    ) -> Segmentation:
        from lesionlocator.io import LabelMap
        from lesionlocator.prompts.kinds import PromptSet

        if not isinstance(prompts, (str, Path, LabelMap, PromptSet)):
            raise InputError(
                f"prompts are a {type(prompts).__name__}; legal with {prompt_type!r}: a PromptSet, a label "
                "map, or a file"
            )
        return self.segmenter.segment(
            _baseline(scans), prompts, prompt_type=prompt_type, canonical=canonical, step_size=step_size
        )


def uses_networks(root: Path | None, registration: str | None) -> bool:
    """Whether the tracking networks of a model are used.

    Raises
    ------
    InputError
        Where there is no such registration.
    ModelError
        Where they are asked for and the model has none, or it holds nothing that can be used.
    """
    if registration not in (None, *REGISTRATIONS):
        raise InputError(f"registration is {registration!r}; legal: {', '.join(map(repr, REGISTRATIONS))}")
    if registration == "learned" and root is None:
        raise ModelError(
            "the built-in model has no learned registration; give a checkpoint, or use classical registration"
        )
    if root is None or registration == "classical":
        return False
    try:
        tracking_folder(root)
    except ModelError:
        if registration == "learned":
            raise
        segmentation_folder(root, PromptKind.BOX.value)  # which must be there then
        return False
    return True


def _baseline(scans: Sequence[Scan]) -> Scan:
    if len(scans) < 2:
        raise InputError(f"{len(scans)} scans are given; legal: a baseline and at least one follow-up")
    return scans[0]


def _origin(prompts: object, scans: Sequence[Scan]) -> Origin:
    scan = _baseline(scans)
    if isinstance(prompts, (str, Path)):
        return read_origin([Path(prompts)], scan)
    if isinstance(prompts, Sequence):
        return read_origin([Path(path) for path in prompts], scan)
    return origin_of(prompts, scan)
