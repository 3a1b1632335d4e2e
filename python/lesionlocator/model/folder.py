"""Where a model's files are: the published checkpoint layout, and the built-in model in the same layout."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lesionlocator.errors import ModelError
from lesionlocator.model.plans import Plans
from lesionlocator.model.store import BUILTIN_FOLDER, find_model

_SEGMENTATION = "LesionLocatorSeg"
_TRACKING = "LesionLocatorTrack"
_ANY_PROMPT = "all_prompts"
_OPTIMIZED_FOR = {"box": "bbox_optimized", "point": "point_optimized"}
_WEIGHTS = ("checkpoint_final.safetensors", "checkpoint_final.pth")


@dataclass(frozen=True)
class NetworkFolder:
    """One trained network: its plans and the weights of its folds.

    Parameters
    ----------
    path
        The folder.
    plans
        What plans.json says.
    folds
        Weight files by fold number.
    """

    path: Path
    plans: Plans
    folds: dict[int, Path]

    @classmethod
    def open(cls, path: Path) -> NetworkFolder:
        """Read the plans of a folder and find its folds.

        Raises
        ------
        ModelError
            Where the plans are unusable or no fold holds weights.
        """
        folds = {}
        for folder in sorted(path.glob("fold_*")):
            number = folder.name.removeprefix("fold_")
            files = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
            if number.isdecimal() and files:
                folds[int(number)] = files[0]
        if not folds:
            raise ModelError(f"{path}: no fold_<number> folder with {' or '.join(_WEIGHTS)}")
        return cls(path, Plans.read(path / "plans.json"), folds)

    def chosen(self, folds: Sequence[int] | None) -> dict[int, Path]:
        """Return the weight files of the folds asked for, or of all where ``folds`` is None.

        Raises
        ------
        ModelError
            Where a fold is not there; those that are there are named.
        """
        if folds is None:
            return self.folds
        missing = [fold for fold in folds if fold not in self.folds]
        if missing or not folds:
            there = ", ".join(map(str, sorted(self.folds)))
            raise ModelError(f"{self.path}: no fold {', '.join(map(str, missing))}; there are: {there}")
        return {fold: self.folds[fold] for fold in dict.fromkeys(folds)}

    def checksum(self, folds: Sequence[int]) -> str:
        """Return the SHA-256 over the plans and the weights of some folds, which names this very model."""
        digest = hashlib.sha256((self.path / "plans.json").read_bytes())
        for fold in sorted(folds):
            with self.folds[fold].open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()


def segmentation_folder(root: Path | None, prompt: str) -> NetworkFolder:
    """Find the segmentation network for a kind of prompt.

    Parameters
    ----------
    root
        A checkpoint folder in the published layout (or its ``LesionLocatorSeg``), or the id of a downloaded
        model; None for the built-in model.
    prompt
        ``"box"``, ``"point"`` or ``"prev_mask"``.

    Raises
    ------
    ModelError
        Where the folder or the network for this prompt is not there.
    """
    found = NetworkFolder.open(segmentation_path(root, prompt))
    if prompt not in _OPTIMIZED_FOR and not found.plans.takes_masks:
        raise ModelError(f"{found.path}: was not trained with {prompt} prompts; legal: box, point")
    return found


def segmentation_path(root: Path | None, prompt: str) -> Path:
    """Return the folder of the segmentation network for a kind of prompt, unread.

    Parameters and errors are those of :func:`segmentation_folder`.
    """
    root = BUILTIN_FOLDER if root is None else find_model(root)
    base = root / _SEGMENTATION if (root / _SEGMENTATION).is_dir() else root
    names = [name for name in (_OPTIMIZED_FOR.get(prompt), _ANY_PROMPT) if name]
    for name in names:
        if (base / name).is_dir():
            return base / name
    expected = " or ".join(f"{base.name}/{name}" for name in names)
    raise ModelError(f"{root}: no model for {prompt} prompts: expected {expected}")


def tracking_folder(root: Path) -> NetworkFolder:
    """Find the tracking network.

    Parameters
    ----------
    root
        A checkpoint folder in the published layout, or its ``LesionLocatorTrack``, or the id of a downloaded
        model.

    Raises
    ------
    ModelError
        Where the folder or the network is not there.
    """
    root = find_model(root)
    if (root / _TRACKING).is_dir():
        return NetworkFolder.open(root / _TRACKING)
    if (root / "plans.json").is_file():
        return NetworkFolder.open(root)
    raise ModelError(f"{root}: no tracking model: expected {_TRACKING}")


def networks(root: Path) -> list[NetworkFolder]:
    """Return all networks at or below a folder, by path: those with a plans.json beside fold folders.

    Raises
    ------
    ModelError
        Where the plans of one are unusable.
    """
    found = sorted(path.parent for path in root.rglob("plans.json"))
    return [NetworkFolder.open(path) for path in found if any(path.glob("fold_*"))]
