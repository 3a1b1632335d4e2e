import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import read_labelmap, read_scan, write_mask_region

quick = settings(
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    size = st.integers(1, 40)
    mm = st.floats(0.05, 12)
    offset = st.floats(-1000, 1000)
    quaternion = np.array(draw(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)))
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    mirrored = rotation * draw(st.tuples(*[st.sampled_from((1.0, -1.0))] * 3))
    return Geometry(
        draw(st.tuples(size, size, size)),
        draw(st.tuples(mm, mm, mm)),
        draw(st.tuples(offset, offset, offset)),
        tuple(mirrored.ravel().tolist()),
    )


@st.composite
def boxes(draw: st.DrawFn, geometry: Geometry) -> Box:
    start = draw(st.tuples(*[st.integers(0, n - 1) for n in geometry.shape]))
    stop = draw(st.tuples(*[st.integers(a + 1, n) for a, n in zip(start, geometry.shape, strict=True)]))
    return Box(start, stop)


@quick
@given(st.data())
def test_any_region_on_any_grid_comes_back_with_the_grid_of_its_image(tmp_path_factory, data) -> None:
    geometry = data.draw(geometries())
    box = data.draw(boxes(geometry))
    dtype = data.draw(st.sampled_from((np.uint8, np.uint16)))
    seed = data.draw(st.integers(0, 9))
    region = np.random.default_rng(seed).integers(0, 3 + 300 * (dtype == np.uint16), box.shape).astype(dtype)
    path = tmp_path_factory.mktemp("mask") / "a.nii.gz"
    write_mask_region(path, region, box, geometry)
    expected = np.zeros(geometry.shape, dtype)
    expected[box.slices] = region
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), expected)
    np.testing.assert_allclose(image.GetSpacing()[::-1], geometry.spacing, rtol=1e-6)
    np.testing.assert_allclose(image.GetOrigin(), geometry.origin_lps, atol=1e-4)
    np.testing.assert_allclose(image.GetDirection(), geometry.direction_lps, atol=1e-5)
    read = read_labelmap(path)
    np.testing.assert_array_equal(read.labels, expected)
    assert read.geometry.difference(geometry) is None


@quick
@given(st.data())
def test_a_file_with_damaged_bytes_is_read_as_simpleitk_does_or_refused(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    voxels = np.random.default_rng(2).integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
    ending = data.draw(st.sampled_from((".nii", ".nii.gz")))
    path = folder / f"a{ending}"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path))
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, min(len(raw), 352) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    try:
        scan = read_scan(path)
    except InputError:
        return
    np.testing.assert_array_equal(scan.voxels, SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))))


@pytest.mark.parametrize("slope", [1e-38, -1e-20, 2.2e-16, 2.3e-16, -1e-10, 0.5])
def test_a_slope_of_next_to_zero_counts_as_simpleitk_has_it(tmp_path, slope) -> None:
    voxels = np.random.default_rng(2).integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
    path = tmp_path / "a.nii"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path))
    raw = bytearray(path.read_bytes())
    raw[112:116] = np.float32(slope).tobytes()
    path.write_bytes(raw)
    expected = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    np.testing.assert_allclose(read_scan(path).voxels, expected, rtol=1e-6)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_every_length_short_of_the_whole_file_is_refused(tmp_path, ending) -> None:
    voxels = np.random.default_rng(3).integers(-1000, 1000, (2, 3, 4)).astype(np.int16)
    path = tmp_path / f"a{ending}"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path))
    raw = path.read_bytes()
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(InputError, match=rf"a{ending}"):
            read_scan(path)
