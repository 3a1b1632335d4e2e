"""DICOM structured reports (TID 1500): volume, diameters and where they were taken, and mean HU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.dicom.anatomy import region_of
from lesionlocator.dicom.identity import PROGRAM, Maker
from lesionlocator.dicom.lesions import TrackedMask
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.io.dicom.uids import derived_uid

if TYPE_CHECKING:
    from lesionlocator.io import Scan
    from lesionlocator.results.measurements import Diameter

SERIES_NUMBER = 902


def report(
    scan: Scan, images: Sequence[Any], lesions: Sequence[TrackedMask], maker: Maker, *, seg: Any
) -> Any:
    """Return the data set of a measurement report.

    Parameters
    ----------
    scan, images, lesions, maker
        As for :func:`lesionlocator.dicom.seg.segmentation`.
    seg
        The segmentation of the same lesions, to whose segments the report refers.
    """
    hd = required("highdicom")
    codes = required("pydicom.sr.codedict").codes
    with quiet():
        observer = hd.sr.DeviceObserverIdentifyingAttributes(
            uid=derived_uid(PROGRAM, maker.version), name=PROGRAM, model_name=maker.algorithm_name[:64]
        )
        content = hd.sr.MeasurementReport(
            observation_context=hd.sr.ObservationContext(
                observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, observer)
            ),
            procedure_reported=codes.SCT.ImagingProcedure,
            imaging_measurements=[
                group
                for number, lesion in enumerate(lesions, start=1)
                for group in (
                    _of_segment(images, lesion, maker, seg=seg, number=number),
                    _of_lines(scan, images, lesion, maker),
                )
            ],
            title=codes.DCM.ImagingMeasurementReport,
        )
        dataset = hd.sr.Comprehensive3DSR(
            evidence=[*images, seg],
            content=content[0],
            series_instance_uid=derived_uid(images[0].SeriesInstanceUID, "reports"),
            series_number=SERIES_NUMBER,
            sop_instance_uid=derived_uid(seg.SOPInstanceUID, "report"),
            instance_number=1,
            manufacturer=PROGRAM,
            is_complete=True,
        )
        dataset.ManufacturerModelName = PROGRAM
        dataset.SoftwareVersions = maker.version
        dataset.DeviceSerialNumber = "0"
        dataset.SeriesDescription = "Lesions: measurements"
        maker.finish(dataset)
    return dataset


def _of_segment(images: Sequence[Any], lesion: TrackedMask, maker: Maker, *, seg: Any, number: int) -> Any:
    """Return what is measured of a segment (TID 1411), which may not say where."""
    hd = required("highdicom")
    codes = required("pydicom.sr.codedict").codes
    found, unit = lesion.measurements, codes.UCUM
    values = [
        (codes.SCT.Volume, found.volume_ml * 1000, unit.CubicMillimeter, None),
        (codes.SCT.LongAxis, found.longest_diameter.length_mm, unit.Millimeter, None),
        (codes.SCT.ShortAxis, found.perpendicular_diameter.length_mm, unit.Millimeter, None),
    ]
    if images[0].get("Modality") == "CT":
        mean = codes.SCT.Mean
        values.append((codes.DCM.AttenuationCoefficient, found.hu_mean, unit.HounsfieldUnit, mean))
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        referenced_segment=hd.sr.ReferencedSegment(
            sop_class_uid=seg.SOPClassUID,
            sop_instance_uid=seg.SOPInstanceUID,
            segment_number=number,
            source_series=hd.sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
        ),
        measurements=[
            hd.sr.Measurement(name, _short(value), of, derivation=derivation)
            for name, value, of, derivation in values
        ],
        **_about(images, lesion, maker),
    )


def _of_lines(scan: Scan, images: Sequence[Any], lesion: TrackedMask, maker: Maker) -> Any:
    """Return the diameters with where they lie (TID 1501), under the same tracking UID."""
    codes = required("pydicom.sr.codedict").codes
    found = lesion.measurements
    return required("highdicom").sr.MeasurementsAndQualitativeEvaluations(
        measurements=[
            _diameter(scan, images, found.longest_diameter, codes.SCT.LongAxis),
            _diameter(scan, images, found.perpendicular_diameter, codes.SCT.ShortAxis),
        ],
        **_about(images, lesion, maker),
    )


def _about(images: Sequence[Any], lesion: TrackedMask, maker: Maker) -> dict[str, Any]:
    hd = required("highdicom")
    codes = required("pydicom.sr.codedict").codes
    anatomy = region_of(images[0])
    return {
        "tracking_identifier": hd.sr.TrackingIdentifier(uid=lesion.tracking_uid, identifier=lesion.name),
        "finding_category": codes.SCT.MorphologicallyAbnormalStructure,
        "finding_type": codes.SCT.Lesion,
        "finding_sites": None if anatomy is None else [hd.sr.FindingSite(anatomy)],
        "algorithm_id": hd.sr.AlgorithmIdentification(maker.algorithm_name[:64], maker.version),
    }


def _diameter(scan: Scan, images: Sequence[Any], diameter: Diameter, name: Any) -> Any:
    """Return a length with its line: on the image where it lies in one slice, otherwise in the patient."""
    hd = required("highdicom")
    codes = required("pydicom.sr.codedict").codes
    ends = np.asarray(diameter.ends_voxel)
    z = round(float(ends[0, 0]))
    if np.allclose(ends[:, 0], z):
        source = scan.source
        multiframe = source is not None and source.is_multiframe
        image = images[0] if multiframe else images[z]
        where = hd.sr.CoordinatesForMeasurement(
            "POLYLINE",
            ends[:, :0:-1] + 0.5,  # column and row; the centre of the first pixel is at 0.5
            hd.sr.SourceImageForRegion(
                image.SOPClassUID,
                image.SOPInstanceUID,
                [source.frames[z]] if source is not None and multiframe else None,
            ),
        )
    else:
        where = hd.sr.CoordinatesForMeasurement3D(
            "POLYLINE", np.asarray(diameter.ends_lps_mm), images[0].FrameOfReferenceUID
        )
    return hd.sr.Measurement(
        name, _short(diameter.length_mm), codes.UCUM.Millimeter, referenced_coordinates=[where]
    )


def _short(value: float) -> float:
    """Return a number that a decimal string of 16 characters holds."""
    return float(f"{value:.8g}")
