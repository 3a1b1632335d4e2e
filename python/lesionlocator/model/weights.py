"""Reading weights without executing anything: published training checkpoints and safetensors."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

ALL_AXES = (0, 1, 2)
_DECODERS_ENCODER = "decoder.encoder."
_LISTED = ".all_modules."


@dataclass(frozen=True)
class Weights:
    """The parameters of one fold.

    Parameters
    ----------
    parameters
        Tensors by name; each tensor once, under its first name.
    mirroring_axes
        Spatial axes (0 z, 1 y, 2 x) along which the fold may be mirrored at inference; empty where the
        checkpoint allows none.
    path
        The file.
    """

    parameters: Mapping[str, Tensor]
    mirroring_axes: tuple[int, ...]
    path: Path

    def load_into(self, network: nn.Module) -> None:
        """Copy the parameters into a network.

        Raises
        ------
        ModelError
            Where names or shapes differ; the first few are named.
        """
        wanted = network.state_dict()
        missing = [name for name in wanted if name not in self.parameters]
        unknown = [name for name in self.parameters if name not in wanted]
        reshaped = [
            f"{name} {tuple(self.parameters[name].shape)} instead of {tuple(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in self.parameters and self.parameters[name].shape != tensor.shape
        ]
        for problem, names in (("missing", missing), ("unknown", unknown), ("of another shape", reshaped)):
            if names:
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                raise ModelError(f"{self.path}: weights {problem}: {', '.join(names[:3])}{more}")
        network.load_state_dict(self.parameters)


def read_weights(path: Path) -> Weights:
    """Read a published ``checkpoint_final.pth`` or a ``.safetensors`` file.

    Raises
    ------
    ModelError
        Where the file is missing or damaged, or its pickle asks for anything besides tensors, plain
        containers and NumPy scalars; what it asked for is named and nothing of it is executed.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    return _READERS[path.suffix](path)


def _read_safetensors(path: Path) -> Weights:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            parameters = {name: _as_stored(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118  # not a mapping
            axes = json.loads((file.metadata() or {}).get("inference_allowed_mirroring_axes", "null"))
    except (SafetensorError, ValueError, OSError) as error:
        raise ModelError(f"{path}: is not a readable safetensors file ({error})") from error
    return Weights(parameters, _axes(axes, path), path)


def _as_stored(tensor: Tensor) -> Tensor:
    """Return a tensor in its own type, numbers of half the size as float32, in which networks compute."""
    return tensor.float() if tensor.is_floating_point() and tensor.element_size() < 4 else tensor


def _read_checkpoint(path: Path) -> Weights:
    checkpoint = _unpickle(path)
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("network_weights"), Mapping):
        raise ModelError(f"{path}: is not a training checkpoint: it has no network_weights")
    strange = [name for name, value in checkpoint["network_weights"].items() if not hasattr(value, "shape")]
    if strange:
        raise ModelError(f"{path}: network_weights {strange[0]!r} is no tensor")
    return Weights(
        _one_name_each(checkpoint["network_weights"]),
        _axes(checkpoint.get("inference_allowed_mirroring_axes"), path),
        path,
    )


def _unpickle(path: Path) -> Any:
    import torch
    from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path}: is not a torch checkpoint, or only part of one")
    try:
        with safe_globals(_numpy_scalars()):
            refused = sorted(set(get_unsafe_globals_in_checkpoint(path)))
            if refused:
                raise ModelError(
                    f"{path}: refused, the file asks for {', '.join(refused)}; legal: tensors and numbers"
                )
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        AttributeError,
    ) as error:
        raise ModelError(f"{path}: cannot be read as a checkpoint ({str(error).splitlines()[0]})") from error


def _numpy_scalars() -> list[Any]:
    """Return what a pickled NumPy number needs: its constructor under both of its names, and its dtypes."""
    scalar = np.float64(0).__reduce__()[0]
    constructors = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    dtypes = [type(np.dtype(code)) for code in (np.float64, np.float32)]
    return [*constructors, np.dtype, *dtypes]


def _one_name_each(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return each tensor once, under its first name.

    Units list their parts a second time, and the decoder its encoder. The published file may hold these
    names as copies; where copies differ, the network that wrote the file assigns them in the order of its
    modules, so that the decoder's and the listed ones are those that count. A tracking checkpoint holds
    them behind a prefix.
    """
    in_order = sorted(parameters, key=lambda name: (_DECODERS_ENCODER in name, _LISTED in name))
    return {_first_name(name): parameters[name] for name in in_order}


def _first_name(name: str) -> str:
    name = name.replace(_DECODERS_ENCODER, "encoder.")
    return name.replace(f"{_LISTED}0.", ".conv.").replace(f"{_LISTED}1.", ".norm.")


def _axes(value: object, path: Path) -> tuple[int, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or any(axis not in ALL_AXES for axis in value):
        raise ModelError(f"{path}: inference_allowed_mirroring_axes is {value!r}, legal: some of 0, 1, 2")
    return tuple(sorted({int(axis) for axis in value}))


_READERS = {".pth": _read_checkpoint, ".safetensors": _read_safetensors}
