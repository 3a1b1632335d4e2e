import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest

from lesionlocator import _core
from lesionlocator.errors import InputError, KernelError

DATA = np.random.default_rng(5).integers(0, 9, 700_001, dtype=np.uint8)
SPARSE = np.where(np.arange(DATA.size) % 5003 < 40, DATA, 0).astype(np.uint8)
"""Compresses so well that it is inflated in a stream, and not all at once."""


def _read(path: Path, size: int) -> np.ndarray:
    out = np.full(size, 255, np.uint8)
    _core.files_read_gzip(path, out)
    return out


@pytest.mark.parametrize("cuts", [[], [300], [0, 0, 352, 353, 600_000], list(range(0, 700_001, 9001))])
@pytest.mark.parametrize("data", [DATA, SPARSE])
def test_members_are_joined_wherever_they_are_cut(tmp_path: Path, cuts: list[int], data: np.ndarray) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"".join(gzip.compress(part.tobytes()) for part in np.split(data, cuts)))
    np.testing.assert_array_equal(_read(path, data.size), data)


@pytest.mark.parametrize("data", [DATA, SPARSE])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_every_level_is_inflated(tmp_path: Path, level: int, data: np.ndarray) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(data.tobytes(), level))
    np.testing.assert_array_equal(_read(path, data.size), data)


def test_optional_header_fields_are_skipped(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=-15)
    body = packer.compress(DATA.tobytes()) + packer.flush()
    trailer = zlib.crc32(DATA).to_bytes(4, "little") + DATA.size.to_bytes(4, "little")
    fields = b"\x05\x00extra" + b"name\0" + b"comment\0" + b"\x12\x34"
    path = tmp_path / "a.gz"
    path.write_bytes(b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03" + fields + body + trailer)
    np.testing.assert_array_equal(_read(path, DATA.size), DATA)


def test_bytes_beyond_those_asked_for_are_left_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    packed = gzip.compress(DATA.tobytes())
    path.write_bytes(packed + b"rubbish after the last member")
    np.testing.assert_array_equal(_read(path, 1000), DATA[:1000])
    np.testing.assert_array_equal(_read(path, DATA.size), DATA)


@pytest.mark.parametrize("kept", [3, 9, 18, 1000, -8, -1])
def test_truncated_file_says_how_many_bytes_it_holds(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(DATA.tobytes())[:kept])
    with pytest.raises(InputError, match=r"a\.gz: is truncated: \d+ of 700001 bytes could be read"):
        _read(path, DATA.size)


def test_file_with_fewer_bytes_than_asked_for_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(DATA.tobytes()))
    with pytest.raises(InputError, match="is truncated: 700001 of 700002 bytes could be read"):
        _read(path, DATA.size + 1)


@pytest.mark.parametrize("place", [1, 2, 5000, -5, -1])
def test_damaged_file_is_refused(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.gz"
    raw = bytearray(gzip.compress(DATA.tobytes(), mtime=0))
    raw[place] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"a\.gz: is (damaged|truncated)"):
        _read(path, DATA.size)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.gz: No such file"):
        _read(tmp_path / "a.gz", 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("shape", "start", "extent"),
    [
        ((1, 1, 1), (0, 0, 0), (1, 1, 1)),
        ((40, 64, 512), (0, 0, 0), (40, 64, 512)),
        ((40, 64, 512), (39, 63, 511), (1, 1, 1)),
        ((90, 200, 201), (40, 0, 3), (3, 200, 7)),
        ((3, 1, 100_003), (1, 0, 32_760), (2, 1, 40_000)),
        ((100_003, 1, 1), (32_767, 0, 0), (2, 1, 1)),
        ((260, 128, 256), (255, 100, 200), (2, 3, 4)),
    ],
)
@pytest.mark.parametrize("density", [0.0, 0.001, 1.0])
def test_mask_is_the_gzip_of_header_and_zeros_around_the_region(
    dtype: type[np.uint8],
    shape: tuple[int, int, int],
    start: tuple[int, int, int],
    extent: tuple[int, int, int],
    density: float,
) -> None:
    random = np.random.default_rng(6)
    region = (random.integers(1, np.iinfo(dtype).max + 1, extent) * (random.random(extent) < density)).astype(
        dtype
    )
    expected = np.zeros(shape, dtype)
    expected[tuple(slice(a, a + n) for a, n in zip(start, extent, strict=True))] = region
    file = _core.files_compress_mask(region, header=b"header", shape=shape, start=start)
    assert gzip.decompress(file) == b"header" + expected.astype(expected.dtype.newbyteorder("<")).tobytes()


def test_zeros_cost_about_a_thousandth_of_their_size() -> None:
    region = np.zeros((1, 1, 1), np.uint8)
    file = _core.files_compress_mask(region, header=b"", shape=(640, 512, 512), start=(0, 0, 0))
    assert len(file) < 640 * 512 * 512 / 900


@pytest.mark.parametrize(
    ("shape", "start"), [((4, 4, 4), (0, 0, 3)), ((1, 4, 4), (0, 0, 0)), ((4, 4, 4), (2**63, 0, 0))]
)
def test_region_outside_the_grid_is_refused(shape: tuple[int, int, int], start: tuple[int, int, int]) -> None:
    with pytest.raises(KernelError, match="region starts at"):
        _core.files_compress_mask(np.ones((2, 2, 2), np.uint8), header=b"", shape=shape, start=start)


def test_grid_that_cannot_be_addressed_is_refused() -> None:
    with pytest.raises(KernelError, match="shape is"):
        _core.files_compress_mask(
            np.ones((2, 2, 2), np.uint16), header=b"", shape=(2**30, 2**30, 2**30), start=(0, 0, 0)
        )
