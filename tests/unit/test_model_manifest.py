from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionlocator.errors import ModelError
from lesionlocator.model.manifest import read_manifest

ENTRY = {"id": "tiny", "title": "t", "licence": "MIT", "url": "https://example.org/a.zip", "sha256": "a" * 64}


def written(folder: Path, *entries: object) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps({"models": entries}))
    return path


def test_the_manifest_that_comes_along_claims_no_checksum_it_does_not_know() -> None:
    (published,) = read_manifest().values()
    assert published.record == "https://zenodo.org/api/records/15174217"
    assert (published.sha256, published.size, published.licence) == (None, None, None)
    assert "no checksum" in published.note


def test_a_file_at_an_address_has_its_checksum(tmp_path: Path) -> None:
    source = read_manifest(written(tmp_path, {**ENTRY, "size": 5}))["tiny"]
    assert (source.url, source.size) == (ENTRY["url"], 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "../evil"}, "model id is"),
        ({"id": None}, "id is None"),
        ({"sha256": "a"}, "64 hexadecimal"),
        ({"sha256": None}, "needs the sha256"),
        ({"size": 0}, "positive"),
        ({"size": "5"}, "legal: int"),
        ({"url": "file:///etc/passwd"}, "legal: https"),
        ({"url": "ftp://example.org/a.zip"}, "legal: https"),
        ({"record": "https://example.org"}, "either a url or a record"),
        ({"licens": "MIT"}, "unknown entry 'licens'"),
    ],
)
def test_entries_that_are_not_legal_are_named(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        read_manifest(written(tmp_path, {**ENTRY, **changes}))


@pytest.mark.parametrize("content", ["no json", "[]", '{"models": 1}', '{"models": ["a"]}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(path)


def test_two_models_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="occurs twice"):
        read_manifest(written(tmp_path, ENTRY, ENTRY))
