"""The mean over folds and mirrorings: in batches, in less memory, and in other precisions."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny_models
from lesionlocator.errors import DeviceError
from lesionlocator.inference.ensemble import Ensemble
from lesionlocator.inference.memory import MemoryLadder, is_out_of_memory
from lesionlocator.inference.precision import choose_precision
from lesionlocator.model import NetworkFolder, segmentation_folder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> NetworkFolder:
    made = tmp_path_factory.mktemp("model")
    tiny_models.write(made, tiny_models.plans(), folds=(0, 1))
    return segmentation_folder(Path(made), "box")


@pytest.fixture(scope="module")
def patch() -> np.ndarray:
    made = np.random.default_rng(0).standard_normal((2, *tiny_models.PATCH)).astype(np.float32)
    made[1] = 0
    made[1, 5:9, 4:10, 6:12] = 1
    return made


def ensemble(folder: NetworkFolder, **options: object) -> Ensemble:
    return Ensemble(folder, folds=None, device=CPU, mirroring=True, **options)


def slow_mean(patch: np.ndarray) -> np.ndarray:
    """Return the mean over both folds and all mirrorings, one forward each, of the networks as trained."""
    x = torch.from_numpy(patch)[None]
    answers = []
    for fold in (0, 1):
        network = tiny_models.network(fold)
        for count in range(4):
            for axes in itertools.combinations((2, 3, 4), count):
                with torch.inference_mode():
                    logits = network(x.flip(axes)).flip(axes)[0]
                answers.append((logits[1] - logits[0]).numpy())
    return np.mean(answers, axis=0)


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_mirrorings_in_batches_give_the_slow_mean(
    folder: NetworkFolder, patch: np.ndarray, batch: int
) -> None:
    calls = []
    found = ensemble(folder, batch=batch).logit_difference(patch, on_forward=lambda: calls.append(1))
    np.testing.assert_allclose(found, slow_mean(patch), rtol=1e-4, atol=1e-4)
    assert len(calls) == 16


def limit_batch(one: Ensemble, most: int, problem: BaseException) -> None:
    """Let the networks of an ensemble fail for batches of more than ``most`` samples."""

    def refuse(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > most:
            raise problem

    for network, _ in one._members:
        network.register_forward_pre_hook(refuse)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


@pytest.mark.parametrize("problem", OUT_OF_MEMORY, ids=lambda problem: str(problem)[:12] or "MemoryError")
def test_where_memory_runs_out_batches_become_smaller(
    folder: NetworkFolder, patch: np.ndarray, problem: BaseException
) -> None:
    one = ensemble(folder, batch=8)
    limit_batch(one, 2, problem)
    calls = []
    found = one.logit_difference(patch, on_forward=lambda: calls.append(1))
    np.testing.assert_allclose(found, slow_mean(patch), rtol=1e-4, atol=1e-4)
    assert len(calls) == 16
    assert [note.partition(": ")[2] for note in one.memory_notes] == [
        "mirrorings go 4 at a time",
        "mirrorings go 2 at a time",
    ]


def test_where_no_step_is_left_the_problem_is_raised(folder: NetworkFolder, patch: np.ndarray) -> None:
    one = ensemble(folder)
    limit_batch(one, 0, MemoryError())
    with pytest.raises(MemoryError):
        one.logit_difference(patch)


def test_another_problem_is_not_taken_for_missing_memory(folder: NetworkFolder, patch: np.ndarray) -> None:
    one = ensemble(folder, batch=8)
    limit_batch(one, 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="multiplied"):
        one.logit_difference(patch)
    assert one.memory_notes == []


def test_after_the_smallest_batch_answers_are_summed_on_the_host() -> None:
    ladder = MemoryLadder(torch.device("mps"), batch=2)
    assert ladder.step_down()
    assert (ladder.batch, ladder.sums_on_host) == (1, False)
    assert ladder.step_down()
    assert ladder.sums_on_host
    assert not ladder.step_down()
    assert len(ladder.notes) == 2


def test_what_is_missing_memory() -> None:
    assert all(is_out_of_memory(problem) for problem in OUT_OF_MEMORY)
    assert not is_out_of_memory(ValueError("memory layout"))


def test_bfloat16_is_near_float32(folder: NetworkFolder, patch: np.ndarray) -> None:
    exact = ensemble(folder).logit_difference(patch)
    near = ensemble(folder, precision="bf16").logit_difference(patch)
    assert near.dtype == np.float32
    assert np.abs(near - exact).max() < 0.05 * np.abs(exact).max()
    assert not np.array_equal(near, exact)


@pytest.mark.parametrize(
    ("name", "device", "expected"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "cuda", torch.float16),
        ("auto", "mps", torch.float32),
        ("fp32", "cuda", torch.float32),
        ("bf16", "cpu", torch.bfloat16),
        ("fp16", "mps", torch.float16),
    ],
)
def test_precision_by_name(name: str, device: str, expected: torch.dtype) -> None:
    assert choose_precision(name, torch.device(device)) == expected


@pytest.mark.parametrize(
    ("name", "device", "told"),
    [
        ("fp16", "cpu", "legal: auto, fp32, bf16"),
        ("bf16", "mps", "legal: auto, fp32, fp16"),
        ("fp8", "cpu", "is unknown"),
    ],
)
def test_a_precision_that_cannot_be_used_is_refused(name: str, device: str, told: str) -> None:
    with pytest.raises(DeviceError, match=told):
        choose_precision(name, torch.device(device))
