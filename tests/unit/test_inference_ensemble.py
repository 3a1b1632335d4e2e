"""The mean over folds and mirrorings: in batches, in less memory, and in other precisions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from lesionlocator.errors import DeviceError
from lesionlocator.inference.ensemble import Ensemble, GivenUpError
from lesionlocator.inference.memory import MemoryLadder, is_out_of_memory
from lesionlocator.inference.precision import choose_precision
from lesionlocator.inference.transfer import Transfer
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
    calls: list[int] = []
    found = one_answer(ensemble(folder, batch=batch), patch, on_forward=calls.append)
    np.testing.assert_allclose(found, slow_mean(patch), rtol=1e-4, atol=1e-4)
    assert calls == [0] * 16


@pytest.mark.parametrize(("batch", "at_once"), [(1, 1), (8, 1), (20, 2), (32, 4)])
def test_several_patches_at_once_answer_as_one_by_one(
    folder: NetworkFolder, patch: np.ndarray, batch: int, at_once: int
) -> None:
    several = [np.roll(patch, shift, axis=3) for shift in range(5)]
    one = ensemble(folder, batch=batch)
    sizes = sizes_of_batches(one)
    assert one.patches_at_once == at_once
    calls: list[int] = []
    found = [answer.difference for answer in one.answers(iter(several), on_forward=calls.append)]
    assert sorted(calls) == sorted([*range(5)] * 16)
    assert max(sizes) == min(batch, 8 * at_once)
    for each, given in zip(found, several, strict=True):
        np.testing.assert_allclose(each, slow_mean(given), rtol=1e-4, atol=1e-4)


def test_the_next_patches_are_on_their_way_before_the_last_answers_are_waited_for(
    folder: NetworkFolder, patch: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on CUDA, where a call returns before it is computed."""
    told: list[str] = []
    down = Transfer.down

    def watched(self: Transfer, total: torch.Tensor) -> Callable[[], np.ndarray]:
        landed = down(self, total)
        told.append("launched")
        return lambda: told.append("landed") or landed()

    monkeypatch.setattr(Transfer, "down", watched)
    several = [np.roll(patch, shift, axis=3) for shift in range(3)]
    one = ensemble(folder, batch=8)
    one._flights_ahead = 1
    answers = [answer.difference for answer in one.answers(several)]
    assert told == ["launched", "launched", "landed", "launched", "landed", "landed"]
    for found, given in zip(answers, several, strict=True):
        np.testing.assert_allclose(found, slow_mean(given), rtol=1e-4, atol=1e-4)


def test_patches_of_different_lesions_share_a_batch_without_mirroring(
    folder: NetworkFolder, patch: np.ndarray
) -> None:
    one = Ensemble(folder, folds=[0], device=CPU, mirroring=False, batch=3)
    sizes = sizes_of_batches(one)
    assert len(list(one.answers([patch] * 7))) == 7
    assert sizes == [3, 3, 1]


def test_one_that_mirrors_answers_without_mirroring_where_asked_to(
    folder: NetworkFolder, patch: np.ndarray
) -> None:
    mirrors, plain = (Ensemble(folder, folds=None, device=CPU, mirroring=m, batch=8) for m in (True, False))
    sizes = sizes_of_batches(mirrors)
    several = [np.roll(patch, shift, axis=3) for shift in range(8)]
    calls: list[int] = []
    found = list(mirrors.answers(several, mirroring=False, on_forward=calls.append))
    assert sizes == [8, 8]  # one for each fold
    assert calls == [*range(8)] * 2
    for ours, theirs in zip(found, plain.answers(several), strict=True):
        np.testing.assert_allclose(ours.difference, theirs.difference, rtol=1e-4, atol=1e-4)
    assert not np.allclose(found[0].difference, slow_mean(patch), atol=1e-3)


def test_an_answer_that_nobody_waits_for_is_given_up(folder: NetworkFolder, patch: np.ndarray) -> None:
    with pytest.raises(GivenUpError):
        list(ensemble(folder).answers([patch], is_given_up=lambda: True))


def one_answer(one: Ensemble, patch: np.ndarray, **options: Any) -> np.ndarray:
    (answer,) = one.answers([patch], **options)
    return answer.difference


def sizes_of_batches(one: Ensemble) -> list[int]:
    """Grows with every call of the networks by how many samples it has."""
    sizes: list[int] = []
    for network, _ in one._members:
        network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    return sizes


def limit_batch(
    one: Ensemble, most: int, problem: BaseException, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Let the networks of an ensemble fail for batches of more than ``most`` samples."""

    def refuse(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(inputs[0]) > most and not until():
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
    calls: list[int] = []
    (answer,) = one.answers([patch], on_forward=calls.append)
    np.testing.assert_allclose(answer.difference, slow_mean(patch), rtol=1e-4, atol=1e-4)
    assert calls == [0] * 16
    assert answer.notes == (
        "out of memory on cpu: samples go 4 at a time",
        "out of memory on cpu: samples go 2 at a time",
    )


def test_a_group_of_patches_that_does_not_fit_becomes_smaller(
    folder: NetworkFolder, patch: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where copying the patches fails already, none is lost, counted twice, or out of order."""
    up = Transfer.up

    def full(self: Transfer, patches: Sequence[np.ndarray]) -> torch.Tensor:
        if len(patches) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return up(self, patches)

    monkeypatch.setattr(Transfer, "up", full)
    several = [np.roll(patch, shift, axis=3) for shift in range(5)]
    one = ensemble(folder, batch=32)
    calls: list[int] = []
    answers = list(one.answers(several, on_forward=calls.append))
    assert calls == [index for index in range(5) for _ in range(16)]
    assert [len(answer.notes) for answer in answers] == [2, 0, 0, 0, 0]
    for answer, given in zip(answers, several, strict=True):
        np.testing.assert_allclose(answer.difference, slow_mean(given), rtol=1e-4, atol=1e-4)


def test_in_the_end_answers_are_summed_on_the_host(folder: NetworkFolder, patch: np.ndarray) -> None:
    """The CPU stands for a device that is not the host: memory runs out until nothing is summed there."""
    one = ensemble(folder, batch=2)
    one._memory.sums_on_host = False
    limit_batch(one, 0, torch.OutOfMemoryError("out of memory"), until=lambda: one._memory.sums_on_host)
    (answer,) = one.answers([patch])
    assert [note.partition(": ")[2] for note in answer.notes] == [
        "samples go 1 at a time",
        "answers are summed on the host",
    ]
    np.testing.assert_allclose(answer.difference, slow_mean(patch), rtol=1e-4, atol=1e-4)


def test_where_no_step_is_left_the_problem_is_raised(folder: NetworkFolder, patch: np.ndarray) -> None:
    one = ensemble(folder)
    limit_batch(one, 0, MemoryError())
    with pytest.raises(MemoryError):
        one_answer(one, patch)


def test_another_problem_is_not_taken_for_missing_memory(folder: NetworkFolder, patch: np.ndarray) -> None:
    one = ensemble(folder, batch=8)
    limit_batch(one, 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="multiplied"):
        one_answer(one, patch)
    assert one._memory.new_notes() == ()


def test_after_the_smallest_batch_comes_the_host_and_then_nothing() -> None:
    ladder = MemoryLadder(torch.device("mps"), batch=2, sums_on_host=False)
    steps = []
    while ladder.goes_on_after(MemoryError()):
        steps.append((ladder.batch, ladder.sums_on_host))
    assert steps == [(1, False), (1, True)]
    assert len(ladder.new_notes()) == 2
    assert ladder.new_notes() == ()


def test_what_is_missing_memory() -> None:
    assert all(is_out_of_memory(problem) for problem in OUT_OF_MEMORY)
    assert not is_out_of_memory(ValueError("memory layout"))


def test_bfloat16_is_near_float32(folder: NetworkFolder, patch: np.ndarray) -> None:
    exact = one_answer(ensemble(folder), patch)
    near = one_answer(ensemble(folder, precision="bf16"), patch)
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
