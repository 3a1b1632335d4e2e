"""Time and size of a DICOM segmentation of 100 lesions on 600 slices, read back to be sure of it.

The peer is highdicom given the label map of the same lesions, which it splits itself; it cannot keep apart
lesions that overlap.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import highdicom
import numpy as np
import pydicom

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dicom_cases import balls, phantom, uid, write_series
from lesionlocator.dicom.identity import Maker
from lesionlocator.dicom.lesions import tracked_masks
from lesionlocator.dicom.outputs import DicomKind, DicomOutputs, write_dicom
from lesionlocator.dicom.seg import labels_of, with_highdicom
from lesionlocator.dicom.sources import source_images
from lesionlocator.geometry import Geometry
from lesionlocator.io import Scan
from lesionlocator.io.dicom import DicomSource

GEOMETRY = Geometry((600, 512, 512), (1.0, 0.8, 0.8))
LESIONS = 100


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = np.zeros((1, 512, 512), np.int16)
        image[0, :16, :16] = phantom((1, 16, 16))
        series = write_series(folder / "in", np.broadcast_to(image, GEOMETRY.shape), GEOMETRY)
        names = tuple(f"CT.{z}" for z in range(600))
        voxels = np.broadcast_to(np.zeros((1, 1, 1), np.int16), GEOMETRY.shape)
        scan = Scan("in", voxels, GEOMETRY, series, DicomSource(series, names, (), uid("series"), "1.2"))
        places = np.random.default_rng(3).integers(20, 480, (LESIONS, 3)).tolist()
        masks = balls(GEOMETRY.shape, {i: (tuple(place), 8) for i, place in enumerate(places, start=1)})
        started, used = perf_counter(), process_time()
        wanted = DicomOutputs(frozenset({DicomKind.SEG}))
        (path,) = write_dicom(scan, masks, folder, wanted, algorithm="bench")
        ours, used = perf_counter() - started, process_time() - used
        check(path, masks, scan)
        images = source_images(scan, deidentify=False)
        lesions = tracked_masks(masks, scan, root="1.2")
        started = perf_counter()
        labels = labels_of(scan, lesions)
        with_highdicom(scan, images, lesions, Maker("bench"), pixels=labels, kind="BINARY")
        peer = perf_counter() - started
        size = path.stat().st_size / 1e6
        print(f"lesionlocator {ours:.2f} s ({used:.2f} s of CPU), files read and written; {size:.2f} MB")
        print(f"highdicom alone {peer:.2f} s without; ratio {peer / ours:.2f}")


def check(path: Path, masks: dict, scan: Scan) -> None:
    seg = highdicom.seg.segread(path)
    uids = [
        pydicom.dcmread(scan.path / name, stop_before_pixels=True).SOPInstanceUID
        for name in scan.source.names
    ]
    for number, mask in enumerate(masks.values(), start=1):
        planes = range(mask.box.start[0], mask.box.stop[0])
        back = seg.get_pixels_by_source_instance(
            [uids[z] for z in planes], segment_numbers=[number], assert_missing_frames_are_empty=True
        )[..., 0]
        expected = mask.full()[planes.start : planes.stop]
        assert np.array_equal(back, expected)


if __name__ == "__main__":
    main()
