"""The one door to SimpleITK's readers: quiet, header first, its errors in our words."""

from __future__ import annotations

import itertools
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.geometry import Geometry
from lesionlocator.io.files import ending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_WARNINGS_LOCK = threading.Lock()
_NRRD_MAX_FIELDS = 1000


def read_geometry(path: Path) -> Geometry:
    """Read the grid of a 3D image with one real number for each voxel.

    Raises
    ------
    InputError
        Where the file is no such image.
    """
    with _itk(path) as sitk:
        reader = _reader(sitk, path)
        reader.ReadImageInformation()
        _check_scalar(sitk, reader, path)
        geometry = _geometry(reader, path)
    if ending(path).lower() == ".nrrd":
        _check_nrrd_spacing(path)
    return geometry


def read_voxels(path: Path, *, image_io: str | None = None) -> NDArray[Any]:
    """Read the voxels of a 3D image, shape (z, y, x), in the dtype of the file.

    Parameters
    ----------
    path
        The file.
    image_io
        Which of ITK's readers to use; found by ending and content by default.

    Raises
    ------
    InputError
        Where the voxels cannot be read.
    """
    with _itk(path) as sitk:
        reader = _reader(sitk, path)
        if image_io is not None:
            reader.SetImageIO(image_io)
        array: NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    return array.reshape(array.shape[-3:])


def _reader(sitk: Any, path: Path) -> Any:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    return reader


def _check_scalar(sitk: Any, reader: Any, path: Path) -> None:
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelIDValue())
    if reader.GetNumberOfComponents() != 1 or not re.fullmatch(r"\d+-bit (.*integer|float)", kind):
        raise InputError(f"{path}: voxels are of type {kind}; legal: one real number for each voxel")


def _check_nrrd_spacing(path: Path) -> None:
    """Refuse the NaN that stands for an unknown spacing, for which ITK takes 1 mm."""
    with path.open("rb") as file:
        header = itertools.takewhile(bytes.strip, itertools.islice(file, _NRRD_MAX_FIELDS))
        fields = [line.decode("ascii", "replace").lower() for line in header]
    for name, _, values in (field.partition(":") for field in fields):
        if name in {"spacings", "space directions"} and {"nan", "none"} & set(values.split()[:3]):
            raise InputError(f"{path}: {name} are {values.strip()}; legal: known, positive and finite (mm)")


def _geometry(reader: Any, path: Path) -> Geometry:
    size, dimension = reader.GetSize(), reader.GetDimension()
    if dimension < 3 or any(n != 1 for n in size[3:]):
        shape = tuple(reversed(size))
        raise InputError(f"{path}: image has {dimension} dimensions, shape {shape}; legal: 3 (z, y, x)")
    direction = np.reshape(reader.GetDirection(), (dimension, dimension))[:3, :3]
    try:
        return Geometry(
            (size[2], size[1], size[0]),
            tuple(reversed(reader.GetSpacing()[:3])),
            tuple(value + 0.0 for value in reader.GetOrigin()[:3]),  # -0.0 becomes 0.0
            tuple(value + 0.0 for value in direction.ravel().tolist()),
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


@contextmanager
def _itk(path: Path) -> Iterator[Any]:
    """Give SimpleITK with its warnings off, and turn its errors into ours.

    The switch is one for the whole process, so only one thread may be inside, and it is put back.
    """
    import SimpleITK

    sitk: Any = SimpleITK  # SWIG wrappers have no types
    with _WARNINGS_LOCK:
        shown = sitk.ProcessObject.GetGlobalWarningDisplay()
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            yield sitk
        except RuntimeError as error:
            raise InputError(f"{path}: {_reason(str(error))}") from error
        finally:
            sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def _reason(message: str) -> str:
    if re.search(r"spacing", message, re.IGNORECASE):
        return "spacing is zero or no number; legal: positive and finite (mm)"
    if "Unable to determine ImageIO" in message:
        return "is no image that can be read (wrong format or damaged header)"
    # MetaImage gives the errno of some earlier call as the reason.
    lines = [line.strip() for line in message.splitlines() if line.strip() and not line.startswith("Reason:")]
    last = re.sub(r"^((sitk|itk)::ERROR: |ITK ERROR: )?(\w+\(0x[0-9a-f]+\): )?", "", lines[-1])
    return f"cannot be read ({last})"
