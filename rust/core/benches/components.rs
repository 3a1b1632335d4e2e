//! Components and statistics of a patch with lesions, and of dense noise.

use criterion::{Criterion, criterion_group, criterion_main};
use lesionlocator_core::components::{
    Connectivity, fill_holes, instances, label, nonzero_box, statistics,
};
use ndarray::Array3;

const PATCH: (usize, usize, usize) = (160, 224, 224);

fn lesions() -> Array3<u8> {
    let centers = [[40, 60, 60], [80, 150, 100], [120, 40, 180], [130, 200, 30]];
    Array3::from_shape_fn(PATCH, |(z, y, x)| {
        let inside = |[cz, cy, cx]: [usize; 3]| {
            z.abs_diff(cz).pow(2) + y.abs_diff(cy).pow(2) + x.abs_diff(cx).pow(2) <= 144
        };
        u8::from(centers.into_iter().any(inside))
    })
}

fn noise() -> Array3<u8> {
    let mut state = 1_u32;
    Array3::from_shape_simple_fn(PATCH, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::from(state >> 16 < (u32::from(u16::MAX) + 1) * 3 / 10)
    })
}

fn components(criterion: &mut Criterion) {
    for (name, mask) in [("lesions", lesions()), ("noise", noise())] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        let mut out = Array3::<u32>::zeros(PATCH);
        group.bench_function("label", |bencher| {
            bencher.iter(|| label(mask.view(), out.view_mut(), Connectivity::TwentySix));
        });
        group.bench_function("statistics", |bencher| bencher.iter(|| statistics(out.view())));
        group.bench_function("instances", |bencher| {
            bencher.iter(|| instances(mask.view(), Connectivity::TwentySix));
        });
        group.bench_function("nonzero_box", |bencher| bencher.iter(|| nonzero_box(mask.view())));
        let mut filled = Array3::zeros(PATCH);
        group.bench_function("fill_holes", |bencher| {
            bencher.iter(|| fill_holes(mask.view(), filled.view_mut()));
        });
    }
}

criterion_group!(benches, components);
criterion_main!(benches);
