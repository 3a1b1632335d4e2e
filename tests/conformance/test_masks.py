"""Every segmentation run of the published system, through the command line and the kit's own comparison."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_MIRRORING = ("-f", "0", "--disable-tta")
RUNS = {
    "linear_box_mask": ("linear", "labels", "box", ()),
    "cubic_box_mask": ("cubic", "labels", "box", ()),
    "linear_point_mask": ("linear", "labels", "point", ()),
    "cubic_point_mask": ("cubic", "labels", "point", WITHOUT_MIRRORING),
    "linear_box_json": ("linear", "prompts", "box", WITHOUT_MIRRORING),
    "cubic_box_json": ("cubic", "prompts", "box", WITHOUT_MIRRORING),
    "linear_point_json": ("linear", "prompts", "point", WITHOUT_MIRRORING),
}
COMMAND = "from lesionlocator.cli.main import main; main()"


@pytest.mark.parametrize("run", RUNS)
def test_masks_equal_those_of_the_published_system(conformance: Path, tmp_path: Path, run: str) -> None:
    checkpoint, prompts, kind, options = RUNS[run]
    arguments = [
        *("segment", "-i", conformance / "images", "-p", conformance / prompts, "-t", kind),
        *("-m", conformance / "checkpoint" / checkpoint, "-o", tmp_path, "--device", "cpu", "--threads", "2"),
        *options,
    ]
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    script = [sys.executable, conformance / "compare.py", tmp_path, conformance / "expected" / run]
    compared = subprocess.run(script, capture_output=True, text=True, check=False)
    assert compared.returncode == 0, compared.stdout
