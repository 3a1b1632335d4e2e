"""How many threads the kernels and torch use."""

from __future__ import annotations

from lesionlocator import _core
from lesionlocator.errors import KernelError


def set_threads(threads: int) -> None:
    """Let the kernels and torch use this many threads each; they work in turn.

    Raises
    ------
    KernelError
        Where the kernels have run before in this process with another number.
    """
    import torch

    try:
        _core.set_threads(threads)
    except RuntimeError as error:
        if _core.threads() != threads:
            raise KernelError(
                f"threads is {threads}, but the kernels already run on {_core.threads()} in this process"
            ) from error
    torch.set_num_threads(threads)


def thread_counts() -> dict[str, int]:
    """Return how many threads the kernels and torch use."""
    import torch

    return {"kernels": _core.threads(), "torch": torch.get_num_threads()}
