"""The header of a NIfTI-1 file: checked where it is read, and built so that ITK reads back the same grid."""

from __future__ import annotations

import math
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError, OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Triple

HEADER_BYTES = 348
VOXEL_OFFSET = 352
_MAGIC = b"n+1\0"
_MILLIMETRES = 2
_SCANNER = 1  # the transforms lead to scanner coordinates
_DTYPES = {
    2: "u1",
    256: "i1",
    4: "i2",
    512: "u2",
    8: "i4",
    768: "u4",
    1024: "i8",
    1280: "u8",
    16: "f4",
    64: "f8",
}
_OTHER_TYPES = {
    1: "binary",
    32: "complex",
    1792: "complex",
    2048: "complex",
    128: "RGB",
    2304: "RGBA",
    1536: "float128",
}


@dataclass(frozen=True)
class NiftiHeader:
    """What a NIfTI-1 header says of the voxels that follow it.

    Parameters
    ----------
    shape
        Voxels along z, y, x.
    dtype
        Type and byte order of the stored numbers.
    offset
        First byte of the voxels in the (uncompressed) file.
    slope, intercept
        A voxel's value is ``slope * stored + intercept``.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def voxel_bytes(self) -> int:
        """Number of bytes of all voxels."""
        return math.prod(self.shape) * self.dtype.itemsize


def parse_header(raw: bytes) -> NiftiHeader:
    """Check the first 348 bytes of a NIfTI-1 file.

    Raises
    ------
    InputError
        Where they are not the header of a NIfTI-1 image of three dimensions with one real number for each
        voxel, or a spacing is not positive.
    """
    if len(raw) < HEADER_BYTES:
        raise InputError(f"is no NIfTI image: {len(raw)} bytes, less than a header of {HEADER_BYTES}")
    order = next((order for order in "<>" if struct.unpack_from(f"{order}i", raw)[0] == HEADER_BYTES), None)
    if order is None or raw[344:348] != _MAGIC:
        raise InputError("is no NIfTI-1 image in one file (magic number missing)")
    (code,) = struct.unpack_from(f"{order}h", raw, 70)
    if code not in _DTYPES:
        kind = _OTHER_TYPES.get(code, "unknown type")
        raise InputError(f"voxels are {kind} (datatype {code}); legal: one real number for each voxel")
    offset, slope, intercept = struct.unpack_from(f"{order}3f", raw, 108)
    _check_spacing(struct.unpack_from(f"{order}3f", raw, 80))
    return NiftiHeader(
        _shape(struct.unpack_from(f"{order}8h", raw, 40)),
        np.dtype(order + _DTYPES[code]),
        _offset(offset),
        # What is not finite, and a slope of next to 0, count as not given, as they do to ITK.
        slope if math.isfinite(slope) and abs(slope) >= sys.float_info.epsilon else 1.0,
        intercept if math.isfinite(intercept) else 0.0,
    )


def build_header(geometry: Geometry, dtype: np.dtype[Any]) -> bytes:
    """Return the 352 bytes that come before the voxels of a mask.

    Raises
    ------
    OutputError
        Where an axis is too long for NIfTI-1.
    """
    if max(geometry.shape) > np.iinfo(np.int16).max:
        raise OutputError(f"shape {geometry.shape} (z, y, x) is beyond NIfTI-1, which ends at 32767 voxels")
    code = next(code for code, name in _DTYPES.items() if np.dtype(name) == dtype)
    to_ras = np.diag([-1.0, -1.0, 1.0]) @ np.reshape(geometry.direction_lps, (3, 3))
    offset = np.array([-1.0, -1.0, 1.0]) * geometry.origin_lps
    spacing = geometry.spacing[::-1]
    quaternion, handedness = _quaternion(to_ras)
    raw = bytearray(VOXEL_OFFSET)
    struct.pack_into("<i", raw, 0, HEADER_BYTES)
    struct.pack_into("<8h", raw, 40, 3, *geometry.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", raw, 70, code, 8 * dtype.itemsize)
    struct.pack_into("<8f", raw, 76, handedness, *spacing, 0, 0, 0, 0)
    struct.pack_into("<3f", raw, 108, VOXEL_OFFSET, 1, 0)
    raw[123] = _MILLIMETRES
    struct.pack_into("<2h6f", raw, 252, _SCANNER, _SCANNER, *quaternion, *offset)
    struct.pack_into("<12f", raw, 280, *np.column_stack([to_ras * spacing, offset]).ravel())
    raw[344:348] = _MAGIC
    return bytes(raw)


def _quaternion(direction: NDArray[np.float64]) -> tuple[Triple, float]:
    """Return the vector part of the rotation nearest to a direction matrix, and -1 where z is mirrored."""
    u, _, v = np.linalg.svd(direction)
    rotation = u @ v
    handedness = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation[:, 2] *= handedness
    # The eigenvector of the largest eigenvalue is exact for half turns too, where the trace says nothing.
    r = rotation
    symmetric = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], np.trace(r)],
        ]
    )
    b, c, d, a = np.linalg.eigh(symmetric, UPLO="L").eigenvectors[:, -1]
    sign = -1.0 if a < 0 else 1.0
    return (sign * b, sign * c, sign * d), handedness


def _shape(dim: tuple[int, ...]) -> tuple[int, int, int]:
    dimension, sizes = dim[0], dim[1 : dim[0] + 1]
    if not 1 <= dimension <= 7 or min(sizes) < 1:
        raise InputError(f"header is damaged: dim is {dim}; legal: 1 to 7, then that many positive sizes")
    if dimension >= 5 and sizes[4] != 1:
        raise InputError(f"voxels are vectors of {sizes[4]} numbers; legal: one real number for each voxel")
    if dimension < 3 or any(n != 1 for n in sizes[3:]):
        shape = tuple(reversed(sizes))
        raise InputError(f"image has {dimension} dimensions, shape {shape}; legal: 3 (z, y, x)")
    return sizes[2], sizes[1], sizes[0]


def _check_spacing(spacing: tuple[float, ...]) -> None:
    if not all(math.isfinite(mm) and mm > 0 for mm in spacing):
        raise InputError(f"spacing (x, y, z) is {spacing} mm; legal: positive and finite")


def _offset(value: float) -> int:
    if not math.isfinite(value):
        raise InputError(f"header is damaged: voxel offset is {value}")
    return max(int(value), HEADER_BYTES)
