"""The Muon optimizer: orthogonalized momentum for convolutions, Adam for all else.

References
----------
Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
_QUINTIC_STEPS = 5
_MOMENTUM = 0.9
_BETAS = (0.9, 0.99)
_EPSILON = 1e-8


class Muon(torch.optim.Optimizer):
    """Steps whose change of every convolution has about equal singular values.

    A convolution is a matrix of output channels by inputs and kernel voxels. Its momentum is brought near to
    the closest semi-orthogonal matrix, so that rare directions learn as fast as frequent ones. Kernels of a
    single voxel, biases and norms take Adam's step, at a thirtieth of the rate.

    Parameters
    ----------
    module
        Whose parameters to change.
    learning_rate
        Of convolutions; groups keep it as ``"lr"``.
    weight_decay
        Of convolutions, per unit of the rate.
    """

    def __init__(self, module: torch.nn.Module, learning_rate: float, weight_decay: float = 1e-2) -> None:
        learning = [p for p in module.parameters() if p.requires_grad]
        kernels = [p for p in learning if p.ndim == 5 and p.shape[2:].numel() > 1]
        others = [p for p in learning if p.ndim != 5 or p.shape[2:].numel() == 1]
        groups = [{"params": kernels, "orthogonal": True}, {"params": others, "orthogonal": False}]
        super().__init__(
            [group for group in groups if group["params"]], {"lr": learning_rate, "decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no step here calls back
        """Change all parameters that have a gradient."""
        for group in self.param_groups:
            change = self._orthogonal_step if group["orthogonal"] else self._adam_step
            for parameter in group["params"]:
                if parameter.grad is not None:
                    change(parameter, parameter.grad, group)

    def _orthogonal_step(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].mul_(_MOMENTUM).add_(gradient)
        matrix = gradient.add(momentum, alpha=_MOMENTUM).flatten(1)
        rate = group["lr"] * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["decay"])
        parameter.add_(orthogonalized(matrix).view(parameter.shape), alpha=-rate)

    def _adam_step(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        mean = state["mean"].lerp_(gradient, 1 - _BETAS[0]) / (1 - _BETAS[0] ** state["step"])
        square = state["square"].lerp_(gradient.square(), 1 - _BETAS[1]) / (1 - _BETAS[1] ** state["step"])
        parameter.addcdiv_(mean, square.sqrt().add_(_EPSILON), value=-group["lr"] / 30)


def orthogonalized(matrix: Tensor) -> Tensor:
    """Return a matrix with the singular vectors of ``matrix`` and singular values near 1 (0.7 to 1.2).

    Parameters
    ----------
    matrix
        Floating point, (rows, columns), not all 0.
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    found = wide / wide.norm().clamp_min(1e-12)
    a, b, c = _QUINTIC
    for _ in range(_QUINTIC_STEPS):
        gram = found @ found.T
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    return found if wide is matrix else found.T
