"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tiny networks gain nothing from threads, and lose a lot where other processes want the processors too.
torch.set_num_threads(1)

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of inputs and expected outputs of the published system, kept beside the repository."""
    folder = REPOSITORY.parent / "shared" / "conformance"
    if not folder.is_dir():
        pytest.skip("no conformance kit beside the repository")
    return folder


@pytest.fixture(scope="session")
def real_scans() -> Path:
    """The folder of real CT scans, kept beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real scans beside the repository")
    return folder
