"""The header of a DICOM file, as far as it says what is in it and where; pixels stay unread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO

from lesionlocator.errors import InputError
from lesionlocator.geometry import Triple
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.io.dicom.locations import opened
from lesionlocator.io.dicom.source import DicomSource

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_IMAGES = frozenset(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "2.1", "2.2", "4", "4.1", "128", "130"))
"""Storage of images of CT, MR and PET, single and enhanced."""
_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "StudyDate",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "ImageType",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "RescaleSlope",
    "RescaleIntercept",
    "ConvolutionKernel",
    "ContrastBolusAgent",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


@dataclass(frozen=True)
class Frame:
    """Where one image lies, and how its stored numbers become values.

    Parameters
    ----------
    position_lps
        Centre of the first pixel, x, y, z in mm; None where it is not given.
    orientation
        Unit vectors along a row and along a column, in LPS; None where they are not given.
    pixel_spacing
        Distance of rows and of columns in mm; None where it is not given.
    slope, intercept
        A value is ``slope * stored + intercept``.
    """

    position_lps: Triple | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True)
class Header:
    """What a file says of itself; texts are empty where nothing is given.

    Parameters
    ----------
    name
        The file within its location.
    frames
        Its images; empty where it holds none.
    shape
        Rows and columns.
    """

    name: str
    sop_class: str
    sop_uid: str
    series_uid: str
    study_uid: str
    patient_id: str
    patient_name: str
    patient_birth: str
    study_date: date | None
    modality: str
    number: int | None
    description: str
    image_type: tuple[str, ...]
    transfer_syntax: str
    samples: int
    shape: tuple[int, int]
    is_multiframe: bool
    thickness_mm: float | None
    kernel: str
    contrast: str
    frames: tuple[Frame, ...]


def read_header(name: str, file: BinaryIO) -> Header | None:
    """Read the header of an open DICOM file; None for the directory of a medium, which is about other files.

    Raises
    ------
    InputError
        Where the header is damaged.
    """
    pydicom = required("pydicom")
    try:
        with quiet():
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
            if str(dataset.file_meta.get("MediaStorageSOPClassUID", "")) == _MEDIA_DIRECTORY:
                return None
            header = _header(name, dataset)
    except Exception as error:
        # A damaged file can make the parser stumble in any way; what it says may quote the patient's data.
        raise InputError(f"{name}: header is damaged ({type(error).__name__})") from error
    if header.sop_class in _IMAGES and not header.frames:
        raise InputError(f"{name}: header is damaged (ends before the image)")
    if not (header.sop_class or header.frames):
        raise InputError(f"{name}: header is damaged (does not say what the file is)")
    return header


def instance_uids(source: DicomSource) -> dict[tuple[str, int], int]:
    """Return at which z each image of a scan lies, by its UID and, in a multi-frame file, its frame (else 0).

    Raises
    ------
    InputError
        Where a file cannot be read any more.
    """
    places: dict[tuple[str, int], int] = {}
    for z, (name, file) in enumerate(opened(source.location, source.names)):
        header = read_header(name, file)
        if header is not None:
            frames = enumerate(source.frames) if source.is_multiframe else [(z, 0)]
            places |= {(header.sop_uid, frame): place for place, frame in frames}
    return places


def _header(name: str, dataset: Any) -> Header:
    image_type = dataset.get("ImageType") or ()
    texts = [image_type] if isinstance(image_type, str) else [str(part) for part in image_type]
    first = _first_group(dataset)
    return Header(
        name=name,
        # The head of the file has the same UIDs, also where an anonymizer blanked the others.
        sop_class=_text(dataset.file_meta, "MediaStorageSOPClassUID"),
        sop_uid=_text(dataset.file_meta, "MediaStorageSOPInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        patient_id=_text(dataset, "PatientID"),
        patient_name=_text(dataset, "PatientName"),
        patient_birth=_text(dataset, "PatientBirthDate"),
        study_date=_date(_text(dataset, "StudyDate")),
        modality=_text(dataset, "Modality"),
        number=None if dataset.get("SeriesNumber") is None else int(dataset.SeriesNumber),
        description=_text(dataset, "SeriesDescription"),
        image_type=tuple(texts),
        transfer_syntax=str(dataset.file_meta.get("TransferSyntaxUID", "")),
        samples=int(dataset.get("SamplesPerPixel") or 1),
        shape=(int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)),
        is_multiframe="PerFrameFunctionalGroupsSequence" in dataset
        or int(dataset.get("NumberOfFrames") or 1) > 1,
        thickness_mm=_number(first.get("SliceThickness", dataset.get("SliceThickness"))),
        kernel=_text(dataset, "ConvolutionKernel") or _joined(first.get("ConvolutionKernel")),
        contrast=_text(dataset, "ContrastBolusAgent"),
        frames=_frames(dataset) if dataset.get("Rows") else (),
    )


def _frames(dataset: Any) -> tuple[Frame, ...]:
    shared = _groups((dataset.get("SharedFunctionalGroupsSequence") or [{}])[0])
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame:
        return tuple(_frame(shared | _groups(item)) for item in per_frame)
    count = int(dataset.get("NumberOfFrames") or 1)
    return (_frame(dataset),) * count


def _frame(values: Any) -> Frame:
    spacing = _numbers(values.get("PixelSpacing"), 2)
    position = _numbers(values.get("ImagePositionPatient"), 3)
    slope, intercept = (_number(values.get(name)) for name in ("RescaleSlope", "RescaleIntercept"))
    return Frame(
        None if position is None else (position[0], position[1], position[2]),
        _numbers(values.get("ImageOrientationPatient"), 6),
        None if spacing is None else (spacing[0], spacing[1]),
        1.0 if slope is None else slope,
        0.0 if intercept is None else intercept,
    )


def _first_group(dataset: Any) -> dict[str, Any]:
    shared = dataset.get("SharedFunctionalGroupsSequence") or [{}]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or [{}]
    return _groups(shared[0]) | _groups(per_frame[0])


def _groups(item: Any) -> dict[str, Any]:
    """Return the values within the functional groups of one frame, by keyword."""
    values: dict[str, Any] = {}
    for group in item:
        if group.VR == "SQ" and group.value:
            values |= {element.keyword: element.value for element in group.value[0]}
    return values


def _text(dataset: Any, keyword: str) -> str:
    return _joined(dataset.get(keyword))


def _joined(value: Any) -> str:
    if value is None:
        return ""
    many = isinstance(value, Iterable) and not isinstance(value, str) and type(value).__name__ != "PersonName"
    return " ".join(map(str, value)).strip() if many else str(value).strip()


def _number(value: Any) -> float | None:
    return None if value in (None, "") else float(value)


def _numbers(values: Any, count: int) -> tuple[float, ...] | None:
    if values is None or isinstance(values, str) or len(values) != count:
        return None
    return tuple(float(value) for value in values)


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
