"""``lesionlocator train`` and ``finetune``, as a user runs them: they learn, resume, and write what loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import torch

import lesionlocator as ll
import tiny_models
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.model import read_weights, segmentation_folder

SLOW = os.environ.get("LESIONLOCATOR_SLOW_TESTS")
SHAPE = (24, 40, 40)


def run(*arguments: object) -> int:
    return console.exit_code(lambda: lesionlocator.main([str(a) for a in arguments], standalone_mode=False))


def write_case(folder: Path, name: str, seed: int, *, lesion_hu: float, channels: int = 1) -> None:
    """Two bright balls in a body: what a tiny network can learn in a minute."""
    rng = np.random.default_rng(seed)
    grids = np.ogrid[tuple(slice(n) for n in SHAPE)]
    labels = np.zeros(SHAPE, np.uint8)
    for label, x in ((1, 11), (2, 28)):
        center = rng.integers((8, 10, x - 2), (16, 30, x + 2))
        away = sum((s * (g - c)) ** 2 for g, c, s in zip(grids, center, (1.2, 1, 1), strict=True))
        labels[away <= rng.uniform(3, 6) ** 2] = label
    voxels = np.where(labels > 0, lesion_hu, 0) + rng.normal(0, 20, SHAPE)
    for channel in range(channels):
        image = SimpleITK.GetImageFromArray((voxels if channel == 0 else voxels * 0.01).astype(np.int16))
        image.SetSpacing((1.5, 1.5, 2.0))
        SimpleITK.WriteImage(image, str(folder / "imagesTr" / f"{name}_{channel:04d}.nii.gz"))
    truth = SimpleITK.GetImageFromArray(labels)
    truth.SetSpacing((1.5, 1.5, 2.0))
    SimpleITK.WriteImage(truth, str(folder / "labelsTr" / f"{name}.nii.gz"))


def dataset(folder: Path, *, lesion_hu: float = 150.0, channels: int = 1, count: int = 4) -> Path:
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for k in range(count):
        write_case(folder, f"case{k}", k, lesion_hu=lesion_hu, channels=channels)
    return folder


def tiny_plans(folder: Path) -> Path:
    path = folder / "tiny.json"
    path.write_text(json.dumps(tiny_models.plans()))
    return path


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    arguments = ["--dataset", dataset(folder / "data"), "--plans", tiny_plans(folder), "--optimizer", "adamw"]
    arguments += [
        "--learning-rate",
        0.02,
        "--steps",
        100,
        "--validate-every",
        50,
        "--device",
        "cpu",
        "--seed",
        1,
    ]
    assert run("train", *arguments, "--no-amp", "-o", folder / "model") == 0
    return folder


def test_training_raises_the_dice_of_cases_it_has_not_seen(trained: Path) -> None:
    reports = log(trained / "model")
    assert [report["step"] for report in reports] == [50, 100]
    assert reports[-1]["dice"]["box"] > 0.7
    assert reports[-1]["loss"] < reports[0]["loss"]
    assert any(name.startswith("box ") and name.endswith(" mm") for name in reports[-1]["dice"])
    assert (trained / "model" / "progress.svg").read_text().startswith("<svg")


def test_the_model_segments_like_any_checkpoint(trained: Path, tmp_path: Path) -> None:
    image, labels = trained / "data/imagesTr/case0_0000.nii.gz", trained / "data/labelsTr/case0.nii.gz"
    code = run(
        "segment", "-i", image, "-p", labels, "-m", trained / "model", "-o", tmp_path, "--device", "cpu"
    )
    assert code == 0
    found = ll.read_labelmap(tmp_path / "case0_0000_lesions.nii.gz").labels > 0
    truth = ll.read_labelmap(labels).labels > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.7


def test_a_resumed_training_ends_as_one_without_a_break(trained: Path, tmp_path: Path) -> None:
    arguments = [
        "--dataset",
        trained / "data",
        "--plans",
        tiny_plans(tmp_path),
        "--cache",
        trained / "model/cache",
    ]
    arguments += ["--optimizer", "adamw", "--learning-rate", 0.01, "--steps", 4, "--validate-every", 2]
    arguments += ["--device", "cpu", "--no-amp", "--quiet"]
    assert run("train", *arguments, "-o", tmp_path / "whole") == 0
    state = tmp_path / "broken" / "training_state.pt"
    assert run("train", *arguments, "-o", tmp_path / "broken") == 0
    whole = torch.load(tmp_path / "whole" / "training_state.pt", weights_only=True)
    # Go back to the state after two steps, as if the run had ended there.
    first = run_two_steps(arguments, tmp_path / "half")
    state.write_bytes(first.read_bytes())
    assert run("train", *arguments, "-o", tmp_path / "broken", "--resume") == 0
    again = torch.load(state, weights_only=True)
    assert again["step"] == whole["step"] == 4
    for name, tensor in whole["network"].items():
        torch.testing.assert_close(again["network"][name], tensor, rtol=0, atol=0)


def run_two_steps(arguments: list, output: Path) -> Path:
    """Interrupt a run after its first validation."""
    from lesionlocator.training import fit

    kept = fit._Run.keep

    def keep_and_stop(self: object, path: Path, reports: list) -> None:
        kept(self, path, reports)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit._Run, "keep", keep_and_stop)
        assert run("train", *arguments, "-o", output) == 130
    return output / "training_state.pt"


def test_resuming_with_other_options_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    arguments = [
        "--dataset",
        trained / "data",
        "--plans",
        tiny_plans(tmp_path),
        "--device",
        "cpu",
        "--steps",
        7,
    ]
    assert run("train", *arguments, "-o", trained / "model", "--resume") == 1
    assert "steps was 100, is 7" in capsys.readouterr().err


def test_finetuning_improves_on_its_parent_on_shifted_data(trained: Path, tmp_path: Path) -> None:
    dark = dataset(tmp_path / "dark", lesion_hu=-150.0)
    arguments = [
        "--dataset",
        dark,
        "--from",
        trained / "model",
        "--device",
        "cpu",
        "--no-amp",
        "--cache",
        tmp_path,
    ]
    assert run("finetune", *arguments, "--steps", 1, "--learning-rate", 1e-9, "-o", tmp_path / "parent") == 0
    assert run("finetune", *arguments, "--steps", 60, "--learning-rate", 0.02, "-o", tmp_path / "child") == 0
    before, after = (log(tmp_path / name)[-1]["dice"]["box"] for name in ("parent", "child"))
    assert after > before + 0.1


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_only_the_chosen_part_learns(trained: Path, tmp_path: Path, part: str) -> None:
    arguments = ["--dataset", trained / "data", "--from", trained / "model", "--train", part, "--steps", 2]
    assert (
        run(
            "finetune",
            *arguments,
            "--device",
            "cpu",
            "--quiet",
            "-o",
            tmp_path,
            "--cache",
            trained / "model/cache",
        )
        == 0
    )
    before, after = (
        read_weights(next(iter(segmentation_folder(folder, "box").folds.values()))).parameters
        for folder in (trained / "model", tmp_path)
    )
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {part}


def test_a_new_channel_changes_nothing_at_first_and_then_learns(trained: Path, tmp_path: Path) -> None:
    from lesionlocator.training.setup import from_checkpoint

    parent = from_checkpoint(trained / "model", prompts="all", channels=1).network
    child = from_checkpoint(trained / "model", prompts="all", channels=2).network
    inputs = torch.randn(1, 3, 16, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(child(inputs), parent(inputs[:, [0, 2]]), rtol=1e-4, atol=1e-5)
    both = dataset(tmp_path / "both", channels=2, count=2)
    arguments = ["--dataset", both, "--from", trained / "model", "--device", "cpu", "--steps", 3, "--quiet"]
    assert run("finetune", *arguments, "-o", tmp_path / "child") == 0
    again = from_checkpoint(tmp_path / "child", prompts="all", channels=2).network
    assert again.encoder.stem.convs[0].conv.weight[:, 1].abs().max() > 0


def test_two_processes_train_one_model(trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [
        "-m",
        "lesionlocator",
        "train",
        "--dataset",
        str(trained / "data"),
        "--plans",
        str(tiny_plans(tmp_path)),
    ]
    command += [
        "--cache",
        str(trained / "model/cache"),
        "--device",
        "cpu",
        "--steps",
        "4",
        "--validate-every",
        "2",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "model")],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert [report["step"] for report in log(tmp_path / "model")] == [2, 4]
    assert done.stdout.count("step 4:") == 1
    segmentation_folder(tmp_path / "model", "box")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "give --images and --labels, or --dataset"),
        (["--dataset", "nowhere"], 1, "has no folder imagesTr"),
        (["--dataset", "{data}", "--validation", "1"], 1, "legal: a fraction above 0"),
        (["--dataset", "{data}", "--steps", "0"], 1, "legal: 1 or more"),
        (["--dataset", "{data}", "--patch", "20", "20", "20"], 4, "does not fit the network"),
        (["--dataset", "{data}", "--plans", "{data}/none.json"], 4, "cannot be read as JSON"),
    ],
)
def test_what_cannot_be_trained_is_told(
    trained: Path,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    message: str,
    *,
    capsys: pytest.CaptureFixture,
) -> None:
    given = [a.replace("{data}", str(trained / "data")) for a in arguments]
    assert run("train", *given, "-o", tmp_path / "out", "--device", "cpu") == code
    assert message in capsys.readouterr().err


@pytest.mark.skipif(not SLOW, reason="ten minutes of training; LESIONLOCATOR_SLOW_TESTS=1 runs it")
def test_ten_minutes_on_synthetic_patients_teach_a_tiny_model(tmp_path: Path) -> None:
    small = ["--spacing", 3, 2, 2, "--coverage-mm", 180, 260, 360, "--lesions", 12, "--diameters-mm", 8, 40]
    assert run("synth", "-o", tmp_path / "data", "-n", 8, *small, "--quiet") == 0
    arguments = [
        "--dataset",
        tmp_path / "data",
        "--optimizer",
        "muon",
        "--patch",
        32,
        32,
        32,
        "--spacing",
        2,
        2,
        2,
    ]
    arguments += ["--prompts", "box", "--batch", 4, "--steps", 1500, "--device", "cpu", "--quiet"]
    assert run("train", *arguments, "-o", tmp_path / "model") == 0
    reports = log(tmp_path / "model")
    assert reports[-1]["dice"]["box"] > 0.6
    assert reports[-1]["dice"]["box"] > reports[0]["dice"]["box"]
