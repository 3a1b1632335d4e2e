//! Overlaps against counting voxel by voxel, assignments against trying every one.

use std::collections::BTreeMap;

use lesionlocator_core::Error;
use lesionlocator_core::matching::{Overlap, Pair, assign, overlap};
use ndarray::{Array2, Array3, ArrayView3, s};
use proptest::prelude::*;

fn labels(largest: u32) -> impl Strategy<Value = (Array3<u32>, Array3<u32>)> {
    (1..4_usize, 1..5_usize, 1..140_usize).prop_flat_map(move |(z, y, x)| {
        let map = prop::collection::vec(prop_oneof![3 => Just(0), 1 => 0..=largest], z * y * x)
            .prop_map(move |voxels| Array3::from_shape_vec((z, y, x), voxels).expect("z * y * x"));
        (map.clone(), map)
    })
}

fn counted(first: &ArrayView3<'_, u32>, second: &ArrayView3<'_, u32>) -> Overlap {
    let (mut a, mut b, mut both) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (&i, &j) in first.iter().zip(second) {
        *a.entry(i).or_insert(0) += u64::from(i != 0);
        *b.entry(j).or_insert(0) += u64::from(j != 0);
        *both.entry((i, j)).or_insert(0) += u64::from(i != 0 && j != 0);
    }
    Overlap {
        first: a.into_iter().filter(|&(_, n)| n > 0).collect(),
        second: b.into_iter().filter(|&(_, n)| n > 0).collect(),
        pairs: both
            .into_iter()
            .filter(|&(_, n)| n > 0)
            .map(|((first, second), voxels)| Pair { first, second, voxels })
            .collect(),
    }
}

fn cheapest(cost: &Array2<f64>, row: usize, taken: &mut Vec<usize>) -> f64 {
    if row == cost.nrows() {
        return 0.0;
    }
    let mut best = f64::INFINITY;
    for column in (0..cost.ncols()).filter(|column| !taken.contains(column)).collect::<Vec<_>>() {
        taken.push(column);
        best = best.min(cost[[row, column]] + cheapest(cost, row + 1, taken));
        taken.pop();
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn overlaps_equal_those_counted_voxel_by_voxel(
        (first, second) in prop_oneof![labels(3), labels(300), labels(u32::MAX)]
    ) {
        prop_assert_eq!(
            overlap(first.view(), second.view()).unwrap(), counted(&first.view(), &second.view()));
    }

    #[test]
    fn strides_do_not_matter((first, second) in labels(3)) {
        let turned = first.slice(s![..;-1, .., ..;-1]).permuted_axes([2, 0, 1]);
        let other = second.view().permuted_axes([2, 0, 1]);
        prop_assert_eq!(overlap(turned, other).unwrap(), counted(&turned, &other));
    }

    #[test]
    fn assignments_are_the_cheapest_of_all(
        (rows, columns, values) in (1..5_usize, 1..6_usize)
            .prop_flat_map(|(n, m)| (Just(n), Just(m), prop::collection::vec(-4..5_i8, n * m)))
    ) {
        let cost = Array2::from_shape_vec((rows, columns), values).unwrap().mapv(f64::from);
        let pairs = assign(cost.view()).unwrap();
        let total: f64 = pairs.iter().map(|&pair| cost[pair]).sum();
        let upright = if rows > columns { cost.t().to_owned() } else { cost.clone() };
        prop_assert_eq!(total, cheapest(&upright, 0, &mut Vec::new()));
        prop_assert_eq!(pairs.len(), rows.min(columns));
        prop_assert!(pairs.windows(2).all(|two| two[0].0 < two[1].0));
        let mut used: Vec<_> = pairs.iter().map(|pair| pair.1).collect();
        used.sort_unstable();
        used.dedup();
        prop_assert_eq!(used.len(), pairs.len());
    }
}

#[test]
fn labels_of_any_type_go_together() {
    let first = Array3::from_elem((2, 2, 70), 9_u8);
    let second = Array3::from_elem((2, 2, 70), 70_000_u32);
    let found = overlap(first.view(), second.view()).unwrap();
    assert_eq!(found.pairs, [Pair { first: 9, second: 70_000, voxels: 280 }]);
}

#[test]
fn equal_costs_take_the_smallest_columns() {
    assert_eq!(assign(Array2::zeros((2, 4)).view()).unwrap(), [(0, 0), (1, 1)]);
    assert_eq!(assign(Array2::zeros((4, 2)).view()).unwrap(), [(0, 0), (1, 1)]);
}

#[test]
fn no_rows_or_columns_give_no_pairs() {
    assert!(assign(Array2::zeros((0, 3)).view()).unwrap().is_empty());
    assert!(assign(Array2::zeros((3, 0)).view()).unwrap().is_empty());
}

#[test]
fn a_cost_that_is_not_finite_is_refused() {
    for wrong in [f64::NAN, f64::INFINITY] {
        let mut cost = Array2::zeros((2, 3));
        cost[[1, 2]] = wrong;
        let error = assign(cost.view()).unwrap_err();
        assert!(matches!(error, Error::InvalidValue { what: "cost", .. }), "{error}");
        assert!(error.to_string().contains("row 1, column 2"), "{error}");
    }
}

#[test]
fn maps_of_different_shapes_are_refused() {
    let (first, second) = (Array3::<u8>::zeros((2, 3, 4)), Array3::<u8>::zeros((2, 4, 3)));
    assert!(matches!(overlap(first.view(), second.view()), Err(Error::ShapeMismatch { .. })));
}
