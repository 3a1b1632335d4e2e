"""What the user of the segmentation command asked for, and what a run tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.cli.case_run import Outputs
from lesionlocator.cli.engine_options import EngineOptions
from lesionlocator.prompts.kinds import Kind
from lesionlocator.run_settings import segmentation_settings, surroundings

if TYPE_CHECKING:
    from lesionlocator.segmentation import SegmentationModel


@dataclass(frozen=True)
class SegmentOptions:
    """What the user asked for.

    Parameters
    ----------
    images, prompts, output
        File or folder, file or folder, folder.
    kind
        Which prompt of each lesion is used.
    engine
        Which networks are used, and how they run.
    series
        UID or number of a DICOM series; None for the only one that can be meant.
    outputs
        What to write.
    resume
        Whether to keep what an earlier run has done.
    command
        The command line.
    """

    images: Path
    prompts: Path
    output: Path
    kind: Kind
    engine: EngineOptions
    series: str | None
    outputs: Outputs
    resume: bool
    command: tuple[str, ...]

    def settings(self, model: SegmentationModel) -> dict[str, Any]:
        """Return what decides the results of a run."""
        settings = segmentation_settings(
            self.outputs.dicom.told_model(model.identity(self.kind)),
            self.kind,
            step_size=self.engine.step_size,
            series=self.outputs.dicom.told_series(self.series),
            precision=self.engine.precision,
            canonical=self.engine.canonical,
        )
        return settings | ({"deidentified": True} if self.outputs.dicom.deidentify else {})

    def environment(self, model: SegmentationModel) -> dict[str, Any]:
        """Return what a run happens in, for its record."""
        told = {
            "images": str(self.images),
            "prompts": str(self.prompts),
            "output": str(self.output),
            "per_lesion": self.outputs.per_lesion,
            "labelmap": self.outputs.labelmap,
            "resume": self.resume,
        }
        return surroundings(
            model.device, command=self.command, options=told, deidentify=self.outputs.dicom.deidentify
        )

    def facts(self, model: SegmentationModel) -> dict[str, str]:
        """Return which model runs where, in words for the user."""
        identity, device = self.outputs.dicom.told_model(model.identity(self.kind)), model.device
        folds = ", ".join(map(str, identity.folds))
        mirroring = "mirrored" if identity.mirroring else "not mirrored"
        plural = "s" * (len(identity.folds) != 1)
        return {
            "model": f"{identity.name}, fold{plural} {folds}, {mirroring}",
            "device": f"{device.device} ({device.reason})",
        }
