"""What ``--profile`` adds: the time of each stage, and a trace of every operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.io.files import write_atomically

if TYPE_CHECKING:
    from rich.table import Table

PROFILE_FILE = "profile.json"


@contextmanager
def profiled(path: Path) -> Iterator[None]:
    """Record operations and stages of all threads, and write them as a Chrome trace, whatever happens.

    Parameters
    ----------
    path
        The file, for chrome://tracing or Perfetto.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    import torch
    from torch._C._profiler import _ExperimentalConfig
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    # The public interface sees the thread that asks, and no other.
    everywhere = _ExperimentalConfig(profile_all_threads=True)
    with profile(activities=activities, experimental_config=everywhere) as profiler:
        yield
    with write_atomically(path) as partial:
        profiler.export_chrome_trace(str(partial))


def stage_times(seconds: Mapping[str, float]) -> Table:
    """Return the seconds of each stage as a table; ``total`` is the run's, stages may overlap."""
    from rich.table import Table

    table = Table("stage")
    table.add_column("seconds", justify="right")
    for stage, value in seconds.items():
        table.add_row(stage, f"{value:.3f}")
    return table
