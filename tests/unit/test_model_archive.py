"""Zip files that must not be trusted."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from lesionlocator.errors import ModelError, OutputError
from lesionlocator.model import archive
from lesionlocator.model.archive import unpack


def write(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for entry, content in entries:
            file.writestr(entry, content)
    return path


def linked(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_files_arrive_with_their_checksums(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.zip", ("model/plans.json", b"{}"), ("__MACOSX/._x", b""), ("model/fold_0/", b"")
    )
    (tmp_path / "out").mkdir()
    found = unpack(path, tmp_path / "out")
    assert list(found) == ["model/plans.json"]
    assert found["model/plans.json"].startswith("44136fa3")
    assert (tmp_path / "out" / "model" / "plans.json").read_bytes() == b"{}"
    assert not (tmp_path / "out" / "__MACOSX").exists()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("../evil", b"x")], "would leave its folder"),
        ([("a/../../evil", b"x")], "would leave its folder"),
        ([("/evil", b"x")], "would leave its folder"),
        ([("..\\evil", b"x")], "not legal everywhere"),
        ([("C:/evil", b"x")], "not legal everywhere"),
        ([("evil\nname", b"x")], "not legal everywhere"),
        ([(linked("link"), b"/etc")], "is a link"),
        ([("a", b"x"), ("A", b"y")], "occurs twice"),
        ([("bomb", bytes(40 << 20))], "claim to unpack"),
    ],
)
def test_an_archive_that_means_ill_is_refused_as_a_whole(
    tmp_path: Path, entries: list[tuple[str, bytes]], message: str
) -> None:
    path = write(tmp_path / "a.zip", ("good", b"x"), *entries)
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match=message):
        unpack(path, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not (tmp_path / "evil").exists()


def test_an_entry_that_states_too_small_a_size_is_not_read_beyond_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", ("bomb", bytes(1 << 20)))
    content = path.read_bytes()
    path.write_bytes(content.replace((1 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match="not a whole zip file"):
        unpack(path, tmp_path / "out")
    assert (tmp_path / "out" / "bomb").stat().st_size <= 100


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    with pytest.raises(ModelError, match="3 entries"):
        unpack(write(tmp_path / "a.zip", ("a", b""), ("b", b""), ("c", b"")), tmp_path)


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1}))
    with pytest.raises(OutputError, match="are needed, 1 are free"):
        unpack(write(tmp_path / "a.zip", ("a", b"four")), tmp_path)


@pytest.mark.parametrize("damage", ["cut", "flipped", "no zip"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "a.zip", ("a", bytes(range(256)) * 40))
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[60] ^= 0xFF
    path.write_bytes({"cut": content[:-30], "flipped": content, "no zip": b"text"}[damage])
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match="not a whole zip file"):
        unpack(path, tmp_path / "out")
