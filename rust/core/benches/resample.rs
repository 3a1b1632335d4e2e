//! Resampling one network patch: an image and a label map.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lesionlocator_core::resample::{
    Frame, Intensity, Positions, cubic, labels, nearest, trilinear, value_range,
};
use ndarray::{Array2, Array3};

const SOURCE: [usize; 3] = [107, 183, 183];
const TARGET: [usize; 3] = [160, 224, 224];

fn scan() -> Array3<i16> {
    let noise = |z, y, x| (z * 7919 + y * 104_729 + x * 31) % 2000;
    Array3::from_shape_fn(SOURCE, |(z, y, x)| noise(z, y, x) as i16 - 1000)
}

fn blobs() -> Array3<u8> {
    let near = |at: usize| (at % 40).abs_diff(20).pow(2);
    Array3::from_shape_fn(SOURCE, |(z, y, x)| {
        let inside = near(z) + near(y) + near(x) < 30;
        if inside { 1 + (z / 40 + y / 40 + x / 40) as u8 } else { 0 }
    })
}

fn patch(criterion: &mut Criterion) {
    let (scan, map) = (scan(), blobs());
    let frame = Frame::whole(SOURCE, TARGET);
    let intensity = Intensity::new(-918.0, 723.0, -63.0068, 282.3602).unwrap();
    let limits = Array2::from(value_range(scan.view(), None).unwrap());
    let mut image = Array3::zeros(TARGET);
    let mut chosen = Array3::zeros(TARGET);
    let mut labelled = Array3::zeros(TARGET);
    let mut group = criterion.benchmark_group("patch");
    group.throughput(Throughput::Elements(TARGET.iter().product::<usize>() as u64)).sample_size(20);
    group.bench_function("trilinear i16 with intensity", |bench| {
        bench.iter(|| trilinear(black_box(scan.view()), image.view_mut(), &frame, &intensity));
    });
    group.bench_function("cubic i16 with intensity", |bench| {
        let source = black_box(scan.view());
        bench.iter(|| cubic(source, image.view_mut(), &frame, &intensity, limits.view()));
    });
    group.bench_function("nearest i16", |bench| {
        bench.iter(|| nearest(black_box(scan.view()), chosen.view_mut(), &frame));
    });
    group.bench_function("labels u8", |bench| {
        let source = black_box(map.view());
        bench.iter(|| labels(source, labelled.view_mut(), &frame, Positions::Single));
    });
    group.finish();
}

criterion_group!(benches, patch);
criterion_main!(benches);
