"""The published layout's checkpoints, converted, give the same bytes."""

from __future__ import annotations

import json
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
