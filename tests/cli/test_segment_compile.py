"""What compiling costs nobody who did not ask for it, and that it answers alike for who does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from segment_cases import contents

_COMPILERS = ("CXX", "c++", "g++", "clang++")


def has_compiler() -> bool:
    return any(shutil.which(os.environ.get(name, name)) for name in _COMPILERS)


def test_without_compile_the_compiler_is_not_even_imported(
    two_cases: tuple[Path, Path], echo_model: Path, tmp_path: Path
) -> None:
    images, prompts = two_cases
    code = (
        "import sys\n"
        "from lesionlocator.cli.main import lesionlocator\n"
        "lesionlocator.main(sys.argv[1:], standalone_mode=False)\n"
        "slow = {'torch._dynamo', 'torch._inductor', 'scipy', 'skimage', 'pandas', 'matplotlib'}\n"
        "print('imported:', sorted(slow & set(sys.modules)))\n"
    )
    arguments = ["-i", images, "-p", prompts, "-o", tmp_path / "out", "-m", echo_model, "--device", "cpu"]
    command = [sys.executable, "-c", code, "segment", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_answers_alike(
    two_cases: tuple[Path, Path], tmp_path: Path, segment: Callable[..., int]
) -> None:
    images, prompts = two_cases
    inputs = ("-i", images / "b.nii.gz", "-p", prompts / "b.json", "--fast")
    assert segment(*inputs, "-o", tmp_path / "usual") == 0
    assert segment(*inputs, "-o", tmp_path / "compiled", "--compile") == 0
    assert "torch._dynamo" in sys.modules
    masks = ("run.json", "measurements.csv")
    assert contents(tmp_path / "compiled", without=masks) == contents(tmp_path / "usual", without=masks)
