"""DICOM segmentations: each lesion a segment of its own, so that lesions that overlap stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.dicom.anatomy import region_of
from lesionlocator.dicom.lesions import TrackedMask, result_uid
from lesionlocator.errors import InputError
from lesionlocator.io.dicom.extra import quiet, required
from lesionlocator.io.dicom.uids import derived_uid
from lesionlocator.results.lesion import share_voxel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.dicom.identity import Maker
    from lesionlocator.io import Scan

SERIES_NUMBER = 901
_LARGEST_PLAIN = 4 * 2**20
"""Bytes of pixels from which on a file is deflated: masks are nearly all zeros."""


def segmentation(
    scan: Scan, images: Sequence[Any], lesions: Sequence[TrackedMask], maker: Maker, *, labelmap: bool = False
) -> Any:
    """Return the data set of a segmentation.

    Parameters
    ----------
    scan
        The scan.
    images
        Its source images, in the order of its z axis; one where it is a multi-frame file.
    lesions
        At least one.
    maker
        Who made it.
    labelmap
        Whether to store one label map instead of a mask for each lesion.

    Raises
    ------
    InputError
        Where there is no lesion, or lesions overlap and are to be a label map.
    """
    if not lesions:
        raise InputError(f"{scan.name}: has no lesion, and a DICOM segmentation needs one")
    overlap = _overlapping(lesions)
    with quiet():
        if labelmap:
            if overlap is not None:
                raise InputError(
                    f"{scan.name}: lesions {overlap[0]} and {overlap[1]} overlap, which a LABELMAP "
                    "cannot hold; legal: BINARY"
                )
            dataset = with_highdicom(
                scan, images, lesions, maker, pixels=labels_of(scan, lesions), kind="LABELMAP"
            )
        else:
            dataset = _binary(scan, images, lesions, maker)
            dataset.SegmentsOverlap = "NO" if overlap is None else "YES"
        if len(dataset.PixelData) > _LARGEST_PLAIN:
            dataset.file_meta.TransferSyntaxUID = required("pydicom.uid").DeflatedExplicitVRLittleEndian
    return dataset


def _binary(scan: Scan, images: Sequence[Any], lesions: Sequence[TrackedMask], maker: Maker) -> Any:
    """Let highdicom build the data set around one frame, and add the frames: only those that are not empty.

    An array of all lesions on all slices, which highdicom takes, would have gigabytes.
    """
    first = lesions[0]
    z, plane = next(_planes(scan, first))
    start = np.zeros(scan.geometry.shape[1:], np.uint8)[None]
    start[0] = plane
    dataset = with_highdicom(scan, images, lesions, maker, pixels=start, kind="BINARY", only=z)
    template = dataset.PerFrameFunctionalGroupsSequence[0]
    frames, packed = [], []
    for number, lesion in enumerate(lesions, start=1):
        for z, plane in _planes(scan, lesion):
            frames.append(_frame(template, scan, images, number, z))
            packed.append(plane if plane.size % 8 else np.packbits(plane, bitorder="little"))
    bits = np.concatenate(packed, axis=None)
    if scan.geometry.shape[1] * scan.geometry.shape[2] % 8:
        bits = np.packbits(bits, bitorder="little")
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = bits.tobytes() + b"\0" * (bits.size % 2)
    return dataset


def _planes(scan: Scan, lesion: TrackedMask) -> Any:
    """Yield the slices of a lesion that are not empty, as whole planes."""
    box, region = lesion.mask.box, lesion.mask.region
    _, rows, columns = box.slices
    for place in range(region.shape[0]):
        if region[place].any():
            plane = np.zeros(scan.geometry.shape[1:], np.uint8)
            plane[rows, columns] = region[place]
            yield box.start[0] + place, plane


def _frame(template: Any, scan: Scan, images: Sequence[Any], number: int, z: int) -> Any:
    derivation = template.DerivationImageSequence[0]
    if scan.source is not None and scan.source.is_multiframe:
        place: dict[str, Any] = {"ReferencedFrameNumber": scan.source.frames[z]}
    else:
        place = {"ReferencedSOPInstanceUID": images[z].SOPInstanceUID}
    source = _changed(derivation.SourceImageSequence[0], **place)
    changes = {
        "FrameContentSequence": [
            _changed(template.FrameContentSequence[0], DimensionIndexValues=[number, z + 1])
        ],
        "PlanePositionSequence": [
            _changed(template.PlanePositionSequence[0], ImagePositionPatient=_position(scan, z))
        ],
        "DerivationImageSequence": [_changed(derivation, SourceImageSequence=[source])],
    }
    if "SegmentIdentificationSequence" in template:  # of a single segment, all frames share it
        segment = template.SegmentIdentificationSequence[0]
        changes["SegmentIdentificationSequence"] = [_changed(segment, ReferencedSegmentNumber=number)]
    return _changed(template, **changes)


def _changed(template: Any, **values: Any) -> Any:
    """Return a data set with other values, which shares all its other elements."""
    item = required("pydicom").Dataset()
    for element in template:
        if element.keyword not in values:
            item.add(element)
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def with_highdicom(
    scan: Scan,
    images: Sequence[Any],
    lesions: Sequence[TrackedMask],
    maker: Maker,
    *,
    pixels: NDArray[Any],
    kind: str,
    only: int | None = None,
) -> Any:
    """Return the data set that highdicom makes of pixels: of all slices, or of one.

    Parameters
    ----------
    scan, images, lesions, maker
        As for :func:`segmentation`.
    pixels
        Numbers of the segments, shape (slices, rows, columns).
    kind
        ``BINARY`` or ``LABELMAP``.
    only
        Which slice the pixels are of; None for all.
    """
    hd = required("highdicom")
    places = range(scan.geometry.shape[0]) if only is None else [only]
    direction = np.reshape(scan.geometry.direction_lps, (3, 3))
    dataset = hd.seg.Segmentation(
        source_images=list(images),
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=_descriptions(hd, images[0], lesions, maker),
        series_instance_uid=derived_uid(images[0].SeriesInstanceUID, "segmentations"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=result_uid(images[0], lesions, maker, kind=kind),
        instance_number=1,
        content_label="LESIONS",
        content_description="Lesions",
        pixel_measures=hd.PixelMeasuresSequence(
            scan.geometry.spacing[1:], scan.geometry.spacing[0], scan.geometry.spacing[0]
        ),
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", [*direction[:, 0], *direction[:, 1]]),
        plane_positions=[hd.PlanePositionSequence("PATIENT", _position(scan, z)) for z in places],
        **maker.equipment,
    )
    # highdicom may take the measures of the images in place of ours, and a single slice has no step.
    (measures,) = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    measures.SpacingBetweenSlices = _decimal(scan.geometry.spacing[0])
    dataset.SeriesDescription = "Lesions: segmentation"
    maker.finish(dataset)
    return dataset


def _descriptions(hd: Any, image: Any, lesions: Sequence[TrackedMask], maker: Maker) -> list[Any]:
    codes = required("pydicom.sr.codedict").codes
    anatomy = region_of(image)
    return [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=lesion.name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Lesion,
            algorithm_type="SEMIAUTOMATIC",
            algorithm_identification=maker.algorithm(hd),
            tracking_uid=lesion.tracking_uid,
            tracking_id=lesion.name,
            anatomic_regions=None if anatomy is None else [anatomy],
        )
        for number, lesion in enumerate(lesions, start=1)
    ]


def labels_of(scan: Scan, lesions: Sequence[TrackedMask]) -> NDArray[Any]:
    """Return the numbers of the segments on the scan's grid; the later lesion wins an overlap."""
    labels = np.zeros(scan.geometry.shape, np.uint8 if len(lesions) < 256 else np.uint16)
    for number, lesion in enumerate(lesions, start=1):
        labels[lesion.mask.box.slices][lesion.mask.region > 0] = number
    return labels


def _position(scan: Scan, z: int) -> list[Any]:
    return [_decimal(mm) for mm in scan.geometry.voxel_to_lps((z, 0, 0)).tolist()]


def _decimal(value: float) -> Any:
    """Return a decimal string, which has no more than 16 characters."""
    return required("pydicom.valuerep").DSfloat(value, auto_format=True)


def _overlapping(lesions: Sequence[TrackedMask]) -> tuple[int, int] | None:
    """Return two lesions that share a voxel, or None."""
    for one, other in combinations(lesions, 2):
        if share_voxel(one.mask, other.mask):
            return one.lesion_id, other.lesion_id
    return None
