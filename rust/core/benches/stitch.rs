//! One tile of a full-size network into a logit map, and what follows.

use criterion::{Criterion, criterion_group, criterion_main};
use lesionlocator_core::stitch::{accumulate, foreground, normalize};
use ndarray::Array3;

const PATCH: [usize; 3] = [160, 224, 224];

fn stitch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stitch");
    group.sample_size(20);
    let mut total = Array3::<f32>::zeros(PATCH);
    let tile = Array3::from_shape_fn(PATCH, |(z, y, x)| (z + y) as f32 - x as f32);
    group.bench_function("accumulate", |bencher| {
        bencher.iter(|| accumulate(total.view_mut(), tile.view(), [0; 3]));
    });
    group.bench_function("normalize", |bencher| {
        bencher.iter(|| normalize(total.view_mut(), PATCH, [&[0], &[0], &[0]]));
    });
    let mut mask = Array3::zeros(PATCH);
    group.bench_function("foreground", |bencher| {
        bencher.iter(|| foreground(total.view(), mask.view_mut()));
    });
}

criterion_group!(benches, stitch);
criterion_main!(benches);
