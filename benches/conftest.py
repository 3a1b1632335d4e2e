"""Options, machine and versions of a race, and the fixture that runs it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import pytest
import torch

import limits
from lesionlocator import _core
from racing import Racing

_PEERS = ("torch", "numpy", "scipy", "scikit-image", "SimpleITK", "connected-components-3d", "nibabel")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("races")
    group.addoption("--threads", type=int, default=1, help="threads of the kernels and of torch")
    group.addoption("--quick", action="store_true", help="smaller volumes, fewer rounds")
    group.addoption("--hold", action="store_true", help="fail below 60 % of a goal")


def pytest_configure(config: pytest.Config) -> None:
    threads = config.getoption("--threads")
    _core.set_threads(threads)
    torch.set_num_threads(threads)


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    machine_info["processor"] = _processor()
    machine_info["cores"] = os.cpu_count()
    machine_info["load"] = os.getloadavg()[0]
    machine_info["threads"] = config.getoption("--threads")
    machine_info["versions"] = {"python": platform.python_version(), "lesionlocator": _core.__version__}
    machine_info["versions"] |= {name: version(name) for name in _PEERS}


@pytest.fixture(scope="session")
def quick(pytestconfig: pytest.Config) -> bool:
    return pytestconfig.getoption("--quick")


@pytest.fixture(scope="session")
def bandwidth(pytestconfig: pytest.Config) -> limits.Limits:
    return limits.measure(pytestconfig.getoption("--threads"))


@pytest.fixture
def race(benchmark: Any, bandwidth: limits.Limits, pytestconfig: pytest.Config) -> Racing:
    option = pytestconfig.getoption
    return Racing(
        benchmark, bandwidth, threads=option("--threads"), quick=option("--quick"), hold=option("--hold")
    )


def _processor() -> str:
    """Return the name that the processor gives itself; the platform module leaves it out on Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
