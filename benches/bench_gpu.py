"""Race whole lesions with full-size networks against the plain eager loop, on whatever device there is.

usage: python benches/bench_gpu.py [--device cuda] [--lesions 20] [--folds 5] [--tiny] [--output FILE.json]

Weights are random. The loop loads the weights of a fold again for each lesion and calls the network once a
mirroring; for tracking it also registers again for each lesion. It gets the patches that ours prepared, so
that its time is that of the networks alone, and is run for --loop-lesions lesions, each of which costs the
same. Its answers must agree with ours.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch as patched

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from lesionlocator.inference.ensemble import Answer, Ensemble
from lesionlocator.inference.precision import choose_precision, computing_in
from lesionlocator.longitudinal import load_tracking_model
from lesionlocator.model import NetworkFolder, build_network, read_weights, tracking_folder
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.results.provenance import peak_memory_mib
from lesionlocator.segmentation import load_model
from lesionlocator.tracking.ensemble import Member, TrackingNetwork
from random_models import SIZES, Size, boxes, labels, scan, write_models

Call = tuple[tuple[np.ndarray, ...], Any]
"""What went into a network, and what came out."""
_TOLERANCE = 0.05
"""Of half-precision answers, as a share of the largest."""


class Loop:
    """The plain way: a fold's weights loaded for each lesion, one call a mirroring, nothing changed."""

    def __init__(self, folder: NetworkFolder, device: torch.device, *, tracks: bool) -> None:
        self._folder = folder
        self._device = device
        self._tracks = tracks
        self.paths = list(folder.chosen(None).values())

    def loaded(self, path: Path) -> torch.nn.Module:
        network = build_network(self._folder.plans.architecture, "plans")
        network = TrackingNetwork(network) if self._tracks else network
        read_weights(path).load_into(network)
        return network.to(self._device).eval()

    def difference(self, network: torch.nn.Module, patch: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        with torch.inference_mode(), computing_in(self._device, choose_precision("auto", self._device)):
            x = torch.from_numpy(patch)[None].to(self._device)
            logits = network(x.flip(axes)).flip(axes)[0].float()
            return (logits[1] - logits[0]).cpu().numpy()

    def segment(self, patch: np.ndarray) -> np.ndarray:
        answers = []
        for path in self.paths:
            network = self.loaded(path)
            for count in range(4):
                for axes in itertools.combinations((2, 3, 4), count):
                    answers.append(self.difference(network, patch, axes))
        return np.mean(answers, axis=0)

    def track(self, pairs: list[Call], patches: list[Call]) -> None:
        views = len(pairs) // len(self.paths)
        for fold, path in enumerate(self.paths):
            network = self.loaded(path)
            for view in range(fold * views, (fold + 1) * views):
                (moving, fixed), (phi, _) = pairs[view]
                with torch.inference_mode():
                    cubes = [torch.from_numpy(np.ascontiguousarray(v))[None, None] for v in (moving, fixed)]
                    found = network.reg_net(*(cube.to(self._device) for cube in cubes))[0].cpu().numpy()
                agree(found, phi)
                (patch,), answer = patches[view]
                agree(self.difference(network.unet, patch, ()), answer)


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    off = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    if not off < _TOLERANCE:
        raise SystemExit(f"the answers differ by {off:.3f} of the largest")


@contextmanager
def recorded(owner: type, method: str) -> Iterator[list[Call]]:
    """Keep what goes into a method and comes out of it."""
    calls: list[Call] = []
    original = getattr(owner, method)

    def look_on(self: Any, *inputs: np.ndarray, **options: Any) -> Any:
        answer = original(self, *inputs, **options)
        calls.append((tuple(np.array(value) for value in inputs), answer))
        return answer

    with patched.object(owner, method, look_on):
        yield calls


@contextmanager
def recorded_answers() -> Iterator[list[Call]]:
    """Keep the patches that ensembles get, and their answers."""
    calls: list[Call] = []
    original = Ensemble.answers

    def look_on(self: Ensemble, patches: Iterable[np.ndarray], **options: Any) -> Iterator[Answer]:
        seen: list[np.ndarray] = []

        def watched() -> Iterator[np.ndarray]:
            for patch in patches:
                seen.append(np.array(patch))
                yield patch

        for index, answer in enumerate(original(self, watched(), **options)):
            calls.append(((seen[index],), answer.difference))
            yield answer

    with patched.object(Ensemble, "answers", look_on):
        yield calls


def measured(work: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Return seconds, on CUDA the share of them in which a kernel ran, and peak memory in MiB."""
    is_cuda = device.type == "cuda"
    if is_cuda:
        torch.cuda.reset_peak_memory_stats()
    started = perf_counter()
    work()
    found = {"seconds": perf_counter() - started}
    if not is_cuda:
        return found | {"peak_mib": float(peak_memory_mib() or 0)}
    found["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:  # apart, since it takes time itself
        started = perf_counter()
        work()
        wall = perf_counter() - started
    busy = sum(event.self_device_time_total for event in profiler.key_averages())
    return found | {"kernel_share": busy / 1e6 / wall}


def segmentation(folder: Path, size: Size, options: argparse.Namespace) -> dict[str, Any]:
    model = load_model(folder, device=options.device)
    device = model.device.device
    work = model.prepare(scan(size, 0), boxes(size, options.lesions))
    with recorded_answers() as patches:  # also warms up
        list(work.run(only=work.lesion_ids[: options.loop_lesions]))
    found = measured(lambda: list(work.run()), device)
    network = model.ensemble(PromptKind.BOX)
    loop = Loop(network.folder, device, tracks=False)
    started = perf_counter()
    answers = [loop.segment(patch) for (patch,), _ in patches]
    theirs = (perf_counter() - started) / len(patches)
    for mine, (_, answer) in zip(answers, patches, strict=True):
        agree(mine, answer)
    return result("segmentation", found, theirs, options.lesions) | {"precision": network.precision}


def tracking(folder: Path, size: Size, options: argparse.Namespace) -> dict[str, Any]:
    model = load_tracking_model(folder, device=options.device)
    device = model.device.device
    scans, known = [scan(size, seed) for seed in (0, 1)], labels(size, options.lesions)
    with recorded(Member, "register") as pairs, recorded(Member, "_forward") as batches:
        list(model.prepare(*scans, known).run(only=[1]))  # also warms up
    found = measured(lambda: list(model.prepare(*scans, known).run()), device)
    loop = Loop(tracking_folder(folder), device, tracks=True)
    started = perf_counter()
    loop.track(
        pairs,
        [
            ((patch,), answer)
            for (batch,), answers in batches
            for patch, answer in zip(batch, answers, strict=True)
        ],
    )
    return result("tracking", found, perf_counter() - started, options.lesions)


def result(work: str, found: dict[str, float], theirs: float, lesions: int) -> dict[str, Any]:
    each = found.pop("seconds") / lesions
    print(f"{work}: {each:.3f} s a lesion, eager loop {theirs:.3f} s: {theirs / each:.2f} x", flush=True)
    return {"work": work, "s_per_lesion": each, "loop_s_per_lesion": theirs, "ratio": theirs / each, **found}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--lesions", type=int, default=20)
    parser.add_argument("--loop-lesions", type=int, default=2, help="lesions that the loop segments")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="small networks, to try the script itself")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    size = SIZES["tiny" if options.tiny else "full"]
    with tempfile.TemporaryDirectory() as name:
        write_models(Path(name), size, options.folds)
        races = [race(Path(name), size, options) for race in (segmentation, tracking)]
    found = {
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "torch": torch.__version__,
        "networks": "tiny" if options.tiny else "full-size",
        "lesions": options.lesions,
        "folds": options.folds,
        "races": races,
    }
    print(json.dumps(found, indent=1))
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
