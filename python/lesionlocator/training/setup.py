"""What a training starts from: plans, a network, and cases for learning and for validation."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lesionlocator.errors import InputError, ModelError
from lesionlocator.model import build_network, read_weights
from lesionlocator.model.folder import segmentation_path
from lesionlocator.model.plans import CONFIGURATION, Plans
from lesionlocator.prompts.kinds import Kind, PromptKind
from lesionlocator.training.checkpoint import plans as builtin_plans
from lesionlocator.training.simulated import SHARES

if TYPE_CHECKING:
    from lesionlocator.geometry import Shape, Triple
    from lesionlocator.networks import ResidualEncoderUNet

_STEM = "encoder.stem.convs.0.conv.weight"
KINDS: dict[str, tuple[Kind, ...]] = {
    "all": tuple(SHARES),
    "box": (PromptKind.BOX,),
    "point": (PromptKind.POINT,),
}
"""What ``--prompts`` can ask for."""


@dataclass(frozen=True, eq=False)
class Start:
    """A network to train, and the plans.json that goes with it."""

    network: ResidualEncoderUNet
    content: dict[str, Any]

    @property
    def plans(self) -> Plans:
        """What the plans.json says."""
        return Plans.parse(self.content, "plans")


def fresh_start(
    base: Path | None,
    *,
    patch: Shape | None,
    spacing: Triple | None,
    prompts: str,
    intensity: dict[str, float],
    channels: int,
    seed: int,
) -> Start:
    """Return a network with fresh weights for the plans of the built-in model, or of another plans.json.

    Parameters
    ----------
    base
        A plans.json, or None for the built-in model's.
    patch, spacing
        Instead of those of the plans.
    prompts
        A key of :data:`KINDS`.
    intensity
        Of the lesions, as :func:`~lesionlocator.training.cache.foreground_intensity` returns it.
    channels
        Images of each case.
    seed
        Decides the weights.

    Raises
    ------
    ModelError
        Where the plans are not usable, or the patch does not fit the network.
    """
    if base is None:
        content = builtin_plans()
    else:
        try:
            content = json.loads(base.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{base}: cannot be read as JSON ({error})") from error
    Plans.parse(content, str(base or "built-in plans"))
    configuration = content["configurations"][CONFIGURATION]
    configuration |= {} if patch is None else {"patch_size": list(patch)}
    configuration |= {} if spacing is None else {"spacing": list(spacing)}
    content["foreground_intensity_properties_per_channel"] = {"0": intensity}
    content["prompts"] = [kind.value for kind in KINDS[prompts]]
    torch.manual_seed(seed)
    made = Start(_built(content), content)
    _check_patch(made.plans)
    return with_channels(made, channels)


def from_checkpoint(folder: Path | None, *, prompts: str, channels: int) -> Start:
    """Return the network of a checkpoint that segments, and its plans; further channels start at zero.

    Raises
    ------
    ModelError
        Where the checkpoint is missing, unusable, or has more channels than the cases.
    """
    found = segmentation_path(folder, "point" if prompts == "point" else "box")
    path = found / "plans.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read as JSON ({error})") from error
    schemes = Plans.parse(content, str(path)).channels
    content["prompts"] = [kind.value for kind in KINDS[prompts]]
    made = Start(_built(content), content)
    weights = sorted(found.glob("fold_*/checkpoint_final.*"))
    if not weights:
        raise ModelError(f"{found}: no fold_<number> folder with a checkpoint_final file")
    read_weights(weights[0]).load_into(made.network)
    if channels < schemes:
        raise ModelError(f"{path}: the model takes {schemes} channels; the cases have {channels}")
    return with_channels(made, channels)


def with_channels(start: Start, channels: int) -> Start:
    """Return a network that also takes further channels, whose weights are zero: its answers are the same."""
    schemes = start.content["configurations"][CONFIGURATION]["normalization_schemes"]
    added = channels - len(schemes)
    if added == 0:
        return start
    content = copy.deepcopy(start.content)
    configuration = content["configurations"][CONFIGURATION]
    configuration["normalization_schemes"] += ["ZScoreNormalization"] * added
    configuration["use_mask_for_norm"] = [*configuration.get("use_mask_for_norm", [False]), *[False] * added]
    network = _built(content)
    state = dict(start.network.state_dict())
    stem = state[_STEM]
    zeros = torch.zeros_like(stem[:, :1]).repeat(1, added, 1, 1, 1)
    state[_STEM] = torch.cat([stem[:, :-1], zeros, stem[:, -1:]], dim=1)  # the prompt stays last
    network.load_state_dict(state)
    return Start(network, content)


def _built(content: dict[str, Any]) -> ResidualEncoderUNet:
    network: Any = build_network(Plans.parse(content, "plans.json").architecture, "plans.json")
    return network


def _check_patch(plans: Plans) -> None:
    strides = np.array(plans.architecture.arguments["strides"]).reshape(-1, 3).prod(axis=0)
    if any(n % s for n, s in zip(plans.patch_size, strides, strict=True)):
        raise ModelError(
            f"patch {plans.patch_size} (z, y, x) does not fit the network; "
            f"legal: multiples of {strides.tolist()}"
        )


def split(names: Sequence[str], fraction: float, seed: int) -> set[str]:
    """Return the names of the cases to validate on: a fraction, at least one, not all.

    Raises
    ------
    InputError
        Where there are fewer than two cases, or the fraction is not between 0 and 1.
    """
    if not 0 < fraction < 1:
        raise InputError(f"validation is {fraction}; legal: a fraction above 0 and below 1")
    if len(names) < 2:
        raise InputError(f"found {len(names)} cases; legal: two or more, one of them to validate on")
    count = min(max(round(fraction * len(names)), 1), len(names) - 1)
    chosen = np.random.default_rng([seed, 15]).permutation(sorted(names))[:count]
    return {str(name) for name in chosen}
