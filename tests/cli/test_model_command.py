"""``lesionlocator model`` as a user runs it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import tiny_models
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from model_server import ModelServer, manifest, model_zip, serving, sha256


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LESIONLOCATOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_zip(tmp_path_factory.mktemp("zipped"))


@pytest.fixture
def server(archive: Path) -> Iterator[ModelServer]:
    with serving(archive.read_bytes()) as running:
        yield running


def model(*arguments: object) -> int:
    command = ["model", *map(str, arguments)]
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))


def pinned(server: ModelServer, folder: Path) -> Path:
    return manifest(folder, url=f"{server.url}/model.zip", sha256=sha256(server.content))


def masks(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.nii.gz"))}


def test_a_downloaded_model_is_listed_checked_and_used_by_its_id(  # noqa: PLR0917  # fixtures
    server: ModelServer,
    tmp_path: Path,
    home: Path,
    two_cases: tuple[Path, Path],
    segment: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.troubles = ["break"]
    assert model("download", "tiny", "--manifest", pinned(server, tmp_path)) == 0
    assert "its SHA256 is that of the manifest" in capsys.readouterr().out
    assert model("list") == 0
    shown = capsys.readouterr().out
    assert "tiny" in shown
    assert "MIT" in shown
    assert "lesionlocator-2025" in shown
    assert model("check", "tiny") == 0
    assert model("info", "tiny") == 0
    shown = capsys.readouterr().out
    assert "16 x 16 x 16 voxels" in shown
    assert "ResidualEncoderUNet, 2 stages" in shown
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "by_id", model=Path("tiny")) == 0
    folder = home / "models" / "tiny"
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "by_path", model=folder) == 0
    assert masks(tmp_path / "by_id") == masks(tmp_path / "by_path") != {}
    assert not any((home / "downloads").iterdir())


def test_a_converted_model_gives_the_same_bytes(
    tmp_path: Path, two_cases: tuple[Path, Path], segment: Callable[..., int], echo_model: Path
) -> None:
    assert model("convert", echo_model, "-o", tmp_path / "converted") == 0
    images, prompts = two_cases
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "a") == 0
    assert segment("-i", images, "-p", prompts, "-o", tmp_path / "b", model=tmp_path / "converted") == 0
    assert masks(tmp_path / "a") == masks(tmp_path / "b") != {}
    assert list((tmp_path / "converted").rglob("*.pth")) == []


def test_a_record_is_believed_no_further_than_it_goes(
    server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    md5 = hashlib.md5(server.content).hexdigest()
    links = {"self": f"{server.url}/model.zip"}
    file = {"key": "m.zip", "size": len(server.content), "checksum": f"md5:{md5}", "links": links}
    server.record = {"files": [file], "metadata": {"license": {"id": "cc-by-4.0"}}}
    source = manifest(tmp_path, record=f"{server.url}/record", licence=None)
    assert model("download", "--manifest", source) == 0
    shown = capsys.readouterr().out
    assert "its MD5 is that of" in shown
    assert "may change with its files" in shown
    assert "licence: cc-by-4.0" in shown
    assert f"SHA-256 {sha256(server.content)}" in shown


def test_what_a_maker_said_of_a_file_is_checked_too(
    server: ModelServer, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("download", "--manifest", pinned(server, tmp_path), "--sha256", "0" * 64) == 4
    assert "expected 000" in capsys.readouterr().err
    assert not (home / "models").exists()


@pytest.mark.parametrize("trouble", ["404", "wrong bytes", "longer"])
def test_a_server_that_lies_installs_nothing(
    server: ModelServer, tmp_path: Path, home: Path, trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.troubles = [trouble]
    source = manifest(
        tmp_path, url=f"{server.url}/model.zip", sha256=sha256(server.content), size=len(server.content)
    )
    assert model("download", "tiny", "--manifest", source) == 4
    assert "error:" in capsys.readouterr().err
    assert not (home / "models").exists()


def test_a_zip_file_at_hand_needs_no_network(
    archive: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("download", "lesionlocator-2025", "--zip", archive) == 0
    shown = capsys.readouterr()
    assert "not verified: no checksum of it is known here" in shown.out
    assert "compare this SHA-256" in shown.err
    assert model("check", "lesionlocator-2025") == 0
    assert model("download", "--zip", archive) == 0
    assert "is installed already" in capsys.readouterr().out
    known = sha256(archive.read_bytes())
    assert model("download", "--zip", archive, "--force", "--sha256", known) == 0
    assert "its SHA-256 is the one given" in capsys.readouterr().out
    assert [path.name for path in (home / "models").iterdir()] == ["lesionlocator-2025"]


def test_a_zip_file_without_a_model_installs_nothing_and_keeps_the_old_one(
    archive: Path, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("download", "--zip", archive) == 0
    bad = tmp_path / "bad.zip"
    bad.write_bytes(archive.read_bytes()[:-40])
    assert model("download", "--zip", bad, "--force") == 4
    assert "not a whole zip file" in capsys.readouterr().err
    assert model("check", "lesionlocator-2025") == 0
    assert [path.name for path in (home / "models").iterdir()] == ["lesionlocator-2025"]


def test_what_changed_after_installing_is_found(
    archive: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model("download", "--zip", archive) == 0
    plans = next((home / "models").rglob("plans.json"))
    plans.write_text(plans.read_text() + " ")
    assert model("check", "lesionlocator-2025") == 4
    assert "its SHA-256 differs" in capsys.readouterr().err


def test_a_fold_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_models.write(tmp_path / "m", tiny_models.plans(), folds=(0, 1))
    path = tmp_path / "m" / "LesionLocatorSeg" / "bbox_optimized" / "fold_1" / "checkpoint_final.pth"
    content = torch.load(path, weights_only=True)
    next(iter(content["network_weights"].values())).fill_(torch.nan)
    torch.save(content, path)
    assert model("check", tmp_path / "m") == 4
    shown = capsys.readouterr()
    assert "bbox_optimized, fold 1" in shown.err
    assert "not finite" in shown.err
    assert "point_optimized, fold 1: ok" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["info", "nothing-there"], 4, "no model of that id is installed; there are: builtin"),
        (["check", str(Path(__file__).parent)], 4, "holds no network"),
        (["download", "other"], 1, "there are: lesionlocator-2025"),
        (["download", "--zip", "missing.zip"], 1, "no such file"),
        (["download", "--manifest", "missing.json"], 4, "cannot be read"),
        (["convert", "builtin"], 2, "--output"),
    ],
)
def test_wrong_use_is_told(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert model(*arguments) == code
    assert message in capsys.readouterr().err


def test_the_built_in_model_passes_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert model("check", "builtin") == 0
    assert model("info", "builtin") == 0
    assert "48 x 48 x 48" in capsys.readouterr().out
