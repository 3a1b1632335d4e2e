"""Time one follow-up with many lesions, with the full-size registration network.

Scans are registered once for all lesions, so that more lesions cost only the U-Net's share: 20 lesions are to
take less than 1.6 times the registration of one, plus 20 times one lesion; and all that registration takes
for 20 lesions, at most 1.1 times one forward map of the network alone. Run it on a quiet machine.

usage: bench_tracking.py [--lesions 20] [--device cpu] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from safetensors.torch import save_file

from lesionlocator.geometry import Geometry
from lesionlocator.io import LabelMap, Scan
from lesionlocator.longitudinal import TrackingModel, load_tracking_model
from lesionlocator.model import Plans, build_network
from lesionlocator.results.provenance import peak_memory_mib
from lesionlocator.tracking.cube import CUBE
from lesionlocator.tracking.ensemble import TrackingNetwork

SHAPE = (160, 200, 200)
SPACING = (2.0, 1.5, 1.5)
PATCH = (48, 64, 64)
_ROUNDS = 3
"""The best of each counts: what other processes do to a machine only makes a round slower."""
SHARE_OF_REGISTRATION = 1.6
SHARE_OF_FORWARD = 1.1
RESAMPLING = ("resampling_fn_data", "resampling_fn_seg", "resampling_fn_probabilities")
UNET = {
    "n_stages": 4,
    "features_per_stage": [16, 32, 64, 96],
    "kernel_sizes": [[3, 3, 3]] * 4,
    "strides": [[1, 1, 1], *[[2, 2, 2]] * 3],
    "n_blocks_per_stage": [1, 1, 2, 2],
    "n_conv_per_stage_decoder": [1, 1, 1],
}
PLANS = {
    "transpose_forward": [0, 1, 2],
    "foreground_intensity_properties_per_channel": {
        "0": {"mean": -63.0, "std": 282.0, "percentile_00_5": -918.0, "percentile_99_5": 723.0}
    },
    "configurations": {
        "3d_fullres": {
            "patch_size": list(PATCH),
            "spacing": list(SPACING),
            "normalization_schemes": ["CTNormalization"],
            "use_mask_for_norm": [False],
            **{name: "resample_torch_fornnunet" for name in RESAMPLING},
            **{f"{name}_kwargs": {"force_separate_z": False} for name in RESAMPLING},
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
                "arch_kwargs": UNET,
            },
        }
    },
}


def write_model(folder: Path) -> None:
    """Write a tracking checkpoint with small random weights."""
    torch.manual_seed(0)
    network = TrackingNetwork(build_network(Plans.parse(PLANS, "plans").architecture, "plans"))
    network.unet_patch_size.copy_(torch.tensor(PATCH))
    for name, value in network.reg_net.named_parameters():
        if "lastConv" in name:
            value.data *= 0.05  # a displacement of about a voxel
    fold = folder / "LesionLocatorTrack" / "fold_0"
    fold.mkdir(parents=True)
    (fold.parent / "plans.json").write_text(json.dumps(PLANS))
    save_file(network.state_dict(), fold / "checkpoint_final.safetensors")


def scan(name: str, seed: int) -> Scan:
    """Return a body of soft tissue in air, with noise."""
    _, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    body = ((y - 100) / 70) ** 2 + ((x - 100) / 85) ** 2 < 1
    values = np.where(np.broadcast_to(body, SHAPE), 40, -1000)
    values = values + np.random.default_rng(seed).normal(0, 15, SHAPE)
    return Scan(name, values.astype(np.int16), Geometry(SHAPE, SPACING))


def lesions(count: int) -> LabelMap:
    """Return cubes of 6 voxels along the body."""
    labels = np.zeros(SHAPE, np.uint8)
    random = np.random.default_rng(5)
    for lesion in range(1, count + 1):
        z, y, x = random.integers((10, 60, 60), (144, 134, 134))
        labels[z : z + 6, y : y + 6, x : x + 6] = lesion
    return LabelMap(labels, Geometry(SHAPE, SPACING))


def timed(tracker: TrackingModel, count: int) -> tuple[float, float, float]:
    """Return seconds of a whole follow-up, of its registration, and of all its lesions."""
    baseline, followup, known = scan("baseline", 0), scan("followup", 1), lesions(count)
    started = perf_counter()
    work = tracker.prepare(baseline, followup, known)
    found = {lesion.lesion_id: lesion for lesion in work.run()}
    result = work.result(found)
    whole = perf_counter() - started
    assert len(result.lesions) == len(np.unique(known.labels)) - 1
    assert all(not lesion.lost_in_warp for lesion in found.values())
    return whole, work.seconds["registration"], sum(sum(f.seconds.values()) for f in found.values())


def forward_map(tracker: TrackingModel) -> float:
    """Return seconds of the registration network alone."""
    member = next(iter(tracker.ensemble.members.values()))
    cubes = [np.random.default_rng(seed).normal(size=CUBE).astype(np.float32) for seed in (0, 1)]
    started = perf_counter()
    member.register(*cubes)
    return perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lesions", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder))
        tracker = load_tracking_model(folder, device=arguments.device, mirroring=False)
        forward_map(tracker)  # the first call makes what later ones use
        rounds = [
            (forward_map(tracker), timed(tracker, 1), timed(tracker, arguments.lesions))
            for _ in range(_ROUNDS)
        ]
    forward = min(forward for forward, _, _ in rounds)
    single, registration, one = (min(values) for values in zip(*(one for _, one, _ in rounds), strict=True))
    many, again, all_of_them = (min(values) for values in zip(*(all_ for _, _, all_ in rounds), strict=True))
    allowed = SHARE_OF_REGISTRATION * registration + arguments.lesions * one
    told = {
        "machine": f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads",
        "load_average": os.getloadavg()[0],
        "torch": torch.__version__,
        "device": arguments.device,
        "grid": SHAPE,
        "patch": PATCH,
        "peak_mib": peak_memory_mib(),
        "forward_map_s": forward,
        "one_lesion": {"whole_s": single, "registration_s": registration, "lesion_s": one},
        "many_lesions": {
            "lesions": arguments.lesions,
            "whole_s": many,
            "registration_s": again,
            "a_lesion_s": all_of_them / arguments.lesions,
        },
        "allowed_s": allowed,
        "registration_per_forward_map": again / forward,
    }
    text = json.dumps(told, indent=2)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    met = many < allowed, again <= SHARE_OF_FORWARD * forward
    print(
        f"{arguments.lesions} lesions below {allowed:.1f} s: {met[0]}; registration at most "
        f"{SHARE_OF_FORWARD} forward maps: {met[1]}"
    )
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
