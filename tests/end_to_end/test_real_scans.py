"""The built-in model on real anatomy, where real scans lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import lesionlocator as ll

GALLBLADDER = 4


def test_a_compact_organ_of_a_real_scan_is_found_by_its_box(real_scans: Path) -> None:
    scan = ll.read_scan(real_scans / "body_3mm_slab.nii.gz")
    organs = ll.read_labelmap(real_scans / "body_3mm_slab_organs.nii.gz")
    truth = np.where(organs.labels == GALLBLADDER, organs.labels, np.uint8(0))
    model = ll.load_model(device="cpu", mirroring=False)
    found = model.segment(scan, ll.LabelMap(truth, organs.geometry)).labelmap == GALLBLADDER
    dice = 2 * np.sum(found & (truth > 0)) / (found.sum() + np.sum(truth > 0))
    assert dice > 0.6
