"""A segmentation model, loaded once for any number of scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError
from lesionlocator.inference.device import DeviceChoice, choose_device
from lesionlocator.inference.precision import choose_precision
from lesionlocator.model import NetworkFolder, segmentation_folder
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.progress import Progress
from lesionlocator.prompts.kinds import Kind, PromptKind, kind_named
from lesionlocator.results.provenance import ModelIdentity
from lesionlocator.segmentation.targets import Prompts, Targets
from lesionlocator.segmentation.work import ScanWork

if TYPE_CHECKING:
    from lesionlocator.inference.ensemble import Ensemble
    from lesionlocator.io import Scan
    from lesionlocator.results.segmentation import Segmentation


def load_model(
    folder: str | Path | None = None,
    *,
    device: str = "auto",
    folds: Sequence[int] | None = None,
    mirroring: bool = True,
    precision: str = "auto",
    compiled: bool = False,
) -> SegmentationModel:
    """Load a segmentation model.

    Parameters
    ----------
    folder
        A checkpoint folder in the published layout, or a downloaded model's id; None for the built-in one.
    device
        ``"auto"``, ``"cuda"``, ``"cuda:N"``, ``"mps"`` or ``"cpu"``.
    folds
        Which folds to average; all there are by default.
    mirroring
        Whether to average over the mirrorings that the model allows.
    precision
        ``"auto"`` (float16 on CUDA, else float32), ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    compiled
        Whether torch.compile is to make a program of each network, for which its first call takes a minute or
        more; it needs a C++ compiler.

    Raises
    ------
    ModelError
        Where the folder holds no usable model.
    DeviceError
        Where there is no such device, or it does not compute in this precision.
    """
    root = None if folder is None else Path(folder)
    chosen = choose_device(device)
    choose_precision(precision, chosen.device)  # refused before anything is loaded
    return SegmentationModel(
        root, chosen, folds=folds, mirroring=mirroring, precision=precision, compiled=compiled
    )


class SegmentationModel:
    """The networks for box and point prompts, each loaded when first needed and kept on the device.

    Use :func:`load_model` to make one.
    """

    def __init__(
        self,
        root: Path | None,
        device: DeviceChoice,
        *,
        folds: Sequence[int] | None,
        mirroring: bool,
        precision: str,
        compiled: bool,
    ) -> None:
        self.device = device
        self._root = root
        self._folds = folds
        self._mirroring = mirroring
        self._precision = precision
        self._compiled = compiled
        self._ensembles: dict[Path, Ensemble] = {}
        self._identities: dict[Kind, ModelIdentity] = {}

    def ensemble(self, kind: Kind) -> Ensemble:
        """Return the loaded networks for a kind of prompt.

        Raises
        ------
        ModelError
            Where the model has no usable network for it.
        """
        from lesionlocator.inference.ensemble import Ensemble

        folder = self.folder(kind)
        if folder.path not in self._ensembles:
            self._ensembles[folder.path] = Ensemble(
                folder,
                folds=self._folds,
                device=self.device.device,
                mirroring=self._mirroring,
                precision=self._precision,
                compiled=self._compiled,
            )
        return self._ensembles[folder.path]

    def folder(self, kind: Kind) -> NetworkFolder:
        """Return the files of the network for a kind of prompt."""
        return segmentation_folder(self._root, kind.value)

    def identity(self, kind: Kind) -> ModelIdentity:
        """Return which model answers a kind of prompt; its files are read when its checksum is asked for."""
        if kind not in self._identities:
            folder = self.folder(kind)
            folds = tuple(sorted(folder.chosen(self._folds)))
            self._identities[kind] = ModelIdentity(folder, folds, self._mirroring)
        return self._identities[kind]

    def segment(
        self,
        scan: Scan,
        prompts: Prompts,
        *,
        prompt_type: str | Kind = PromptKind.BOX,
        step_size: float = 0.5,
        canonical: bool | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Segmentation:
        """Segment the lesions that prompts point at.

        Parameters
        ----------
        scan
            The scan; its voxels are not modified.
        prompts
            Prompts in voxels of the scan as stored, a label map on its grid, or a file with either; or, for
            ``"prev_mask"``, masks of the scan's shape by lesion id.
        prompt_type
            ``"box"`` or ``"point"``: which prompt of each lesion is used, of a label map the box around each
            lesion or its centre. ``"prev_mask"``: the masks themselves, about where the lesions are, such as
            those of an earlier scan.
        step_size
            Distance of neighbouring tiles as a fraction of the patch, for prompts larger than a patch.
        canonical
            Whether the network sees the scan in superior, posterior, left axis order, so that a mask does not
            depend on how the scan is stored, or in the order it is stored in, as the published system does.
            None for what the model was trained for: canonical for the built-in model, else as stored.
        progress
            Called after every network call, from the thread that runs the networks.

        Returns
        -------
        Segmentation
            What became of each prompt, by lesion id.

        Raises
        ------
        InputError
            Where the scan or the prompts as a whole cannot be used. Single prompts that cannot be used are
            refused in the result.
        ModelError
            Where the model has no usable network for this kind of prompt.
        """
        work = self.prepare(scan, prompts, prompt_type=prompt_type, step_size=step_size, canonical=canonical)
        found = {lesion.lesion_id: lesion for lesion in work.run(progress)}
        return work.result(found)

    def prepare(
        self,
        scan: Scan,
        prompts: Prompts,
        *,
        prompt_type: str | Kind = PromptKind.BOX,
        step_size: float = 0.5,
        canonical: bool | None = None,
        boxes_are_drawn: bool = True,
    ) -> ScanWork:
        """Return the work that :meth:`segment` would do, lesion by lesion.

        Parameters
        ----------
        scan, prompts, prompt_type, step_size, canonical
            As for :meth:`segment`.
        boxes_are_drawn
            Whether a person drew the boxes around the lesions of this scan, so that models for which that
            says where a lesion ends may rely on it; boxes carried over from another scan do not say it.
        """
        kind = kind_named(prompt_type)
        if not 0 < step_size <= 1:
            raise InputError(f"step size is {step_size}, legal: above 0 and up to 1")
        grid = ModelGrid(scan, self.folder(kind).plans, canonical=canonical)
        return ScanWork(
            lambda: self.ensemble(kind),
            self.identity(kind),
            grid,
            Targets(prompts, kind, grid),
            kind=kind,
            step_size=step_size,
            within_boxes=boxes_are_drawn and kind is PromptKind.BOX and grid.plans.masks_within_boxes,
        )

    @property
    def takes_masks(self) -> bool:
        """Whether masks of about where lesions are can prompt the model, beside boxes and points."""
        return self.folder(PromptKind.BOX).plans.takes_masks
