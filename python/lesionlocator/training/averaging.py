"""Means of the weights along a training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch

from lesionlocator.model import read_weights
from lesionlocator.training import checkpoint, recipe

if TYPE_CHECKING:
    from pathlib import Path


def approach(network: torch.nn.Module, other: torch.nn.Module, share: float) -> None:
    """Move the weights of a network towards those of another, by a share of the way."""
    with torch.no_grad():
        for weight, goal in zip(network.parameters(), other.parameters(), strict=True):
            weight.lerp_(goal, share)


def average_models(earlier: Path, later: Path, share: float, folder: Path) -> None:
    """Write a model whose weights are the mean of those before and after a training.

    Such a mean often predicts better than either (Izmailov et al., "Averaging weights leads to wider optima
    and better generalization", UAI 2018).

    Parameters
    ----------
    earlier, later
        Checkpoint folders of the built-in model's network, with one fold each. What the later weights tell
        of their training goes into the new ones.
    share
        Of the later weights in the mean, 0 to 1.
    folder
        The checkpoint folder to write.

    Raises
    ------
    ModelError
        Where a folder holds no readable model, or one of several folds.
    RuntimeError
        Where a network is not the built-in model's.
    OutputError
        Where a file cannot be written.
    """
    before, after = (checkpoint.single_weights(home) for home in (earlier, later))
    network, last = recipe.build_network(), recipe.build_network()
    network.load_state_dict(read_weights(before).parameters)
    last.load_state_dict(read_weights(after).parameters)
    approach(network, last, share)
    told, *history = checkpoint.history_of(after)
    told["averaged"] = (
        f"each weight is {share:g} of that after this training and {1 - share:g} of that before"
    )
    checkpoint.save_model(network, folder, told | {"started_from": json.dumps(history)})
