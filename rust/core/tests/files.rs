//! Files written and read back: masks, and gzip members in general.

use std::path::PathBuf;

use lesionlocator_core::Error;
use lesionlocator_core::files::{compress_mask, read_gzip};
use ndarray::{Array3, s};
use proptest::prelude::*;

fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("lesionlocator-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(name: &str, file: &[u8], size: usize) -> Result<Vec<u8>, Error> {
    let path = written(name, file);
    let mut out = vec![255; size];
    let outcome = read_gzip(&path, &mut out);
    std::fs::remove_file(path).unwrap();
    outcome.map(|()| out)
}

/// A region of random labels, its start, and the shape of the grid around it.
fn placed_region() -> impl Strategy<Value = (Array3<u16>, [usize; 3], [usize; 3])> {
    let axis = |around, size| (0_usize..around, 1_usize..size, 0_usize..around);
    (axis(20, 12), axis(16, 12), axis(50, 40), 0_u64..1000, 1_u64..100).prop_map(
        |(z, y, x, seed, sparsity)| {
            let mut state = seed;
            let region = Array3::from_shape_simple_fn((z.1, y.1, x.1), || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if (state >> 33) % sparsity == 0 { (state >> 45) as u16 } else { 0 }
            });
            (region, [z.0, y.0, x.0], [z, y, x].map(|(before, size, after)| before + size + after))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_mask_is_read_back_as_its_region_among_zeros((region, start, shape) in placed_region()) {
        let mut grid = Array3::<u16>::zeros(shape);
        let stop: Vec<usize> = start.iter().zip(region.shape()).map(|(a, n)| a + n).collect();
        grid.slice_mut(s![start[0]..stop[0], start[1]..stop[1], start[2]..stop[2]]).assign(&region);
        let mut expected = b"header".to_vec();
        expected.extend(grid.iter().flat_map(|label| label.to_le_bytes()));
        let file = compress_mask(region.view(), b"header", shape, start).unwrap();
        prop_assert_eq!(read("round-trip", &file, expected.len()).unwrap(), expected);
    }

    #[test]
    fn reversed_regions_are_written_as_they_are_indexed((region, start, shape) in placed_region()) {
        let view = region.slice(s![..;-1, .., ..;-1]);
        let copy = view.to_owned();
        prop_assert_eq!(
            compress_mask(view, b"", shape, start).unwrap(),
            compress_mask(copy.view(), b"", shape, start).unwrap()
        );
    }

    #[test]
    fn no_prefix_of_a_file_is_read_as_the_whole((region, start, shape) in placed_region(), part in 0.0..1.0_f64) {
        let file = compress_mask(region.view(), b"", shape, start).unwrap();
        let size = 2 * shape.iter().product::<usize>();
        let kept = (part * file.len() as f64) as usize;
        let refused = matches!(read("prefix", &file[..kept], size), Err(Error::Unreadable { .. }));
        prop_assert!(refused);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let region = Array3::from_shape_fn((40, 60, 70), |(z, y, x)| ((z * y * x) % 7 / 5) as u8);
    let compressed = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| compress_mask(region.view(), b"head", [90, 100, 110], [7, 8, 9]).unwrap())
    };
    assert_eq!(compressed(1), compressed(4));
}

#[test]
fn a_damaged_checksum_is_found() {
    let region = Array3::<u8>::from_elem((3, 4, 5), 1);
    let mut file = compress_mask(region.view(), b"", [3, 4, 5], [0, 0, 0]).unwrap();
    let place = file.len() - 6;
    file[place] ^= 1;
    let message = read("checksum", &file, 60).unwrap_err().to_string();
    assert!(message.contains("damaged (checksum or length differs): 60 of 60 bytes"), "{message}");
}

#[test]
fn a_region_outside_the_grid_is_refused() {
    let region = Array3::<u8>::zeros((1, 1, 2));
    let refused = compress_mask(region.view(), b"", [4, 4, 4], [0, 0, 3]);
    assert!(matches!(refused, Err(Error::OutsideGrid { what: "region", .. })));
}

#[test]
fn a_grid_beyond_memory_is_refused() {
    let region = Array3::<u16>::zeros((1, 1, 1));
    let refused = compress_mask(region.view(), b"", [1 << 30, 1 << 30, 1 << 30], [0, 0, 0]);
    assert!(matches!(refused, Err(Error::InvalidValue { what: "shape", .. })));
}
