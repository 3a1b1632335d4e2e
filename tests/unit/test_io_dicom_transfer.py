"""Every encoding of pixels that is said to be readable is read; lossy ones as near as they are."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate

from dicom_cases import INTERCEPT, JPEG_LOSSLESS, compress, oblique, slices, write_series
from lesionlocator.errors import InputError
from lesionlocator.io import read_scan
from lesionlocator.io.dicom import find_series

IMPLICIT, DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS_ANY, JPEG_LS_NEAR, JPEG_2000_LOSSY = (f"1.2.840.10008.1.2.4.{n}" for n in (57, 81, 91))
SHAPE = (6, 16, 24)
z, y, x = np.indices(SHAPE)
SMOOTH = (4 * z + 3 * y + 5 * x - 20).astype(np.int16)
"""Of 0 to 220 above the least value, so that 8 bits hold it, and without any symmetry."""


def stored(one: pydicom.Dataset) -> np.ndarray:
    return np.frombuffer(one.PixelData, np.uint16).reshape(one.Rows, one.Columns)


def in_8_bits(one: pydicom.Dataset, options: dict[str, object], transfer: str) -> bytes:
    one.BitsAllocated, one.BitsStored, one.HighBit = 8, 8, 7
    values = stored(one).astype(int) + INTERCEPT + 20
    one.RescaleIntercept = -20
    stream = BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(stream, "JPEG", **options)
    one.LossyImageCompression = "01"
    # A baseline stream is an extended one as well, under another marker.
    return (
        stream.getvalue().replace(b"\xff\xc0", b"\xff\xc1")
        if transfer == JPEG_EXTENDED
        else stream.getvalue()
    )


def encode(one: pydicom.FileDataset, transfer: str, scratch: Path) -> None:
    if transfer in (JPEG_BASELINE, JPEG_EXTENDED):
        one.PixelData = encapsulate([in_8_bits(one, {"quality": 98}, transfer)])
    elif transfer == JPEG_LS_NEAR:
        one.compress(JPEG_LS_NEAR, jls_error=2)
    elif transfer == JPEG_2000_LOSSY:
        stream = BytesIO()
        Image.fromarray(stored(one)).save(stream, "JPEG2000", irreversible=True, no_jp2=True)
        one.PixelData = encapsulate([stream.getvalue()])
    elif transfer == JPEG_LOSSLESS_ANY:
        compress(one, JPEG_LOSSLESS, scratch)  # first-order prediction is one of all predictions
    elif transfer == BIG_ENDIAN:
        one.PixelData = stored(one).byteswap().tobytes()
        one["PixelData"].VR = "OW"
    one.file_meta.TransferSyntaxUID = transfer
    if transfer not in (IMPLICIT, DEFLATED, BIG_ENDIAN):
        one["PixelData"].is_undefined_length = True


@pytest.mark.parametrize(
    ("transfer", "error"),
    [
        (IMPLICIT, 0),
        (DEFLATED, 0),
        (BIG_ENDIAN, 0),
        (JPEG_LOSSLESS_ANY, 0),
        (JPEG_BASELINE, 3),
        (JPEG_EXTENDED, 3),
        (JPEG_LS_NEAR, 2),
        (JPEG_2000_LOSSY, 3),
    ],
)
def test_pixels_are_those_that_went_in(tmp_path: Path, transfer: str, error: int) -> None:
    (tmp_path / "scan").mkdir()
    for number, one in enumerate(slices(SMOOTH, oblique(SHAPE))):
        encode(one, transfer, tmp_path)
        pydicom.dcmwrite(tmp_path / "scan" / f"{number}", one, enforce_file_format=True)
    assert pydicom.dcmread(tmp_path / "scan" / "0").file_meta.TransferSyntaxUID == transfer
    difference = read_scan(tmp_path / "scan").voxels.astype(int) - SMOOTH
    assert np.abs(difference).max() <= error


@pytest.mark.parametrize("transfer", ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.102"])
def test_other_encodings_are_refused_by_name_before_pixels_are_read(tmp_path: Path, transfer: str) -> None:
    def change(one: pydicom.FileDataset, _: int) -> None:
        one.PixelData = encapsulate([b"something"])
        one["PixelData"].is_undefined_length = True
        one.file_meta.TransferSyntaxUID = transfer

    folder = write_series(tmp_path / "scan", SMOOTH, oblique(SHAPE), change=change)
    assert "encoded as" in str(find_series(folder).series[0].problem)
    with pytest.raises(
        InputError, match=f"CT.0: pixels are encoded as {transfer}; legal: uncompressed"
    ) as told:
        read_scan(folder)
    assert "\n" not in str(told.value)


def test_streams_that_are_not_what_they_claim_are_refused_by_file(tmp_path: Path) -> None:
    def change(one: pydicom.FileDataset, _: int) -> None:
        one.PixelData = encapsulate([b"no such stream"])
        one["PixelData"].is_undefined_length = True
        one.file_meta.TransferSyntaxUID = JPEG_BASELINE

    folder = write_series(tmp_path / "scan", SMOOTH, oblique(SHAPE), change=change)
    with pytest.raises(InputError, match=r"CT\.0: pixels cannot be read: damaged or truncated"):
        read_scan(folder)
