"""The data sets of the images that results are about, complete enough to be referred to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import InputError
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.io.dicom.locations import opened
from lesionlocator.io.dicom.uids import derived_uid

if TYPE_CHECKING:
    from lesionlocator.io import Scan
    from lesionlocator.io.dicom import DicomSource

NO_DATE = "19000101"
"""Stands where a date must stand and none may be told."""
_BLANK = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
PATIENT_AND_STUDY = ("SpecificCharacterSet", "PatientName", "PatientID", *_BLANK, "StudyInstanceUID")
"""Attributes that every result has from its images."""
_READ = [
    *PATIENT_AND_STUDY,
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDate",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceNumber",
    "Modality",
    "Manufacturer",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImageType",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "PixelSpacing",
    "SliceThickness",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "BodyPartExamined",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "DimensionOrganizationSequence",
    "DimensionIndexSequence",
]
_UIDS = ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"]

_GROUPS = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "DimensionOrganizationSequence",
)
_PLACES = ("PixelMeasuresSequence", "PlaneOrientationSequence", "PlanePositionSequence")


def source_images(scan: Scan, *, deidentify: bool) -> list[Any]:
    """Read the headers of a scan's files again, in the order of its z axis.

    What the standard asks for and an anonymizer took is filled in: UIDs follow from those of the images. What
    is known of the patient is left out where it is not legal DICOM.

    Parameters
    ----------
    scan
        A scan that was read from DICOM.
    deidentify
        Whether to take out what is known of the patient: name, number, sex and dates, and the numbers of the
        study. UIDs, in which scanners write dates, are replaced by :func:`derived_uid` of themselves.

    Raises
    ------
    InputError
        Where the scan was not read from DICOM, or its files cannot be read any more.
    """
    if scan.source is None:
        raise InputError(f"{scan.path or scan.name}: DICOM results need a scan that is DICOM itself")
    images = _read(scan.source)
    images[0].decode()  # the patient's name is taken from the first
    for image in images:
        _complete(image, images[0])
    if deidentify:
        for image in images:
            _deidentify(image)
    return images


def series_root(source: DicomSource | None) -> str:
    """Return what the UIDs of lesions follow from: the UID of the series, or of its first image.

    Raises
    ------
    InputError
        Where the scan was not read from DICOM.
    """
    if source is None:
        raise InputError("DICOM results need a baseline that is DICOM itself")
    return source.series_uid or str(_read(source, only_first=True)[0].SOPInstanceUID)


def _read(source: DicomSource, *, only_first: bool = False) -> list[Any]:
    pydicom = required("pydicom")
    names = source.names[:1] if only_first else source.names
    images = []
    with quiet():
        for name, file in opened(source.location, names):
            image = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_READ)
            if not image.get("SOPInstanceUID"):
                image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID
            image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID
            image.filename = str(name)
            images.append(image)
    return images


def _complete(image: Any, first: Any) -> None:
    for keyword in _UIDS[:3]:
        if not image.get(keyword):
            setattr(image, keyword, derived_uid(first.SOPInstanceUID, keyword))
    for keyword in ("PatientID", "PatientName", *_BLANK):
        if keyword not in image or not _is_legal(image[keyword]):
            setattr(image, keyword, "")
    if image.get("InstanceNumber") is None:
        image.InstanceNumber = 1


def _is_legal(element: Any) -> bool:
    """Whether a value may be written again; there are scans with others, such as words for dates."""
    values = element.value if element.VM > 1 else [element.value]
    return all(_may_be(element.VR, str(value)) for value in values)


@lru_cache(maxsize=256)  # all slices of a scan have the same
def _may_be(representation: str, value: str) -> bool:
    values = required("pydicom.valuerep")
    try:
        values.validate_value(representation, value, values.config.RAISE)
        if representation == "DA":
            values.DA(value)
    except ValueError:
        return False
    return True


def _deidentify(image: Any) -> None:
    image.PatientID = image.PatientName = "ANONYMOUS"
    for keyword in _BLANK:
        setattr(image, keyword, "")
    if "SeriesDate" in image:
        del image.SeriesDate
    for keyword in _UIDS:
        setattr(image, keyword, derived_uid(image[keyword].value))
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    for sequence in (image.get(name) for name in _GROUPS):
        for item in sequence or ():
            _strip(item)


def _strip(item: Any) -> None:
    """Keep of a functional group only where its frame lies: the others hold times and UIDs."""
    for element in list(item):
        if element.keyword not in _PLACES:
            del item[element.tag]
