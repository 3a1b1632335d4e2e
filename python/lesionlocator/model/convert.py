"""Writing the weights of published checkpoints as safetensors: the same bits, without what training left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError, ModelError, OutputError
from lesionlocator.io.files import write_atomically
from lesionlocator.model.folder import NetworkFolder, networks
from lesionlocator.model.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor

CONVERTED = "checkpoint_final.safetensors"


@dataclass(frozen=True)
class Conversion:
    """One fold: its file before and after, and their sizes in bytes."""

    source: Path
    target: Path
    bytes_before: int
    bytes_after: int


def convert_model(
    source: Path, target: Path, *, done: Callable[[Conversion], None] = lambda _fold: None
) -> list[Conversion]:
    """Write every network of a checkpoint folder with its weights as safetensors, in the same layout.

    Each tensor is stored once, in its own data type, and read again to compare the bits; optimizer state and
    second names are left out. What is safetensors already is copied.

    Parameters
    ----------
    source
        A checkpoint folder, or the folder of one network. It is not changed.
    target
        A folder that is not there yet, or empty.
    done
        Called after each fold.

    Raises
    ------
    ModelError
        Where there is no network, or weights cannot be read.
    InputError
        Where the target is not empty.
    OutputError
        Where it cannot be written.
    """
    found = networks(source)
    if not found:
        raise ModelError(f"{source}: holds no network: no plans.json beside fold_<number>")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: is there already; legal: a new or empty folder")
    conversions = []
    for network in found:
        inside = target / network.path.relative_to(source)
        for path in network.folds.values():
            conversions.append(_convert(path, inside / path.parent.name))
            done(conversions[-1])
        _copy_descriptions(network, inside)
    return conversions


def _convert(source: Path, folder: Path) -> Conversion:
    target = folder / CONVERTED
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(target) as partial:
            if source.suffix == ".safetensors":
                shutil.copyfile(source, partial)
            else:
                convert_weights(source, partial)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    return Conversion(source, target, source.stat().st_size, target.stat().st_size)


def convert_weights(source: Path, target: Path) -> None:
    """Write the weights of one file as safetensors, each tensor once and to the bit.

    Raises
    ------
    ModelError
        Where they cannot be read.
    OutputError
        Where what was written is not what was read.
    """
    from safetensors.torch import save_file

    weights = read_weights(source)
    # Shared storage is legal in a checkpoint and not in safetensors.
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in weights.parameters.items()}
    metadata = {"inference_allowed_mirroring_axes": json.dumps(list(weights.mirroring_axes))}
    save_file(tensors, target, metadata=metadata)
    _compare(tensors, target)


def _compare(tensors: dict[str, Tensor], target: Path) -> None:
    import torch
    from safetensors.torch import load_file

    again = load_file(target)
    for name, tensor in tensors.items():
        there = again[name]
        # As bytes, so that NaN equals itself and 0 differs from -0.
        if there.dtype != tensor.dtype or not torch.equal(_bytes(there), _bytes(tensor)):
            raise OutputError(f"{target}: {name} did not arrive as it was written")


def _bytes(tensor: Tensor) -> Tensor:
    import torch

    return tensor.reshape(-1).contiguous().view(torch.uint8)


def _copy_descriptions(network: NetworkFolder, target: Path) -> None:
    for name in ("plans.json", "dataset.json"):
        if (network.path / name).is_file():
            with write_atomically(target / name) as partial:
                shutil.copyfile(network.path / name, partial)
