from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from tracking_cases import PLANS

from lesionlocator.errors import DeviceError, ModelError
from lesionlocator.longitudinal import load_tracking_model
from lesionlocator.model import tracking_folder
from lesionlocator.tracking import ensemble as module
from lesionlocator.tracking.ensemble import TrackingEnsemble, TrackingNetwork

CPU = torch.device("cpu")


class Shifting(nn.Module):
    """Stands for the registration network: moves all voxels by its only weight."""

    def __init__(self) -> None:
        super().__init__()
        self.regis_net = nn.Linear(1, 1, bias=False)

    def forward(self, moving: Tensor, fixed: Tensor) -> Tensor:
        size = moving.shape[2:]
        axes = torch.meshgrid(*(torch.arange(n) / (n - 1) for n in size), indexing="ij")
        return torch.stack(axes)[None] + self.regis_net.weight.view(1, 1, 1, 1, 1)


@pytest.fixture(autouse=True)
def small_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RegistrationNetwork", Shifting)


def unet() -> nn.Module:
    from lesionlocator.model import Plans, build_network

    torch.manual_seed(0)
    return build_network(Plans.parse(PLANS, "plans").architecture, "plans")


def write(
    root: Path, *, patch: tuple[int, ...] = (16, 16, 16), axes: tuple[int, ...] = (0, 2), **more: Any
) -> Path:
    """Write a checkpoint as published: second names as copies, and buffers that nothing needs."""
    network = TrackingNetwork(unet())
    network.unet_patch_size.copy_(torch.tensor(patch))
    network.reg_net.regis_net.weight.data.fill_(0.25)
    weights = network.state_dict()
    for name, value in list(weights.items()):
        if name.startswith("unet.encoder."):
            weights[name.replace("unet.", "unet.decoder.", 1)] = value.clone()
    weights |= {
        "reg_net.identity_map": torch.zeros(2),
        "reg_net.regis_net.identity_map": torch.zeros(2),
        **more,
    }
    for fold in (0, 3):
        folder = root / "LesionLocatorTrack" / f"fold_{fold}"
        folder.mkdir(parents=True)
        content = {"network_weights": weights, "inference_allowed_mirroring_axes": axes}
        torch.save(content, folder / "checkpoint_final.pth")
    (root / "LesionLocatorTrack" / "plans.json").write_text(json.dumps(PLANS))
    return root


def load(root: Path, **options: Any) -> TrackingEnsemble:
    return TrackingEnsemble(
        tracking_folder(root), **{"folds": None, "device": CPU, "mirroring": True} | options
    )


def test_a_checkpoint_with_second_names_and_unneeded_buffers_is_loaded(tmp_path: Path) -> None:
    ensemble = load(write(tmp_path), folds=[3])
    patch = np.random.default_rng(0).normal(size=(2, 16, 16, 16)).astype(np.float32)
    with torch.inference_mode():
        wanted = unet().eval()(torch.from_numpy(patch)[None])[0]
    (found,) = ensemble.members[3].logit_differences([patch])
    np.testing.assert_allclose(found, (wanted[1] - wanted[0]).numpy(), atol=1e-5)
    assert ensemble.members[3].patch == (16, 16, 16)


def test_patches_in_one_batch_give_what_each_gives_alone(tmp_path: Path) -> None:
    member = load(write(tmp_path), folds=[0]).members[0]
    patches = list(np.random.default_rng(0).normal(size=(5, 2, 16, 16, 16)).astype(np.float32))
    assert member.memory.batch == 1  # on the CPU
    alone = list(member.logit_differences(patches))
    member.memory.batch = 3
    for found, wanted in zip(member.logit_differences(patches), alone, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_batches_become_smaller_where_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = load(write(tmp_path), folds=[0]).members[0]
    forward, sizes = member._forward, []

    def short_of_memory(patches: np.ndarray) -> np.ndarray:
        sizes.append(len(patches))
        if len(patches) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return forward(patches)

    monkeypatch.setattr(member, "_forward", short_of_memory)
    member.memory.batch = 8
    assert len(list(member.logit_differences([np.zeros((2, 16, 16, 16), np.float32)] * 7))) == 7
    assert sizes == [7, 4, 2, 2, 2, 1]


def test_what_was_done_where_memory_was_short_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = load(write(tmp_path), folds=[0])
    member = ensemble.members[0]
    answers = iter([torch.cuda.OutOfMemoryError("out of memory"), np.zeros((1, 16, 16, 16), np.float32)])

    def short_once(patches: np.ndarray) -> np.ndarray:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(member, "_forward", short_once)
    member.memory.batch = 2
    assert len(list(member.logit_differences([np.zeros((2, 16, 16, 16), np.float32)]))) == 1
    assert ensemble.new_notes() == ("out of memory on cpu: samples go 1 at a time",)
    assert ensemble.new_notes() == ()


def test_views_are_all_mirrorings_of_all_folds(tmp_path: Path) -> None:
    root = write(tmp_path)
    assert list(load(root).views) == [(f, axes) for f in (0, 3) for axes in ((), (0,), (2,), (0, 2))]
    assert list(load(root, mirroring=False, folds=[0]).views) == [(0, ())]


def test_registering_gives_the_map_and_the_moved_image(tmp_path: Path) -> None:
    ensemble = load(write(tmp_path), folds=[0])
    moving = np.broadcast_to(np.arange(5, dtype=np.float32).reshape(5, 1, 1), (5, 5, 5))
    phi, moved = ensemble.members[0].register(moving, np.flip(moving))
    np.testing.assert_allclose(phi[0, :, 0, 0], [0.25, 0.5, 0.75, 1, 1.25])
    np.testing.assert_allclose(moved[:, 0, 0], [1, 2, 3, 4, 4], atol=1e-5)
    assert ensemble.seconds["registration"] > 0
    assert ensemble.seconds["network"] == 0


def test_a_map_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    ensemble = load(write(tmp_path, **{"reg_net.regis_net.weight": torch.full((1, 1), torch.nan)}), folds=[0])
    image = np.ones((5, 5, 5), np.float32)
    with pytest.raises(ModelError, match=r"fold_0.*not finite"):
        ensemble.members[0].register(image, image)


def test_a_patch_that_the_strides_do_not_divide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"unet_patch_size \[16, 15, 16\]"):
        load(write(tmp_path, patch=(16, 15, 16)))


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"weights unknown: unet\.strange"):
        load(write(tmp_path, **{"unet.strange": torch.zeros(1)}))


def test_a_folder_without_a_tracking_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no tracking model: expected LesionLocatorTrack"):
        load_tracking_model(tmp_path)
    with pytest.raises(ModelError, match="no such model folder"):
        load_tracking_model(tmp_path / "missing")


def test_a_tracker_is_loaded_from_the_checkpoint_or_its_tracking_half(tmp_path: Path) -> None:
    root = write(tmp_path)
    assert load_tracking_model(root, device="cpu").identity.folds == (0, 3)
    assert load_tracking_model(root / "LesionLocatorTrack", device="cpu", folds=[3]).identity.folds == (3,)
    with pytest.raises(ModelError, match="no fold 1; there are: 0, 3"):
        load_tracking_model(root, device="cpu", folds=[1])
    with pytest.raises(DeviceError):
        load_tracking_model(root, device="abacus")
