"""DICOM series made from phantoms, in every way a scanner or an archive may hand them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

from lesionlocator.geometry import Box, Geometry
from lesionlocator.results.lesion import LesionMask

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
RLE = str(RLELossless)
INTERCEPT = -1024
NAME, NUMBER = "Quixote^Alonso", "MRN-4711"
"""What may never be seen in a log."""

Change = Callable[[FileDataset, int], None]


def uid(*parts: object) -> str:
    return generate_uid(entropy_srcs=[str(part) for part in parts])


def phantom(shape: tuple[int, int, int] = (8, 16, 16), seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-200, 200, shape).astype(np.int16)


def slices(
    voxels: np.ndarray[Any, Any],
    geometry: Geometry,
    *,
    series: str = "series",
    study_date: str = "20240110",
    patient: str = NUMBER,
    number: int = 3,
) -> Iterator[FileDataset]:
    """Datasets of a series, first slice first; stored are unsigned numbers, with an intercept."""
    row, column, _ = np.reshape(geometry.direction_lps, (3, 3)).T
    for z, image in enumerate(voxels):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CT
        meta.MediaStorageSOPInstanceUID = uid(series, z)
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = CT, meta.MediaStorageSOPInstanceUID
        one.SeriesInstanceUID, one.StudyInstanceUID = uid(series), uid(study_date, patient)
        one.FrameOfReferenceUID = uid("frame", study_date, patient)
        one.PatientID, one.PatientName, one.PatientBirthDate, one.PatientSex = patient, NAME, "15470929", "M"
        one.StudyDate = one.SeriesDate = one.ContentDate = study_date
        one.StudyTime = one.SeriesTime = one.ContentTime = "101112"
        one.AccessionNumber, one.ReferringPhysicianName, one.StudyID = "ACC-1", "Panza^Sancho", "1"
        one.Modality, one.SeriesNumber, one.InstanceNumber = "CT", number, z + 1
        one.SeriesDescription, one.ImageType = "Venous 2.0", ["ORIGINAL", "PRIMARY", "AXIAL"]
        one.Manufacturer, one.ConvolutionKernel, one.ContrastBolusAgent = "Maker", "B30f", "Iomeprol"
        one.KVP, one.AcquisitionNumber, one.PositionReferenceIndicator = 120, 1, ""
        one.Rows, one.Columns = image.shape
        one.PixelSpacing = [geometry.spacing[1], geometry.spacing[2]]
        one.SliceThickness = geometry.spacing[0]
        one.ImageOrientationPatient = [*row.tolist(), *column.tolist()]
        one.ImagePositionPatient = geometry.voxel_to_lps((z, 0, 0)).tolist()
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
        one.RescaleSlope, one.RescaleIntercept, one.RescaleType = 1, INTERCEPT, "HU"
        one.PixelData = (image.astype(np.int32) - INTERCEPT).astype(np.uint16).tobytes()
        yield one


def write_series(
    folder: Path,
    voxels: np.ndarray[Any, Any],
    geometry: Geometry,
    *,
    change: Change | None = None,
    transfer: str | None = None,
    names: Callable[[int], str] = "CT.{}".format,
    **tags: Any,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for z, one in enumerate(slices(voxels, geometry, **tags)):
        if change is not None:
            change(one, z)
        if transfer is not None:
            compress(one, transfer, folder)
        one.save_as(folder / names(z), enforce_file_format=True)
    return folder


def compress(one: FileDataset, transfer: str, scratch: Path) -> None:
    if transfer in (RLE, JPEG_LS):
        one.compress(transfer)
        return
    # GDCM, by way of SimpleITK, writes what pydicom cannot; its fragments are taken over.
    stored = np.frombuffer(one.PixelData, np.uint16).reshape(1, one.Rows, one.Columns)
    path = scratch / "scratch.dcm"
    writer = SimpleITK.ImageFileWriter()
    writer.SetFileName(str(path))
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor({JPEG_LOSSLESS: "JPEG", JPEG_2000: "JPEG2000"}[transfer])
    writer.Execute(SimpleITK.GetImageFromArray(stored))
    written = pydicom.dcmread(path)
    assert written.file_meta.TransferSyntaxUID == transfer
    frames = list(generate_frames(BytesIO(written.PixelData), number_of_frames=1))
    one.PixelData = encapsulate(frames)
    one["PixelData"].is_undefined_length = True
    one.file_meta.TransferSyntaxUID = transfer
    one.BitsStored, one.HighBit = written.BitsStored, written.HighBit
    path.unlink()


def write_multiframe(path: Path, voxels: np.ndarray[Any, Any], geometry: Geometry, **tags: Any) -> Path:
    """An Enhanced CT with its frames in another order than that of their positions."""
    parts = list(slices(voxels, geometry, **tags))
    parts = parts[1::2] + parts[::2]
    one = parts[0]
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = ENHANCED_CT
    one.NumberOfFrames = len(parts)
    one.PixelData = b"".join(part.PixelData for part in parts)
    shared, per_frame = pydicom.Dataset(), []
    shared.PixelMeasuresSequence = [_item(one, "PixelSpacing", "SliceThickness")]
    shared.PlaneOrientationSequence = [_item(one, "ImageOrientationPatient")]
    shared.PixelValueTransformationSequence = [_item(one, "RescaleSlope", "RescaleIntercept", "RescaleType")]
    for part in parts:
        frame = pydicom.Dataset()
        frame.PlanePositionSequence = [_item(part, "ImagePositionPatient")]
        per_frame.append(frame)
    one.SharedFunctionalGroupsSequence, one.PerFrameFunctionalGroupsSequence = [shared], per_frame
    for keyword in [
        "PixelSpacing",
        "SliceThickness",
        "ImageOrientationPatient",
        "ImagePositionPatient",
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
    ]:
        delattr(one, keyword)
    path.parent.mkdir(parents=True, exist_ok=True)
    one.save_as(path, enforce_file_format=True)
    return path


def _item(dataset: pydicom.Dataset, *keywords: str) -> pydicom.Dataset:
    item = pydicom.Dataset()
    for keyword in keywords:
        setattr(item, keyword, dataset[keyword].value)
    return item


def oblique(shape: tuple[int, int, int] = (8, 16, 16)) -> Geometry:
    """Anisotropic, tilted about two axes, feet first: rows run to the patient's right, slices downwards."""
    a, b = 0.3, 0.2
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    direction = lean @ turn @ np.diag([-1.0, 1.0, -1.0])
    return Geometry(shape, (2.5, 0.7, 0.9), (12.5, -40.25, 30.5), tuple(direction.ravel().tolist()))


def balls(
    shape: tuple[int, int, int], places: dict[int, tuple[tuple[int, int, int], int]]
) -> dict[int, LesionMask]:
    """Masks by lesion id: all voxels within a radius (in voxels) of a centre."""
    masks = {}
    for lesion, (centre, radius) in places.items():
        start = tuple(max(0, c - radius) for c in centre)
        stop = tuple(min(n, c + radius + 1) for c, n in zip(centre, shape, strict=True))
        axes = np.ogrid[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
        inside = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)) <= radius**2
        region = np.ascontiguousarray(inside, np.uint8)
        masks[lesion] = LesionMask(shape, Box(start, stop), region, np.zeros(region.shape, np.float32))
    return masks
