"""The published layout's checkpoints, converted, give the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator


def run(*arguments: object) -> int:
    command = list(map(str, arguments))
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))


def test_a_converted_checkpoint_gives_the_same_bytes(conformance: Path, tmp_path: Path) -> None:
    published, converted = conformance / "checkpoint" / "linear", tmp_path / "converted"
    assert run("model", "convert", published, "-o", converted) == 0
    first = next(iter(json.loads((conformance / "prompts" / "a.json").read_text()).items()))
    prompt = tmp_path / "a.json"
    prompt.write_text(json.dumps(dict([first])))
    known = ("-i", conformance / "images" / "a.nii.gz", "-p", prompt, "--device", "cpu", "--disable-tta")
    masks = []
    for name, model in (("published", published), ("converted", converted)):
        assert run("segment", *known, "-m", model, "-o", tmp_path / name) == 0
        masks.append({path.name: path.read_bytes() for path in (tmp_path / name).glob("*.nii.gz")})
    assert masks[0] == masks[1] != {}


def test_a_converted_tracking_checkpoint_gives_the_same_bytes(conformance: Path, tmp_path: Path) -> None:
    published, converted = tmp_path / "published", tmp_path / "converted"
    shutil.copytree(conformance / "checkpoint" / "linear", published)
    script = conformance / "make_tracking_checkpoint.py"
    subprocess.run([sys.executable, script, published], check=True, capture_output=True)
    assert run("model", "convert", published, "-o", converted) == 0
    assert not list(converted.rglob("*.pth"))
    scans = conformance / "track"
    known = ("--baseline", scans / "bl.nii.gz", "--followup", scans / "fu1.nii.gz")
    known += ("-p", scans / "bl_label.nii.gz", "--device", "cpu", "--disable-tta", "--quiet")
    masks = []
    for name, model in (("a", published), ("b", converted)):
        assert run("track", *known, "-m", model, "-o", tmp_path / name) == 0
        masks.append({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*lesion_*.nii.gz")})
    assert masks[0] == masks[1] != {}
