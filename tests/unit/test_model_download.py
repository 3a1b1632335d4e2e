"""Downloads from a server that stalls, breaks off and lies."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from urllib.request import Request

import pytest

from lesionlocator.errors import ModelError, OutputError
from lesionlocator.model.connection import Patience, SameSecurity
from lesionlocator.model.download import download
from lesionlocator.model.manifest import ModelSource
from lesionlocator.model.record import RemoteFile, remote_file
from model_server import ModelServer, serving, sha256

CONTENT = bytes(range(256)) * 4000
QUICK = Patience(silence=0.3, attempts=3, pause=0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(CONTENT) as running:
        yield running


def remote(server: ModelServer, **changes: object) -> RemoteFile:
    known = {"size": len(CONTENT), "digest": sha256(CONTENT), **changes}
    return RemoteFile(f"{server.url}/model.zip", algorithm="sha256", licence="MIT", **known)


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(server: ModelServer, tmp_path: Path) -> None:
    told: list[int] = []
    target = tmp_path / "model.zip"
    download(remote(server), target, progress=lambda done, _: told.append(done), patience=QUICK)
    assert target.read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == len(CONTENT)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("trouble", ["break", "stall"])
def test_a_broken_download_goes_on_where_it_broke(server: ModelServer, tmp_path: Path, trouble: str) -> None:
    server.troubles = [trouble, "503", trouble]
    download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert (tmp_path / "model.zip").read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert server.ranges == [None, f"bytes={half}-", f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_a_later_run_goes_on_too(server: ModelServer, tmp_path: Path) -> None:
    server.troubles = ["break", "503", "503", "503"]
    with pytest.raises(ModelError, match="after 3 attempts"):
        download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert not (tmp_path / "model.zip").exists()
    download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert server.ranges[-1] == f"bytes={len(CONTENT) // 2}-"
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("trouble", ["whole", "other place", "416"])
def test_a_server_that_does_not_go_on_is_asked_again(
    server: ModelServer, tmp_path: Path, trouble: str
) -> None:
    server.troubles = ["break", trouble]
    download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


def test_without_a_known_size_a_cut_file_is_noticed(server: ModelServer, tmp_path: Path) -> None:
    server.troubles = ["break"]
    download(remote(server, size=None), tmp_path / "model.zip", patience=QUICK)
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("trouble", "known", "message"),
    [
        ("404", {}, "answered 404"),
        ("wrong bytes", {}, "expected"),
        ("longer", {}, "has 1024007 bytes on the server, expected 1024000"),
        ("", {"size": 7}, "has 1024000 bytes on the server, expected 7"),
        ("", {"digest": "0" * 64}, "expected 0000"),
    ],
)
def test_what_is_not_the_file_is_refused(
    server: ModelServer, tmp_path: Path, trouble: str, known: dict[str, object], message: str
) -> None:
    server.troubles = [trouble]
    with pytest.raises(ModelError, match=message):
        download(remote(server, **known), tmp_path / "model.zip", patience=QUICK)
    assert not (tmp_path / "model.zip").exists()


def test_wrong_bytes_are_not_gone_on_from(server: ModelServer, tmp_path: Path) -> None:
    server.troubles = ["wrong bytes"]
    with pytest.raises(ModelError):
        download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_the_part_of_another_file_is_not_gone_on_from(server: ModelServer, tmp_path: Path) -> None:
    server.troubles = ["break", "404"]
    with pytest.raises(ModelError):
        download(remote(server, digest="1" * 64), tmp_path / "model.zip", patience=QUICK)
    download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert server.ranges[-1] is None
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_named(server: ModelServer, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        download(remote(server), tmp_path / "missing" / "model.zip", patience=QUICK)


def test_redirections_are_followed(server: ModelServer, tmp_path: Path) -> None:
    server.troubles = ["elsewhere"]
    download(remote(server), tmp_path / "model.zip", patience=QUICK)
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


def test_https_is_never_left_by_a_redirection() -> None:
    request = Request("https://example.org/a.zip")
    with pytest.raises(ModelError, match="not https"):
        SameSecurity().redirect_request(
            request, io.BytesIO(), 302, "Found", HTTPMessage(), "http://example.org/a.zip"
        )


def test_the_proxy_of_the_environment_is_used(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    file = RemoteFile("http://models.invalid/model.zip", len(CONTENT), "sha256", sha256(CONTENT), None)
    download(file, tmp_path / "model.zip", patience=QUICK)
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


def record_of(server: ModelServer, **changes: object) -> dict[str, object]:
    md5 = hashlib.md5(CONTENT).hexdigest()
    url = f"{server.url}/model.zip"
    file = {"key": "model.zip", "size": len(CONTENT), "checksum": f"md5:{md5}", "links": {"self": url}}
    return {
        "files": [{"key": "readme.txt"}, {**file, **changes}],
        "metadata": {"license": {"id": "cc-by-4.0"}},
    }


def source(server: ModelServer) -> ModelSource:
    return ModelSource("tiny", "tiny", None, "", record=f"{server.url}/record")


def test_a_record_names_file_size_checksum_and_licence(server: ModelServer, tmp_path: Path) -> None:
    server.record = record_of(server)
    file = remote_file(source(server), QUICK)
    assert (file.size, file.algorithm, file.licence) == (len(CONTENT), "md5", "cc-by-4.0")
    download(file, tmp_path / "model.zip", patience=QUICK)
    assert (tmp_path / "model.zip").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": "model.tar"}, "holds 0 zip files"),
        ({"key": "a.zip", "size": None}, "not a record"),
        ({"checksum": "none"}, "not a record"),
        ({"checksum": "crc32:00"}, "'crc32'; legal: md5"),
        ({"links": {"self": "ftp://example.org/model.zip"}}, "no address to download from"),
        ({"links": {"self": "http://example.org/model.zip"}}, "legal: https"),
    ],
)
def test_a_record_that_says_too_little_is_refused(
    server: ModelServer, changes: dict[str, object], message: str
) -> None:
    server.record = record_of(server, **changes)
    with pytest.raises(ModelError, match=message):
        remote_file(source(server), QUICK)
