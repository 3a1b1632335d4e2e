//! Components, statistics, holes and boxes against plain flood fills, on views of any orientation.

use std::collections::BTreeMap;

use lesionlocator_core::components::{
    Connectivity, fill_holes, instances, label, nonzero_box, statistics,
};
use ndarray::{Array3, ArrayView3, Axis};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Turned {
    array: Array3<u8>,
    axes: [usize; 3],
    flips: [bool; 3],
}

impl Turned {
    fn view(&self) -> ArrayView3<'_, u8> {
        let mut view = self.array.view().permuted_axes(self.axes);
        for axis in (0..3).filter(|&axis| self.flips[axis]) {
            view.invert_axis(Axis(axis));
        }
        view
    }
}

fn volumes(largest: u8) -> impl Strategy<Value = Turned> {
    let shape = (1..6_usize, 1..6_usize, prop_oneof![1..6_usize, 60..70_usize]);
    let axes = Just([0, 1, 2]).prop_shuffle();
    (shape, axes, any::<[bool; 3]>(), 0..100_u8).prop_flat_map(
        move |(shape, axes, flips, density)| {
            let voxel = (0..100_u8, 1..=largest)
                .prop_map(move |(chance, value)| if chance < density { value } else { 0 });
            prop::collection::vec(voxel, shape.0 * shape.1 * shape.2).prop_map(move |voxels| {
                let array =
                    Array3::from_shape_vec(shape, voxels).expect("as many as the shape has");
                Turned { array, axes, flips }
            })
        },
    )
}

fn connectivities() -> impl Strategy<Value = Connectivity> {
    prop::sample::select(vec![Connectivity::Six, Connectivity::Eighteen, Connectivity::TwentySix])
}

fn neighbours(
    at: [usize; 3],
    shape: &[usize],
    connectivity: Connectivity,
) -> impl Iterator<Item = [usize; 3]> {
    let most = match connectivity {
        Connectivity::Six => 1,
        Connectivity::Eighteen => 2,
        Connectivity::TwentySix => 3,
    };
    let steps = (0..27).map(|i: usize| [i / 9, i / 3 % 3, i % 3]);
    steps
        .filter(move |step| (1..=most).contains(&step.iter().filter(|&&part| part != 1).count()))
        .map(move |step| [0, 1, 2].map(|axis| (at[axis] + step[axis]).wrapping_sub(1)))
        .filter(move |next| (0..3).all(|axis| next[axis] < shape[axis]))
}

fn flooded(
    inside: impl Fn([usize; 3]) -> bool,
    shape: &[usize],
    from: [usize; 3],
    out: &mut Array3<u32>,
    id: u32,
    connectivity: Connectivity,
) {
    let mut open = vec![from];
    out[from] = id;
    while let Some(at) = open.pop() {
        for next in neighbours(at, shape, connectivity) {
            if inside(next) && out[next] == 0 {
                out[next] = id;
                open.push(next);
            }
        }
    }
}

fn labelled(mask: &ArrayView3<'_, u8>, connectivity: Connectivity) -> (Array3<u32>, u32) {
    let mut out = Array3::zeros(mask.raw_dim());
    let mut count = 0;
    for ((z, y, x), &voxel) in mask.indexed_iter() {
        if voxel != 0 && out[[z, y, x]] == 0 {
            count += 1;
            let inside = |at: [usize; 3]| mask[at] != 0;
            flooded(inside, mask.shape(), [z, y, x], &mut out, count, connectivity);
        }
    }
    (out, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn numbers_are_those_of_a_flood_fill(volume in volumes(3), connectivity in connectivities()) {
        let mask = volume.view();
        let mut out = Array3::<u32>::zeros(mask.raw_dim());
        let count = label(mask, out.view_mut(), connectivity).unwrap();
        let (expected, expected_count) = labelled(&mask, connectivity);
        prop_assert_eq!((&out, count), (&expected, expected_count));
        prop_assert_eq!(instances(mask, connectivity), statistics(out.view()));
    }

    #[test]
    fn statistics_are_those_of_single_voxels(volume in volumes(5)) {
        let mut voxels = BTreeMap::<u8, Vec<[usize; 3]>>::new();
        for ((z, y, x), &voxel) in volume.view().indexed_iter().filter(|(_, voxel)| **voxel != 0) {
            voxels.entry(voxel).or_default().push([z, y, x]);
        }
        let found = statistics(volume.view()).unwrap();
        prop_assert_eq!(found.len(), voxels.len());
        for (found, (id, places)) in found.iter().zip(voxels) {
            prop_assert_eq!((found.id, found.count), (u32::from(id), places.len() as u64));
            for axis in 0..3 {
                let along = || places.iter().map(|place| place[axis]);
                prop_assert_eq!(Some(found.start[axis]), along().min());
                prop_assert_eq!(Some(found.stop[axis]), along().max().map(|last| last + 1));
                let mean = along().sum::<usize>() as f64 / places.len() as f64;
                prop_assert_eq!(found.centroid[axis], mean);
            }
        }
    }

    #[test]
    fn holes_are_what_the_border_cannot_reach(volume in volumes(1)) {
        let mask = volume.view();
        let mut outside = Array3::zeros(mask.raw_dim());
        for ((z, y, x), &voxel) in mask.indexed_iter() {
            let on_border = [z, y, x].iter().zip(mask.shape()).any(|(&i, &n)| i == 0 || i + 1 == n);
            if voxel == 0 && on_border {
                let inside = |at: [usize; 3]| mask[at] == 0;
                flooded(inside, mask.shape(), [z, y, x], &mut outside, 1, Connectivity::Six);
            }
        }
        let mut out = Array3::from_elem(mask.raw_dim(), 7);
        fill_holes(mask, out.view_mut()).unwrap();
        prop_assert_eq!(out, outside.mapv(|outside| u8::from(outside == 0)));
    }

    #[test]
    fn the_box_is_that_of_single_voxels(volume in volumes(2)) {
        let mut expected: Option<([usize; 3], [usize; 3])> = None;
        for ((z, y, x), _) in volume.view().indexed_iter().filter(|(_, voxel)| **voxel != 0) {
            let at = [z, y, x];
            let (start, stop) = expected.unwrap_or((at, [0; 3]));
            expected = Some((
                [0, 1, 2].map(|axis| start[axis].min(at[axis])),
                [0, 1, 2].map(|axis| stop[axis].max(at[axis] + 1)),
            ));
        }
        prop_assert_eq!(nonzero_box(volume.view()), expected);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mask =
        Array3::from_shape_fn((96, 64, 80), |(z, y, x)| u8::from((z * 7 + y * 5 + x * 3) % 11 < 4));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut out = Array3::<u32>::zeros(mask.raw_dim());
            let count = label(mask.view(), out.view_mut(), Connectivity::Six).unwrap();
            (count, statistics(out.view()).unwrap(), out)
        })
    };
    assert_eq!(run(1), run(3));
}
