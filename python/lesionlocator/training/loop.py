"""The training loop."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lesionlocator.training.averaging import approach
from lesionlocator.training.checkpoint import save_model
from lesionlocator.training.loss import deep_supervision_loss, focus_of
from lesionlocator.training.muon import Muon
from lesionlocator.training.precision import half_of
from lesionlocator.training.samples import LESION, UNNAMED, Body, Sample, draw_sample
from lesionlocator.training.shown_patches import SHOWN_PATCHES
from lesionlocator.training.validation import dice_by_prompt

if TYPE_CHECKING:
    from pathlib import Path

    from lesionlocator.networks.residual_unet import ResidualEncoderUNet
    from lesionlocator.training.processes import Processes

_NAMING_WEIGHT = 0.3
_NAMING_STRIDE = 2
"""Neighbouring voxels tell much the same; naming each of them costs a third of a step."""
_WARMUP = 100
_AVERAGE_DECAY = 0.999
_REPORT_EVERY = 50


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the first of the two limits ends it.

    Parameters
    ----------
    iterations, minutes
        Limits.
    learning_rate
        Of :class:`~lesionlocator.training.muon.Muon` after warm-up; it falls along a cosine to zero.
    """

    iterations: int
    minutes: float
    learning_rate: float = 4e-2

    def progress(self, iteration: int, seconds: float) -> float:
        """Return how much of the training is done, 0 to 1."""
        return min(1.0, max(iteration / self.iterations, seconds / (60 * self.minutes)))

    def rate(self, iteration: int, progress: float) -> float:
        """Return the learning rate of a step."""
        return (
            self.learning_rate
            * min(1.0, (iteration + 1) / _WARMUP)
            * 0.5
            * (1 + float(np.cos(np.pi * progress)))
        )


class Learner(torch.nn.Module):
    """A network, and while it learns a second head that names the tissue of every voxel.

    A prompted lesion teaches little about an image: a network first learns to answer with the shape of the
    prompt. Naming tissues and lesions everywhere makes it look at the image from the start. The second head
    is not part of the model; one that looks at the image already can learn without it.
    """

    def __init__(self, network: ResidualEncoderUNet, *, naming: bool = True) -> None:
        super().__init__()
        self.network = network
        channels = int(network.decoder.seg_layers[-1].in_channels)  # type: ignore[arg-type]  # of a list of modules
        self.parts = torch.nn.Conv3d(channels, LESION + 1, 1) if naming else None

    def forward(self, inputs: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """Return the logits of all resolutions, the finest first, and of every second voxel's tissue."""
        decoder = self.network.decoder
        features = decoder.features(self.network.encoder(inputs))
        logits = [head(f) for head, f in zip(decoder.seg_layers, features, strict=True)]
        some = slice(None, None, _NAMING_STRIDE)
        return logits[::-1], self.parts(features[-1][..., some, some, some]) if self.parts else None


def training_step(learner: torch.nn.Module, optimizer: torch.optim.Optimizer, samples: list[Sample]) -> float:
    """Take one step on a batch and return the loss of the prompted lesions."""
    inputs = torch.from_numpy(np.stack([s.inputs for s in samples])).to(memory_format=torch.channels_last_3d)
    target = torch.from_numpy(np.stack([s.target for s in samples]).astype(np.float32))
    half = half_of(torch.device("cpu"))
    with torch.autocast("cpu", half, enabled=half is not None):
        logits, part_logits = learner(inputs)
    loss = deep_supervision_loss(logits, target, focus_of(inputs[:, -1], target))
    named = 0.0 if part_logits is None else _naming_loss(part_logits.float(), samples)
    optimizer.zero_grad(set_to_none=True)
    (loss + _NAMING_WEIGHT * named).backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
    torch.nn.utils.clip_grad_norm_(learner.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


def _naming_loss(logits: torch.Tensor, samples: list[Sample]) -> torch.Tensor:
    some = slice(None, None, _NAMING_STRIDE)
    parts = torch.from_numpy(np.stack([s.parts[some, some, some] for s in samples]).astype(np.int64))
    named = torch.nn.functional.cross_entropy(logits, parts, ignore_index=UNNAMED, reduction="sum")
    return named / max(parts.numel(), 1)


def train(
    network: ResidualEncoderUNet,
    bodies: list[Body],
    held_out: list[Sample],
    schedule: Schedule,
    *,
    seed: int,
    output: Path,
    metadata: dict[str, str],
    processes: Processes,
    naming: bool = True,
) -> ResidualEncoderUNet:
    """Train ``network`` and return the moving average of its weights, also written now and then.

    Parameters
    ----------
    network
        Changed in place.
    bodies
        Where training crops come from.
    held_out
        Samples of other bodies, for the figures in ``log.jsonl``.
    schedule
        Length and learning rate.
    seed
        Decides every sample.
    output
        Folder for the model in the published layout, and for ``log.jsonl``.
    metadata
        Goes into the checkpoint.
    processes
        This one among those that train together; each adds its own samples to every step.
    naming
        Whether a second head of :class:`Learner` learns too.
    """
    sizes, rng = np.random.default_rng([seed, 19]), np.random.default_rng([seed, 4, processes.rank])
    shares = [patch.share for patch in SHOWN_PATCHES]
    learner = Learner(network, naming=naming).to(memory_format=torch.channels_last_3d).train()
    average = deepcopy(network).eval()
    optimizer = Muon(learner, schedule.learning_rate)
    shared = processes.shared(learner)
    output.mkdir(parents=True, exist_ok=True)
    begin, losses, iteration, progress, milestone = time.monotonic(), [], 0, 0.0, 0.1
    while progress < 1:
        rate = schedule.rate(iteration, progress)
        for group in optimizer.param_groups:
            group["lr"] = rate
        shown = SHOWN_PATCHES[int(sizes.choice(len(shares), p=shares))]
        samples = [draw_sample(rng, bodies, shown) for _ in range(shown.count)]
        losses.append(training_step(shared, optimizer, samples))
        iteration += 1
        approach(average, network, 1 - min(_AVERAGE_DECAY, iteration / (iteration + 10)))
        seconds = processes.told_by_first(time.monotonic() - begin)
        progress = schedule.progress(iteration, seconds)
        entry = {"iteration": iteration, "seconds": round(seconds, 1), "rate": rate}
        if not processes.is_first:
            continue
        if iteration % _REPORT_EVERY == 0:
            _log(output, entry | {"loss": float(np.mean(losses[-_REPORT_EVERY:]))})
        if progress >= milestone:
            milestone += 0.1
            _log(output, entry | dice_by_prompt(average, held_out))
            save_model(average, output, metadata | {"iterations": str(iteration)})
    return average


def _log(output: Path, entry: dict[str, float]) -> None:
    with (output / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
