"""Small images as SimpleITK writes them, and with single bytes of their headers changed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def itk_image(array: NDArray[np.generic], *, vector: bool = False) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(array, isVector=vector)
    if image.GetDimension() == 3:
        image.SetSpacing((0.75, 0.5, 3.0))
        image.SetOrigin((-12.5, 7.25, -300.0))
        image.SetDirection((-1, 0, 0, 0, 0.8, 0.6, 0, -0.6, 0.8))
    return image


def write(path: Path, array: NDArray[np.generic], *, vector: bool = False) -> Path:
    SimpleITK.WriteImage(itk_image(array, vector=vector), str(path))
    return path


def itk(path: Path) -> NDArray[np.generic]:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def patched(path: Path, offset: int, form: str, *values: float) -> Path:
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, offset, *values)
    path.write_bytes(raw)
    return path
