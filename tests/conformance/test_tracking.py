"""Maps, prompts, patches and masks of tracked lesions equal those of the published system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archives import arrays_of
from lesionlocator.io import LabelMap, read_labelmap, read_scan
from lesionlocator.longitudinal import TrackingModel, load_tracking_model
from lesionlocator.networks.registration import RegistrationNetwork
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.tracked_pair import PairWork, TrackedLesion
from lesionlocator.tracking.propagation import patch_around

PHI_TOLERANCE = 1e-4
EVERY = 7
"""Distance in voxels of the places at which the published map is known."""
MIN_DICE = 0.99
FEW_VOXELS = 2
slow = pytest.mark.skipif(
    "LESIONLOCATOR_SLOW_TESTS" not in os.environ, reason="takes minutes; set LESIONLOCATOR_SLOW_TESTS=1"
)


@dataclass(frozen=True)
class Run:
    """A run of the published system: its checkpoint, scans, and where its prompts come from."""

    family: str
    baseline: str
    followup: str
    masks: str | None = None
    """The run whose masks are the prompts; None for the label map of the baseline."""


RUNS = {
    "track_linear_fu1": Run("linear", "bl", "fu1"),
    "track_linear_fu3": Run("linear", "bl", "fu3"),
    "track_linear_fu1_fu2": Run("linear", "fu1", "fu2", "track_linear_fu1"),
    "track_cubic_fu2": Run("cubic", "bl", "fu2"),
}
Loader = Callable[..., TrackingModel]


@dataclass(frozen=True)
class Done:
    """What the published system found, and what we did."""

    expected: Path
    facts: Mapping[str, Any]
    work: PairWork
    result: Segmentation
    tracker: TrackingModel

    def lesion(self, lesion_id: str) -> TrackedLesion:
        lesion = self.result.lesions[int(lesion_id)]
        assert isinstance(lesion, TrackedLesion)
        return lesion


@pytest.fixture(scope="module", autouse=True)
def all_processors() -> Iterator[None]:
    """Other tests use one thread for their tiny networks; the registration network is large."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tracker(conformance: Path, tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """Load a tracker from a copy of a checkpoint, to which the kit's script adds the tracking half."""

    @cache
    def copied(family: str) -> Path:
        folder = tmp_path_factory.mktemp("checkpoint") / family
        shutil.copytree(conformance / "checkpoint" / family, folder)
        script = conformance / "make_tracking_checkpoint.py"
        subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
        return folder

    @cache
    def load(family: str, *, mirroring: bool = False) -> TrackingModel:
        return load_tracking_model(copied(family), device="cpu", mirroring=mirroring)

    return load


@pytest.fixture(scope="module", params=RUNS)
def done(request: pytest.FixtureRequest, conformance: Path, tracker: Loader) -> Done:
    run = RUNS[request.param]
    expected = conformance / "expected" / request.param
    return track(conformance, run, expected, tracker(run.family))


def track(kit: Path, run: Run, expected: Path, tracker: TrackingModel, *, only: int | None = None) -> Done:
    baseline, followup = (read_scan(kit / f"track/{name}.nii.gz") for name in (run.baseline, run.followup))
    facts = json.loads((expected / f"{run.followup}.json").read_text())
    prompts: LabelMap | dict[int, np.ndarray]
    if run.masks is None:
        prompts = read_labelmap(kit / f"track/{run.baseline}_label.nii.gz")
    else:
        masks = kit / "expected" / run.masks
        prompts = {
            int(i): read_labelmap(masks / f"{run.baseline}_lesion_{i}.nii.gz").labels
            for i in facts["lesions"]
        }
    work = tracker.prepare(baseline, followup, prompts, as_published=True)
    chosen = None if only is None else [only]
    return Done(expected, facts, work, work.result({r.lesion_id: r for r in work.run(only=chosen)}), tracker)


def assert_same_mask(lesion: TrackedLesion, expected: Path, shape: tuple[int, int, int]) -> None:
    wanted = read_labelmap(expected).labels > 0
    found = np.zeros(shape, bool) if lesion.found is None else lesion.found.full() > 0
    dice = 2 * np.count_nonzero(found & wanted) / max(1, np.count_nonzero(found) + np.count_nonzero(wanted))
    apart = np.count_nonzero(found != wanted)
    assert apart <= FEW_VOXELS or dice >= MIN_DICE, f"{expected.name}: {apart} voxels apart, Dice {dice:.4f}"


def test_names_and_shapes_of_the_registration_network(conformance: Path) -> None:
    listed = json.loads((conformance / "parameters_registration.json").read_text())
    wanted = {name: shape for name, shape, *_ in listed if name != "unet_patch_size"}
    network = RegistrationNetwork()
    found = {f"reg_net.{name}": list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert found == wanted


def test_the_map(done: Done) -> None:
    files = list(done.expected.glob("*_phi_every_7th.npz"))
    wanted = arrays_of(files[0])["phi"]
    assert np.abs(done.work.registration.phi[:, ::EVERY, ::EVERY, ::EVERY] - wanted).max() < PHI_TOLERANCE


def test_the_slices_that_are_used(done: Done) -> None:
    registration = done.work.registration
    windows = [list(registration.baseline.window), list(registration.followup.window)]
    assert windows == done.facts["z_windows"]


def test_the_shapes_of_the_grids(done: Done) -> None:
    registration = done.work.registration
    assert list(registration.baseline.grid.shape) == done.facts["baseline_grid"]
    assert list(registration.followup.grid.shape) == done.facts["followup_grid"]


def test_the_warped_prompts(done: Done) -> None:
    for lesion_id, facts in done.facts["lesions"].items():
        prompt = done.work.views[int(lesion_id)][0]
        points = np.concatenate((prompt.mask.points, prompt.void))
        assert prompt.mask.voxels == facts["warped_voxels"]
        np.testing.assert_allclose(points.mean(axis=0), facts["warped_centroid"], atol=1e-3)


def test_the_patches(done: Done) -> None:
    size = done.tracker.ensemble.members[0].patch
    for lesion_id, facts in done.facts["lesions"].items():
        prompt = done.work.views[int(lesion_id)][0]
        patch = patch_around(prompt.center, prompt.frame.shape, size)
        assert [n for pair in zip(patch.start, patch.stop, strict=True) for n in pair] == facts["patch"]


def test_the_masks(done: Done) -> None:
    scan = done.result.scan
    assert {str(i) for i in done.result.lesions} == set(done.facts["lesions"])
    for lesion_id in done.facts["lesions"]:
        file = done.expected / f"{scan.name}_lesion_{lesion_id}.nii.gz"
        assert_same_mask(done.lesion(lesion_id), file, scan.geometry.shape)


@slow
def test_the_mirrored_run(conformance: Path, tracker: Loader) -> None:
    expected = conformance / "expected/track_linear_fu1_mirrored"
    model = tracker("linear", mirroring=True)
    done = track(conformance, RUNS["track_linear_fu1"], expected, model, only=3)
    last = done.work.views[3][-1]
    facts = done.facts["lesions"]["3"]
    assert last.frame.mirrored == (0, 1, 2)
    assert last.mask.voxels == facts["warped_voxels"]
    np.testing.assert_allclose(last.mask.centroid, facts["warped_centroid"], atol=1e-3)
    assert_same_mask(done.lesion("3"), expected / "fu1_lesion_3.nii.gz", done.result.scan.geometry.shape)
