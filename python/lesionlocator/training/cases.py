"""The images and instance maps that a training learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.io import pair_cases
from lesionlocator.io.channels import CHANNEL_SUFFIX, channel_files


@dataclass(frozen=True)
class TrainingCase:
    """A case: one image file for each channel, and the label map of its lesions."""

    name: str
    images: tuple[Path, ...]
    labels: Path


def find_cases(images: Path, labels: Path) -> list[TrainingCase]:
    """Pair images with label maps by name; ``<case>_0000``, ``<case>_0001``, ... are channels of one case.

    Raises
    ------
    InputError
        Where a folder does not exist, an image has no label map or a label map no image, or cases differ in
        their number of channels.
    """
    paired, unpaired = pair_cases(images, labels)
    further = {path for case in paired for path in channel_files(case.image)[1:]}
    lonely = [one for one in unpaired if not any(path.name.startswith(f"{one.name}.") for path in further)]
    if lonely:
        raise InputError(f"{images}: {lonely[0].name}: {lonely[0].reason}".replace("prompt", "label map"))
    cases = [
        TrainingCase(case.name.removesuffix(CHANNEL_SUFFIX), channel_files(case.image), case.prompts)
        for case in paired
        if case.image not in further
    ]
    counts = {len(case.images) for case in cases}
    if len(counts) > 1:
        few, many = (next(c for c in cases if len(c.images) == n) for n in (min(counts), max(counts)))
        raise InputError(
            f"{images}: {few.name} has {len(few.images)} channels, {many.name} has {len(many.images)}"
        )
    return cases


def nnunet_cases(dataset: Path) -> list[TrainingCase]:
    """Return the training cases of a folder in nnU-Net's raw layout.

    Raises
    ------
    InputError
        Where imagesTr or labelsTr is missing, or as in :func:`find_cases`.
    """
    for name in ("imagesTr", "labelsTr"):
        if not (dataset / name).is_dir():
            raise InputError(f"{dataset}: has no folder {name}; expected nnU-Net's raw layout")
    return find_cases(dataset / "imagesTr", dataset / "labelsTr")
