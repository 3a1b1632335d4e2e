//! Diameters against all pairs of voxels, and intensities for any number of threads.

use lesionlocator_core::measure::{
    axial_diameters, distance_transform, intensity, surface_distances,
};
use ndarray::Array3;
use proptest::prelude::*;

fn masks() -> impl Strategy<Value = Array3<u8>> {
    (1..4_usize, 1..9_usize, 1..9_usize, 0..10_u8).prop_flat_map(|(z, y, x, density)| {
        prop::collection::vec((0..10_u8).prop_map(move |i| u8::from(i < density)), z * y * x)
            .prop_map(move |voxels| Array3::from_shape_vec((z, y, x), voxels).expect("z * y * x"))
    })
}

type Ends = [[f64; 2]; 2];

/// First slice, then first pair in raster order, of the largest squared distance.
fn longest_of_all_pairs(mask: &Array3<u8>, spacing: [f64; 3]) -> Option<(usize, Ends)> {
    let mut best: Option<(f64, usize, Ends)> = None;
    for (slice, plane) in mask.outer_iter().enumerate() {
        let points: Vec<_> = plane
            .indexed_iter()
            .filter(|(_, voxel)| **voxel != 0)
            .map(|((y, x), _)| [y as f64, x as f64])
            .collect();
        for (index, &a) in points.iter().enumerate() {
            for &b in &points[index..] {
                let squared = squared_length([a, b], spacing);
                if best.is_none_or(|(most, ..)| squared > most) {
                    best = Some((squared, slice, [a, b]));
                }
            }
        }
    }
    best.map(|(_, slice, ends)| (slice, ends))
}

fn squared_length([a, b]: Ends, spacing: [f64; 3]) -> f64 {
    ((b[0] - a[0]) * spacing[1]).powi(2) + ((b[1] - a[1]) * spacing[2]).powi(2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_longest_diameter_is_that_of_all_pairs(mask in masks(), y in 0.5..2.0, x in 0.5..2.0) {
        let spacing = [3.0, y, x];
        let found = axial_diameters(mask.view(), spacing).unwrap();
        let expected = longest_of_all_pairs(&mask, spacing);
        prop_assert_eq!(found.map(|found| (found.slice, found.longest)), expected);
    }

    #[test]
    fn the_other_diameter_is_perpendicular_and_not_longer(mask in masks(), y in 0.5..2.0, x in 0.5..2.0) {
        let spacing = [3.0, y, x];
        if let Some(found) = axial_diameters(mask.view(), spacing).unwrap() {
            let step = |[a, b]: Ends| [(b[0] - a[0]) * y, (b[1] - a[1]) * x];
            let (long, across) = (step(found.longest), step(found.perpendicular));
            prop_assert!((long[0] * across[0] + long[1] * across[1]).abs() < 1e-9);
            let lengths = [found.longest, found.perpendicular].map(|s| squared_length(s, spacing));
            prop_assert!(lengths[1] <= lengths[0] * (1.0 + 1e-12));
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let values = Array3::from_shape_fn((40, 30, 50), |(z, y, x)| (z * y) as f32 / 7.0 - x as f32);
    let mask = values.mapv(|value| u8::from(value > -20.0));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| intensity(values.view(), mask.view()).unwrap())
    };
    assert_eq!(run(1), run(3));
}

/// Distance of each voxel to the nearest nonzero one, by looking at all of them.
fn nearest_of_all(mask: &Array3<u8>, spacing: [f64; 3]) -> Array3<f64> {
    let places: Vec<_> = mask.indexed_iter().filter(|(_, v)| **v != 0).map(|(at, _)| at).collect();
    Array3::from_shape_fn(mask.dim(), |(z, y, x)| {
        let squares = places.iter().map(|&(a, b, c)| {
            [(z, a), (y, b), (x, c)]
                .iter()
                .zip(spacing)
                .map(|(&(one, other), size)| ((one as f64 - other as f64) * size).powi(2))
                .sum::<f64>()
        });
        squares.fold(f64::INFINITY, f64::min).sqrt()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn distances_are_those_to_the_nearest_of_all_voxels(mask in masks(), z in 0.3..6.0, y in 0.5..2.0, x in 0.5..2.0) {
        let spacing = [z, y, x];
        let mut found = Array3::zeros(mask.dim());
        distance_transform(mask.view(), found.view_mut(), spacing).unwrap();
        for (&found, expected) in found.iter().zip(nearest_of_all(&mask, spacing)) {
            let same = f64::from(found) == expected; // also where both are infinite
            prop_assert!(same || (f64::from(found) - expected).abs() <= 3e-7 * expected);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_distance() {
    let mask = Array3::from_shape_fn((21, 33, 40), |(z, y, x)| {
        u8::from((z * 7 + y * 5 + x * 3) % 97 == 0)
    });
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let other = mask.slice(ndarray::s![.., ..;-1, ..]);
        pool.install(|| surface_distances(mask.view(), other, [2.5, 0.7, 0.9]).unwrap())
    };
    assert_eq!(run(1), run(3));
}
