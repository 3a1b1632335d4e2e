"""Race the kernels against the libraries that people use for the same work, checking every answer first.

usage: python benches/bench_kernels.py [--threads N] [--output FILE.json]

Both sides run in turn in one process, and the ratio is that of the medians: the machine's speed drifts.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cc3d
import numpy as np
import torch

from lesionlocator import _core

PATCH_SOURCE, PATCH_TARGET = (107, 183, 183), (160, 224, 224)
MIDDLE_SOURCE, MIDDLE_TARGET = (150, 512, 512), (225, 627, 627)
INTENSITY = (-918.0, 723.0, -63.0, 282.0)
Race = tuple[str, str, Callable[[], object], Callable[[], object], Callable[[object, object], bool]]


def frame(source: tuple[int, ...], target: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {
        "source_shape": source,
        "source_start": (0, 0, 0),
        "target_shape": target,
        "target_start": (0, 0, 0),
    }


def resampling(name: str, source: tuple[int, ...], target: tuple[int, ...]) -> Race:
    voxels = np.random.default_rng(0).integers(-1000, 1500, source, dtype=np.int16)
    low, high, mean, std = (np.float32(v) for v in INTENSITY)

    def ours() -> np.ndarray:
        out = np.empty(target, np.float32)
        _core.resample_trilinear(voxels, out, **frame(source, target), intensity=INTENSITY)
        return out

    def theirs() -> np.ndarray:
        image = (np.clip(voxels.astype(np.float32), low, high) - mean) / std
        tensor = torch.from_numpy(image)[None, None]
        return torch.nn.functional.interpolate(tensor, size=target, mode="trilinear")[0, 0].numpy()

    return f"int16 to normalized, trilinear, {name}", "numpy + torch", ours, theirs, close


def labels(source: tuple[int, ...], target: tuple[int, ...]) -> Race:
    volume = lesions(source, 6)

    def ours() -> np.ndarray:
        out = np.zeros(target, np.uint8)
        _core.resample_labels(volume, out, **frame(source, target))
        return out

    def theirs() -> np.ndarray:
        out = torch.zeros(target, dtype=torch.uint8)
        for label in range(1, 7):
            one = torch.from_numpy((volume == label).astype(np.float32))[None, None]
            out[torch.nn.functional.interpolate(one, size=target, mode="trilinear")[0, 0] > 0.5] = label
        return out.numpy()

    return "labels, 6 lesions, quarter of a body", "torch, label by label", ours, theirs, np.array_equal


def components(shape: tuple[int, ...]) -> Race:
    mask = (lesions(shape, 200) > 0).astype(np.uint8)

    def ours() -> np.ndarray:
        return _core.components_instances(mask, connectivity=26)[1]

    def theirs() -> np.ndarray:
        return cc3d.statistics(cc3d.connected_components(mask, connectivity=26))["voxel_counts"][1:]

    return "instances of a whole-body mask", "cc3d", ours, theirs, np.array_equal


def foreground(shape: tuple[int, ...]) -> Race:
    logits = np.random.default_rng(1).standard_normal((2, *shape)).astype(np.float32)
    difference = logits[1] - logits[0]

    def ours() -> np.ndarray:
        out = np.empty(shape, np.uint8)
        _core.stitch_foreground(difference, out)
        return out

    return "mask of a patch's logits", "numpy argmax", ours, lambda: logits.argmax(0), np.array_equal


def lesions(shape: tuple[int, ...], count: int) -> np.ndarray:
    """Return a label map of small boxes; more than 255 would wrap."""
    rng = np.random.default_rng(2)
    volume = np.zeros(shape, np.uint8)
    for label in range(1, count + 1):
        start = [int(rng.integers(0, n - 30)) for n in shape]
        volume[tuple(slice(s, s + int(rng.integers(4, 30))) for s in start)] = label
    return volume


def close(ours: object, theirs: object) -> bool:
    return bool(np.allclose(ours, theirs, rtol=0, atol=1e-5))


def median_seconds(
    work: Callable[[], object], other: Callable[[], object], runs: int = 7
) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for side, call in zip(times, (work, other), strict=True):
            begin = time.perf_counter()
            call()
            side.append(time.perf_counter() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    _core.set_threads(options.threads)
    races = [
        resampling("one patch", PATCH_SOURCE, PATCH_TARGET),
        resampling("quarter of a body", MIDDLE_SOURCE, MIDDLE_TARGET),
        labels(MIDDLE_SOURCE, MIDDLE_TARGET),
        components((600, 512, 512)),
        foreground(PATCH_TARGET),
    ]
    results = []
    for name, peer, ours, theirs, equal in races:
        if not equal(ours(), theirs()):
            raise SystemExit(f"{name}: the answers differ")
        mine, its = median_seconds(ours, theirs)
        results.append(
            {"work": name, "peer": peer, "ms": mine * 1e3, "peer_ms": its * 1e3, "ratio": its / mine}
        )
        print(
            f"{name:45} {mine * 1e3:9.2f} ms   {peer:22} {its * 1e3:9.1f} ms   {its / mine:6.1f} x",
            flush=True,
        )
    if options.output:
        machine = {"processor": platform.processor() or platform.machine(), "threads": options.threads}
        versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        content = {"machine": machine, "versions": versions, "results": results}
        options.output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
