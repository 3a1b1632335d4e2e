"""What the terminal shows of a model: facts of each network, and whether each of its files can be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lesionlocator.errors import LesionLocatorError, ModelError
from lesionlocator.model.folder import NetworkFolder, networks
from lesionlocator.model.store import BUILTIN_FOLDER, Provenance
from lesionlocator.model.weights import Weights, read_weights

_REGISTRATION = "reg_net."
_ROLES = {"bbox_optimized": "box prompts", "point_optimized": "point prompts", "all_prompts": "all prompts"}


def facts(folder: NetworkFolder, root: Path) -> list[str]:
    """Return what is worth knowing of a network, a line each.

    Raises
    ------
    ModelError
        Where its weights cannot be read.
    """
    weights = {fold: read_weights(path) for fold, path in folder.folds.items()}
    first = next(iter(weights.values()))
    known = {
        "answers": "tracking" if _tracks(first) else _ROLES.get(folder.path.name, "prompts"),
        "architecture": _architecture(folder),
        "parameters": f"{sum(tensor.numel() for tensor in first.parameters.values()):,} a fold",
        "patch": f"{_by(folder.plans.patch_size)} voxels (z, y, x)",
        "spacing": f"{_by(folder.plans.spacing)} mm (z, y, x)",
        "intensities": folder.plans.normalization.value,
        "resampling": folder.plans.image_resampling.family.value,
        "orientation": "canonical" if folder.plans.canonical_orientation else "as stored",
        **{f"fold {fold}": _fold(weights[fold]) for fold in folder.folds},
        "SHA-256": folder.checksum(list(folder.folds)),
    }
    return [_name(folder, root), *(f"  {name:<13} {value}" for name, value in known.items())]


def problems(root: Path) -> Iterator[tuple[str, str | None]]:
    """Load every fold of every network below a folder on the CPU, one at a time.

    Yields
    ------
    name, problem
        Of each fold; None where it can be used. Then what differs from the files that were installed.

    Raises
    ------
    ModelError
        Where there is no network at all, or the plans of one cannot be used.
    """
    found = networks(root)
    if not found:
        raise ModelError(f"{root}: holds no network: no plans.json beside fold_<number>")
    for folder in found:
        for fold, path in folder.folds.items():
            yield f"{_name(folder, root)}, fold {fold}", _problem(folder, fold, path)
    record = Provenance.read(root)
    if record is not None:
        differing = record.damaged(root)
        yield f"{len(record.files)} files as installed", "; ".join(differing) or None


def _problem(folder: NetworkFolder, fold: int, path: Path) -> str | None:
    import torch

    from lesionlocator.inference.ensemble import Ensemble
    from lesionlocator.tracking.ensemble import TrackingEnsemble

    try:
        weights = read_weights(path)
        damaged = [n for n, tensor in weights.parameters.items() if not torch.isfinite(tensor).all()]
        if damaged:
            return f"{path}: {damaged[0]} holds values that are not finite"
        kind = TrackingEnsemble if _tracks(weights) else Ensemble
        kind(folder, folds=[fold], device=torch.device("cpu"), mirroring=True)
    except LesionLocatorError as error:
        return str(error)
    return None


def _tracks(weights: Weights) -> bool:
    return any(name.startswith(_REGISTRATION) for name in weights.parameters)


def _name(folder: NetworkFolder, root: Path) -> str:
    name = folder.path.relative_to(root).as_posix()
    return name if name != "." else root.name


def _architecture(folder: NetworkFolder) -> str:
    architecture = folder.plans.architecture
    features = architecture.arguments.get("features_per_stage")
    stages = architecture.arguments.get("n_stages")
    return f"{architecture.name.rpartition('.')[2]}, {stages} stages, features {features}"


def _fold(weights: Weights) -> str:
    axes = "".join("zyx"[axis] for axis in weights.mirroring_axes) or "none"
    return f"{weights.path.name}, {mebibytes(weights.path.stat().st_size)}, mirrored along {axes}"


def _by(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:g}" for value in values)


def mebibytes(size: int) -> str:
    """Return a size in bytes as a person reads it."""
    return f"{size / 2**20:,.1f} MiB"


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def licence_of(folder: Path) -> str:
    """Return the licence of an installed model as its source says."""
    if folder == BUILTIN_FOLDER:
        return "Apache-2.0"
    record = Provenance.read(folder)
    return (record.licence if record else None) or "not stated"
