"""That compiled networks follow lesions as usual ones do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from segment_cases import contents, noise, write_image, write_prompts
from test_segment_compile import has_compiler
from track_cases import read, stand_in, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator

pytestmark = pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler")


@pytest.mark.parametrize(("registration", "networks"), [("learned", 2), ("classical", 1)])
def test_compiled_networks_find_the_same_lesions(
    registration: str, networks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, compile_network = [], torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda network, **options: compiled.append(1) or compile_network(network, **options)
    )
    stand_in(monkeypatch)
    model, voxels = write_tracker(tmp_path / "model"), noise(0)
    scans = [write_image(tmp_path / "in" / f"scan{k}.nii.gz", voxels + k * voxels // 50) for k in range(3)]
    boxes = write_prompts(tmp_path / "boxes.json", {1: (2, 4, 4, 8, 4, 8), 7: (5, 7, 10, 14, 10, 14)})
    command = ["track", "--baseline", scans[0], "--followup", *scans[1:], "-p", boxes, "-t", "box"]
    command += ["-m", model, "--registration", registration, "--device", "cpu", "--disable-tta", "-o"]
    for name, more, expected in (("usual", (), 0), ("compiled", ("--compile",), networks)):
        words = [*map(str, [*command, tmp_path / name]), *more]
        assert console.exit_code(lambda words=words: lesionlocator.main(words, standalone_mode=False)) == 0
        assert len(compiled) == expected
    assert read(tmp_path / "usual" / "scan2_lesions.nii.gz").any()
    assert contents(tmp_path / "compiled") == contents(tmp_path / "usual")
