"""Training really learns, and writes a model that loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import torch

from lesionlocator.geometry import Geometry
from lesionlocator.model import build_network, read_weights, segmentation_folder
from lesionlocator.networks import ResidualEncoderUNet
from lesionlocator.prompts.kinds import MaskKind, PromptKind
from lesionlocator.synthetic.sites import host_shares
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training import checkpoint, recipe, samples
from lesionlocator.training.loop import Learner, Schedule, train, training_step
from lesionlocator.training.processes import Processes
from lesionlocator.training.samples import Body, Sample, draw_sample, make_bodies
from lesionlocator.training.shown_patches import ShownPatch
from lesionlocator.training.validation import dice, dice_by_prompt, predict

SHOWN = ShownPatch((24, 24, 24), recipe.SPACING_MM, next_smaller_mm=0.0, count=8, share=1.0)
ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    return list(make_bodies(3, 2, shape=(64, 90, 110)))


def tiny_network() -> ResidualEncoderUNet:
    torch.manual_seed(0)
    return recipe.build_network(
        {
            "n_stages": 3,
            "features_per_stage": [8, 8, 16],
            "kernel_sizes": [[3, 3, 3]] * 3,
            "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
            "n_blocks_per_stage": [1, 1, 1],
            "n_conv_per_stage_decoder": [1, 1],
        }
    )


def sample_with_lesion(bodies: list[Body]) -> Sample:
    rng = np.random.default_rng(0)
    while True:
        sample = draw_sample(rng, bodies, SHOWN)
        if sample.target.sum() > 300 and sample.kind is PromptKind.BOX:
            return sample


def test_loss_falls_to_a_third_on_one_crop(bodies: list[Body]) -> None:
    network, sample = tiny_network(), sample_with_lesion(bodies)
    learner = Learner(network)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=5e-3)
    losses = [training_step(learner, optimizer, [sample]) for _ in range(60)]
    assert np.mean(losses[-5:]) < losses[0] / 3
    assert dice(predict(network.eval(), sample), sample.target) > 0.8


def test_a_network_learns_without_naming_tissues_and_otherwise_from_it_too(bodies: list[Body]) -> None:
    sample = sample_with_lesion(bodies)
    steps = []
    for naming in (True, False):
        network = tiny_network()
        learner = Learner(network, naming=naming)
        training_step(learner, torch.optim.SGD(learner.parameters(), lr=1e-2), [sample])
        steps.append(network.state_dict())
        assert set(learner.state_dict()) - {f"network.{name}" for name in network.state_dict()} == (
            {"parts.weight", "parts.bias"} if naming else set()
        )
    assert not torch.equal(*(step["encoder.stem.convs.0.conv.weight"] for step in steps))


def test_samples_are_decided_by_the_seed(bodies: list[Body]) -> None:
    first, again = (draw_sample(np.random.default_rng(5), bodies, SHOWN) for _ in range(2))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.target, again.target)


def test_samples_prompt_their_lesion_or_nothing(bodies: list[Body]) -> None:
    rng = np.random.default_rng(6)
    drawn = [draw_sample(rng, bodies, SHOWN) for _ in range(200)]
    empty = sum(not sample.target.any() for sample in drawn)
    kinds = Counter(sample.kind.value for sample in drawn)
    assert 20 <= empty <= 90
    assert kinds["box"] >= 50
    assert kinds["point"] >= 50
    assert kinds["prev_mask"] >= 10
    for sample in drawn:
        assert sample.inputs.shape == (2, *SHOWN.patch)
        assert sample.inputs.dtype == np.float32
        assert np.isin(sample.inputs[1], (0, 1)).all()
        if sample.target.any() and sample.kind is not MaskKind.PREVIOUS:
            assert (sample.inputs[1] * sample.target).any()


def test_crops_are_taken_where_lesions_arise_however_small_the_organ(bodies: list[Body]) -> None:
    for body in bodies:
        tissue = body.anatomy.tissue
        shares = host_shares(tissue)
        counts = Counter(tissue[tuple(body.anchors.T)].tolist())
        assert set(counts) <= set(shares)
        for host, share in shares.items():
            assert counts[host] / len(body.anchors) == pytest.approx(share, abs=0.03)
        by_volume = (tissue == Tissue.MUSCLE).sum() / np.isin(tissue, list(shares)).sum()
        assert by_volume < 0.5 * shares[Tissue.MUSCLE]


def test_training_writes_a_model_that_loads(bodies: list[Body], tmp_path: Path) -> None:
    held_out = [draw_sample(np.random.default_rng(7), bodies, SHOWN) for _ in range(2)]
    network = recipe.build_network()
    before = [p.detach().clone() for p in network.parameters()]
    schedule = Schedule(iterations=2, minutes=10)
    metadata = checkpoint.base_metadata("the command", 3)
    trained = train(
        network, bodies, held_out, schedule, seed=3, output=tmp_path, metadata=metadata, processes=ALONE
    )
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    folder = segmentation_folder(tmp_path, "box")
    weights = read_weights(folder.folds[0])
    assert weights.mirroring_axes == (0, 1, 2)
    loaded = build_network(folder.plans.architecture, "plans.json")
    weights.load_into(loaded)
    for a, b in zip(trained.parameters(), loaded.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-3)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["iteration"] == 2


def test_plans_say_what_the_recipe_says(tmp_path: Path) -> None:
    checkpoint.save_model(recipe.build_network(), tmp_path, checkpoint.base_metadata("the command", 1))
    plans = segmentation_folder(tmp_path, "point").plans
    assert plans.patch_size == recipe.PATCH
    assert plans.spacing == recipe.SPACING_MM
    assert plans.canonical_orientation
    assert plans.masks_within_boxes
    assert plans.fitted_patches == recipe.SMALL_PATCHES
    assert plans.fine_spacing == recipe.FINE_SPACING_MM
    assert plans.intensity is not None
    assert (plans.intensity.lower, plans.intensity.upper) == recipe.CLIP_HU


def test_rate_warms_up_and_falls_to_zero() -> None:
    schedule = Schedule(iterations=1000, minutes=1.0, learning_rate=0.1)
    assert schedule.rate(0, 0.0) < 0.002
    assert schedule.rate(500, 0.5) == pytest.approx(0.05)
    assert schedule.rate(1000, 1.0) == pytest.approx(0.0)
    assert schedule.progress(10, 30.0) == 0.5
    assert schedule.progress(2000, 0.0) == 1.0


def test_dice_of_known_masks() -> None:
    a, b = np.zeros(10, bool), np.zeros(10, bool)
    assert dice(a, b) == 1.0
    a[:4] = b[2:6] = True
    assert dice(a, b) == 0.5


def test_validation_groups_by_prompt(bodies: list[Body]) -> None:
    rng = np.random.default_rng(8)
    drawn = [draw_sample(rng, bodies, SHOWN) for _ in range(40)]
    figures = dice_by_prompt(tiny_network().eval(), drawn)
    assert set(figures) == {"dice_box", "dice_point", "dice_prev_mask", "dice_empty"}
    assert all(0 <= value <= 1 for value in figures.values())


def test_a_real_scan_becomes_a_body_for_lesions(tmp_path: Path) -> None:
    geometry = Geometry(
        (30, 40, 40), (3.0, 2.0, 2.0), direction_lps=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    )
    voxels = np.full(geometry.shape, -1000, np.int16)
    voxels[:, 5:35, 5:35] = 50
    voxels[:, 15:25, 8:14] = -850
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(geometry.spacing[::-1])
    image.SetDirection(geometry.direction_lps)
    SimpleITK.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    body = samples.real_body(tmp_path / "ct.nii.gz", highest=0.5)
    tissue = body.anatomy.tissue
    assert tissue.shape == (30, 53, 53)
    assert tissue[15, 26, 39] == Tissue.LUNG  # stored with x running to the right
    assert tissue[15, 26, 26] == Tissue.MUSCLE
    assert tissue[15, 1, 1] == Tissue.AIR
    assert (tissue[tuple(body.anchors.T)] != Tissue.AIR).all()
    drawn = [draw_sample(np.random.default_rng(k), [body], SHOWN) for k in range(6)]
    assert all((sample.parts == samples.UNNAMED).all() for sample in drawn)
    assert any(sample.target.any() for sample in drawn)


_TOGETHER = """
import sys, torch, numpy as np
from pathlib import Path
from test_training_loop import tiny_network
from lesionlocator.training.loop import Schedule, train
from lesionlocator.training.processes import joined
from lesionlocator.training.samples import make_bodies

torch.set_num_threads(1)
bodies = list(make_bodies(3, 1, shape=(64, 90, 110)))
with joined(torch.device("cpu")) as one:
    output = Path(sys.argv[1]) / str(one.rank)
    network = tiny_network()
    train(network, bodies, [], Schedule(1000, 0.05), seed=3, output=output, metadata={}, processes=one)
    weights = torch.cat([p.detach().ravel() for p in network.parameters()])
    np.save(output / "weights.npy", weights.numpy())
threads = [name.read_text() for name in Path("/proc/self/task").glob("*/comm")]  # Linux only
(output / "threads.txt").write_text("".join(threads))
"""


def test_processes_that_train_together_stop_together_with_the_same_weights(tmp_path: Path) -> None:
    script = tmp_path / "together.py"
    script.write_text(_TOGETHER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (np.load(tmp_path / rank / "weights.npy") for rank in "01")
    np.testing.assert_array_equal(first, second)
    assert (tmp_path / "0" / "log.jsonl").is_file()
    assert not (tmp_path / "1" / "log.jsonl").exists()
    assert not [rank for rank in "01" if "gloo" in (tmp_path / rank / "threads.txt").read_text()]
