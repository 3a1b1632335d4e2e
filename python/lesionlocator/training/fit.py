"""Training a network on patches: optimizer, schedule, mixed precision, checkpoints, resuming, validation."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lesionlocator.errors import InputError
from lesionlocator.io import write_atomically
from lesionlocator.training.curves import write_curves
from lesionlocator.training.evaluate import SIZE_CLASSES_MM
from lesionlocator.training.loss import deep_supervision_loss, focus_of
from lesionlocator.training.muon import Muon
from lesionlocator.training.precision import half_of
from lesionlocator.training.validation import dice

if TYPE_CHECKING:
    from lesionlocator.networks import ResidualEncoderUNet
    from lesionlocator.training.patches import Patch, Sampler
    from lesionlocator.training.processes import Processes

STATE = "training_state.pt"
LOG = "log.jsonl"
PARTS = ("encoder", "decoder", "all")
_POWER = 0.9
_CLIP = 12.0
_MOMENTUM = 0.99


@dataclass(frozen=True)
class FitOptions:
    """How to train.

    Parameters
    ----------
    steps, batch
        How many, and patches in each of every process.
    optimizer, learning_rate, weight_decay
        ``"sgd"`` (Nesterov, momentum 0.99), ``"adamw"`` or ``"muon"``
        (:class:`~lesionlocator.training.muon.Muon`); the rate falls as (1 - step / steps) ** 0.9.
    part
        What learns: ``"encoder"``, ``"decoder"`` or ``"all"``.
    mixed_precision
        Whether convolutions run in half precision where the device is quick at it
        (:func:`~lesionlocator.training.precision.half_of`).
    validate_every
        Steps between validations, each of which also writes a checkpoint.
    seed
        Decides every patch.

    Raises
    ------
    InputError
        Where a number is out of range.
    """

    steps: int = 20000
    batch: int = 2
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    weight_decay: float = 3e-5
    part: str = "all"
    mixed_precision: bool = True
    validate_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.validate_every) < 1:
            raise InputError(
                f"steps, batch and validate_every are {self.steps}, {self.batch} and {self.validate_every}; "
                "legal: 1 or more"
            )
        if not (self.learning_rate > 0 and np.isfinite(self.learning_rate)):
            raise InputError(f"learning rate is {self.learning_rate}; legal: above 0")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, 0 to ``steps`` - 1."""
        return float(self.learning_rate * (1 - step / self.steps) ** _POWER)


@dataclass(frozen=True)
class Report:
    """What a validation found: mean loss since the last one, and mean Dice by kind of prompt and size."""

    step: int
    loss: float
    rate: float
    dice: dict[str, float]


def fit(
    network: ResidualEncoderUNet,
    sampler: Sampler,
    validation: list[Patch],
    options: FitOptions,
    *,
    output: Path,
    save: Callable[[torch.nn.Module, int], None],
    processes: Processes,
    resume: bool = False,
    told: Callable[[int, float, Report | None], None] = lambda _step, _loss, _report: None,
) -> list[Report]:
    """Train a network, and return what the validations found.

    Parameters
    ----------
    network
        Changed in place, on the device of ``processes``.
    sampler
        Of training patches; patch i of step s is the same in every run with the same seed and number of
        processes, also in a resumed one.
    validation
        Patches to validate on.
    options
        How to train.
    output
        Folder for the state, ``log.jsonl`` and ``progress.svg``.
    save
        Called with the network and the number of steps it has taken, to write the model.
    processes
        This one among others.
    resume
        Go on from the state in ``output``, if there is one.
    told
        Called after each step with its number, loss, and report where there was a validation.

    Raises
    ------
    InputError
        Where the state in ``output`` is of a training with other options, or damaged.
    """
    run = _Run(network, options, processes)
    reports: list[Report] = []
    begin = run.restore(output / STATE, reports) if resume and (output / STATE).is_file() else 0
    losses: list[float] = []
    with ThreadPoolExecutor(1) as ahead:  # the next batch is made while the network learns from this one

        def batch(step: int) -> list[Patch]:
            rng = np.random.default_rng([options.seed, 14, processes.rank, step])
            return [sampler.draw(rng) for _ in range(options.batch)]

        waiting = ahead.submit(batch, begin)
        for step in range(begin, options.steps):
            patches = waiting.result()
            if step + 1 < options.steps:
                waiting = ahead.submit(batch, step + 1)
            losses.append(run.step(patches, step))
            report = None
            if (step + 1) % options.validate_every == 0 or step + 1 == options.steps:
                if processes.is_first:
                    scores = dice_by_size(network, validation, processes.device)
                    report = Report(step + 1, float(np.mean(losses)), options.rate(step), scores)
                    reports.append(report)
                    save(network, step + 1)
                    run.keep(output / STATE, reports)
                    _write_log(output, reports)
                losses = []
                processes.wait()
            told(step + 1, losses[-1] if losses else float("nan"), report)
    return reports


class _Run:
    """A network with what changes it."""

    def __init__(self, network: ResidualEncoderUNet, options: FitOptions, processes: Processes) -> None:
        self.network, self.options, self.processes = network, options, processes
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(options.part in ("all", name.split(".")[0]))
        learning = [p for p in network.parameters() if p.requires_grad]
        if options.optimizer == "sgd":
            self.optimizer: torch.optim.Optimizer = torch.optim.SGD(
                learning, options.learning_rate, _MOMENTUM, weight_decay=options.weight_decay, nesterov=True
            )
        elif options.optimizer == "muon":
            self.optimizer = Muon(network, options.learning_rate, options.weight_decay)
        else:
            self.optimizer = torch.optim.AdamW(
                learning, options.learning_rate, weight_decay=options.weight_decay
            )
        self.half = half_of(processes.device) if options.mixed_precision else None
        self.scaler = torch.amp.GradScaler(processes.device.type, enabled=self.half is torch.float16)
        self.shared = processes.shared(_AllResolutions(network))

    def step(self, patches: list[Patch], step: int) -> float:
        """Take a step and return the loss."""
        device = self.processes.device
        inputs = torch.from_numpy(np.stack([p.inputs for p in patches]))
        inputs = inputs.to(device, memory_format=torch.channels_last_3d)
        target = torch.from_numpy(np.stack([p.target for p in patches]).astype(np.float32)).to(device)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate(step)
        with torch.autocast(device.type, self.half, enabled=self.half is not None):
            logits = self.shared(inputs)
        loss = deep_supervision_loss(logits, target, focus_of(inputs[:, -1], target))
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_([p for p in self.network.parameters() if p.requires_grad], _CLIP)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return float(loss.detach())

    def keep(self, path: Path, reports: list[Report]) -> None:
        """Write all that a resumed training needs."""
        state = {
            "step": reports[-1].step,
            "options": json.dumps(asdict(self.options)),
            "processes": self.processes.count,
            "reports": json.dumps([asdict(report) for report in reports]),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        with write_atomically(path) as partial:
            torch.save(state, partial)

    def restore(self, path: Path, reports: list[Report]) -> int:
        """Take up a state, fill in its reports, and return how many steps it has taken."""
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.processes.device, weights_only=True)
            before = {**json.loads(state["options"]), "processes": state["processes"]}
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
            raise InputError(f"{path}: is not a training state ({str(error).splitlines()[0]})") from error
        now = {**asdict(self.options), "processes": self.processes.count}
        changed = [
            f"{key} was {before.get(key)}, is {now[key]}" for key in now if before.get(key) != now[key]
        ]
        if changed:
            raise InputError(f"{path}: cannot be resumed with other options: {'; '.join(changed)}")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        reports += [Report(**report) for report in json.loads(state["reports"])]
        return int(state["step"])


class _AllResolutions(torch.nn.Module):
    """The network with the logits of all its resolutions for an answer."""

    def __init__(self, network: ResidualEncoderUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        return self.network.all_resolutions(inputs)


def dice_by_size(network: torch.nn.Module, patches: list[Patch], device: torch.device) -> dict[str, float]:
    """Return mean Dice by kind of prompt (``"box"``), and by kind and size (``"box 6-10 mm"``)."""
    groups: dict[str, list[float]] = {}
    network.eval()
    for patch in patches:
        with torch.no_grad():
            logits = network(torch.from_numpy(patch.inputs)[None].to(device))[0].float()
        score = dice((logits[1] > logits[0]).cpu().numpy(), patch.target)
        sizes = (f"{a:g}-{b:g} mm" for a, b in SIZE_CLASSES_MM if a <= patch.diameter_mm < b)
        for name in (patch.kind.value, *(f"{patch.kind.value} {size}" for size in sizes)):
            groups.setdefault(name, []).append(score)
    network.train()
    return {name: float(np.mean(scores)) for name, scores in sorted(groups.items())}


def _write_log(output: Path, reports: list[Report]) -> None:
    with write_atomically(output / LOG) as partial:
        partial.write_text("".join(json.dumps(asdict(r)) + "\n" for r in reports), encoding="utf-8")
    kinds = sorted({name for report in reports for name in report.dice if " " not in name})
    curves = {f"Dice, {kind}": [(r.step, r.dice.get(kind, 0.0)) for r in reports] for kind in kinds}
    write_curves(output / "progress.svg", {"loss": [(r.step, r.loss) for r in reports], **curves})
