"""What is wrong where torch.compile cannot make a program of a network."""

from __future__ import annotations

from lesionlocator.errors import DeviceError


def check_compiled(problem: BaseException) -> None:
    """Say that a network cannot be compiled, where that is the problem of its first call.

    Raises
    ------
    DeviceError
        Where it is.
    """
    from torch._dynamo.exc import TorchDynamoException  # imported by compiling, and slow without it

    if isinstance(problem, TorchDynamoException):
        raise DeviceError(f"the network cannot be compiled: {_reason(problem)}") from problem


def _reason(problem: BaseException) -> str:
    """Return the first line of what torch says; it is empty where the compiler's own words follow."""
    return next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
