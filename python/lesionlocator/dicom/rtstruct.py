"""RT structure sets: the outlines of each lesion on each slice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.dicom.contours import outlines
from lesionlocator.dicom.identity import PROGRAM, Maker
from lesionlocator.dicom.lesions import TrackedMask, result_uid
from lesionlocator.dicom.sources import PATIENT_AND_STUDY
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.io.dicom.uids import derived_uid

if TYPE_CHECKING:
    from lesionlocator.io import Scan

SERIES_NUMBER = 903
_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
_STUDY_COMPONENT = "1.2.840.10008.3.1.2.3.1"
_COLOURS = ((230, 25, 75), (60, 180, 75), (255, 225, 25), (0, 130, 200), (245, 130, 48), (145, 30, 180))


def structure_set(scan: Scan, images: Sequence[Any], lesions: Sequence[TrackedMask], maker: Maker) -> Any:
    """Return the data set of a structure set; parameters as for :func:`lesionlocator.dicom.seg.segmentation`.

    Each lesion is a region of interest, with its id as its number; contours run along the borders of voxels.
    """
    with quiet():
        dataset = _head(images, lesions, maker)
        frame = images[0].FrameOfReferenceUID
        dataset.ReferencedFrameOfReferenceSequence = [_referenced(images, frame)]
        dataset.StructureSetROISequence = [
            _item(
                ROINumber=lesion.lesion_id,
                ReferencedFrameOfReferenceUID=frame,
                ROIName=lesion.name,
                ROIGenerationAlgorithm="SEMIAUTOMATIC",
                ROIVolume=f"{lesion.measurements.volume_ml:.8g}",
            )
            for lesion in lesions
        ]
        dataset.ROIContourSequence = [
            _item(
                ReferencedROINumber=lesion.lesion_id,
                ROIDisplayColor=list(_COLOURS[number % len(_COLOURS)]),
                ContourSequence=_contours(scan, images, lesion),
            )
            for number, lesion in enumerate(lesions)
        ]
        dataset.RTROIObservationsSequence = [
            _item(
                ObservationNumber=lesion.lesion_id,
                ReferencedROINumber=lesion.lesion_id,
                ROIObservationLabel=lesion.name,
                RTROIInterpretedType="",
                ROIInterpreter="",
            )
            for lesion in lesions
        ]
        maker.finish(dataset)
    return dataset


def _head(images: Sequence[Any], lesions: Sequence[TrackedMask], maker: Maker) -> Any:
    pydicom = required("pydicom")
    source = images[0]
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = _STORAGE
    uid = result_uid(source, lesions, maker, kind="RTSTRUCT")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
    for keyword in PATIENT_AND_STUDY:
        if keyword in source:
            dataset[keyword] = source[keyword]
    now = datetime.now()
    dataset.Modality = "RTSTRUCT"
    dataset.SeriesInstanceUID = derived_uid(source.SeriesInstanceUID, "structures")
    dataset.SeriesNumber, dataset.InstanceNumber = SERIES_NUMBER, 1
    dataset.SeriesDescription = "Lesions: contours"
    dataset.OperatorsName = ""
    dataset.Manufacturer = dataset.ManufacturerModelName = PROGRAM
    dataset.SoftwareVersions = maker.version
    dataset.StructureSetLabel = "LESIONS"
    dataset.StructureSetDescription = f"{PROGRAM} {maker.version}, {maker.algorithm_name}"
    dataset.StructureSetDate = dataset.SeriesDate = dataset.InstanceCreationDate = now.strftime("%Y%m%d")
    dataset.StructureSetTime = dataset.SeriesTime = dataset.InstanceCreationTime = now.strftime("%H%M%S")
    dataset.ApprovalStatus = "UNAPPROVED"
    return dataset


def _referenced(images: Sequence[Any], frame: str) -> Any:
    series = _item(
        SeriesInstanceUID=images[0].SeriesInstanceUID,
        ContourImageSequence=[
            _item(ReferencedSOPClassUID=image.SOPClassUID, ReferencedSOPInstanceUID=image.SOPInstanceUID)
            for image in images
        ],
    )
    study = _item(
        ReferencedSOPClassUID=_STUDY_COMPONENT,
        ReferencedSOPInstanceUID=images[0].StudyInstanceUID,
        RTReferencedSeriesSequence=[series],
    )
    return _item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study])


def _contours(scan: Scan, images: Sequence[Any], lesion: TrackedMask) -> list[Any]:
    box = lesion.mask.box
    found: list[Any] = []
    for place, plane in enumerate(lesion.mask.region):
        z = box.start[0] + place
        for polygon in outlines(plane):
            corners = np.asarray(polygon) + np.asarray(box.start[1:]) - 0.5
            points = scan.geometry.voxel_to_lps(np.insert(corners, 0, z, axis=1))
            found.append(
                _item(
                    ContourNumber=len(found) + 1,
                    ContourImageSequence=[_image(scan, images, z)],
                    ContourGeometricType="CLOSED_PLANAR",
                    NumberOfContourPoints=len(points),
                    ContourData=[f"{mm:.6f}"[:16] for mm in points.ravel()],
                )
            )
    return found


def _image(scan: Scan, images: Sequence[Any], z: int) -> Any:
    source = scan.source
    if source is not None and source.is_multiframe:
        return _item(
            ReferencedSOPClassUID=images[0].SOPClassUID,
            ReferencedSOPInstanceUID=images[0].SOPInstanceUID,
            ReferencedFrameNumber=source.frames[z],
        )
    return _item(
        ReferencedSOPClassUID=images[z].SOPClassUID, ReferencedSOPInstanceUID=images[z].SOPInstanceUID
    )


def _item(**values: Any) -> Any:
    item = required("pydicom").Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
