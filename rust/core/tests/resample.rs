//! Properties that every resampling kernel has, for any grids and any region.

use lesionlocator_core::resample::{
    Frame, Intensity, Interpolation, Positions, covered_block, cubic, labels, nearest,
    source_block, trilinear, value_range,
};
use lesionlocator_core::{Axis, Error, Region, Shape};
use ndarray::{Array2, Array3, ArrayView3, s};
use proptest::prelude::*;

const CT: (f32, f32, f32, f32) = (-918.0, 723.0, -63.0068, 282.3602);

#[derive(Debug, Clone)]
struct Case {
    source: Array3<i16>,
    target_shape: Shape,
    start: [usize; 3],
    extent: Shape,
    separate_axis: Option<Axis>,
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = || prop::array::uniform3(1_usize..24);
    let axis = prop::option::of(prop::sample::select(vec![Axis::Z, Axis::Y, Axis::X]));
    (shape(), shape(), prop::array::uniform6(0.0..1.0), any::<u32>(), axis).prop_map(
        |(source_shape, target_shape, cuts, seed, separate_axis)| {
            let mut state = seed | 1;
            let source = Array3::from_shape_simple_fn(source_shape, || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 20) as i16 - 1024
            });
            let pick = |axis: usize, count: usize| (cuts[axis] * count as f64) as usize;
            let start: [usize; 3] = std::array::from_fn(|axis| pick(axis, target_shape[axis]));
            let extent =
                std::array::from_fn(|axis| 1 + pick(axis + 3, target_shape[axis] - start[axis]));
            Case { source, target_shape, start, extent, separate_axis }
        },
    )
}

impl Case {
    fn whole(&self) -> Frame {
        let shape = self.source.dim().into();
        Frame { separate_axis: self.separate_axis, ..Frame::whole(shape, self.target_shape) }
    }

    /// The frame of the region, and the source block it needs.
    fn region(&self, interpolation: Interpolation) -> (Frame, ArrayView3<'_, i16>) {
        let whole = self.whole();
        let target = Region::new("target", self.start, self.extent, self.target_shape).unwrap();
        let block = source_block(interpolation, whole.source_shape, target, self.separate_axis);
        let (start, stop) = block.unwrap();
        let frame = Frame { source_start: start, target_start: self.start, ..whole };
        let ranges = s![start[0]..stop[0], start[1]..stop[1], start[2]..stop[2]];
        (frame, self.source.slice(ranges))
    }

    fn cut<'a, T>(&self, whole: &'a Array3<T>) -> ArrayView3<'a, T> {
        let range = |axis: usize| self.start[axis]..self.start[axis] + self.extent[axis];
        whole.slice(s![range(0), range(1), range(2)])
    }

    fn labels(&self) -> Array3<u8> {
        self.source.mapv(|value| if value > 0 { (value % 5) as u8 } else { 0 })
    }
}

fn run_trilinear(source: ArrayView3<'_, i16>, frame: &Frame, extent: Shape) -> Array3<f32> {
    let intensity = Intensity::new(CT.0, CT.1, CT.2, CT.3).unwrap();
    let mut out = Array3::zeros(extent);
    trilinear(source, out.view_mut(), frame, &intensity).unwrap();
    out
}

fn run_cubic(
    case: &Case,
    source: ArrayView3<'_, i16>,
    frame: &Frame,
    extent: Shape,
) -> Array3<f32> {
    let limits = Array2::from(value_range(case.source.view(), case.separate_axis).unwrap());
    let mut out = Array3::zeros(extent);
    cubic(source, out.view_mut(), frame, &Intensity::IDENTITY, limits.view()).unwrap();
    out
}

fn bits(array: ArrayView3<'_, f32>) -> Vec<u32> {
    array.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_trilinear_region_is_the_slice_of_the_whole(case in cases()) {
        let whole = run_trilinear(case.source.view(), &case.whole(), case.target_shape);
        let (frame, block) = case.region(Interpolation::Linear);
        let part = run_trilinear(block, &frame, case.extent);
        prop_assert_eq!(bits(part.view()), bits(case.cut(&whole)));
    }

    #[test]
    fn a_cubic_region_is_close_to_the_slice_of_the_whole(case in cases()) {
        let whole = run_cubic(&case, case.source.view(), &case.whole(), case.target_shape);
        let (frame, block) = case.region(Interpolation::Cubic);
        let part = run_cubic(&case, block, &frame, case.extent);
        for (a, b) in part.iter().zip(case.cut(&whole)) {
            prop_assert!((a - b).abs() < 4096.0 * 1e-5, "{} is not {}", a, b);
        }
    }

    #[test]
    fn a_nearest_region_is_the_slice_of_the_whole(case in cases()) {
        let case = Case { separate_axis: None, ..case };
        let mut whole = Array3::zeros(case.target_shape);
        nearest(case.source.view(), whole.view_mut(), &case.whole()).unwrap();
        let (frame, block) = case.region(Interpolation::Nearest);
        let mut part = Array3::zeros(case.extent);
        nearest(block, part.view_mut(), &frame).unwrap();
        prop_assert_eq!(part.view(), case.cut(&whole));
    }

    #[test]
    fn labels_are_those_whose_own_map_exceeds_one_half(case in cases()) {
        let source = case.labels();
        let mut out = Array3::zeros(case.target_shape);
        labels(source.view(), out.view_mut(), &case.whole(), Positions::Single).unwrap();
        let mut expected = Array3::<u8>::zeros(case.target_shape);
        for label in 1..5 {
            let map = source.mapv(|value| f32::from(u8::from(value == label)));
            let mut soft = Array3::zeros(case.target_shape);
            trilinear(map.view(), soft.view_mut(), &case.whole(), &Intensity::IDENTITY).unwrap();
            expected.zip_mut_with(&soft, |to, &soft| if soft > 0.5 { *to = label });
        }
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn fused_integers_equal_floats_normalised_first(case in cases()) {
        let fused = run_trilinear(case.source.view(), &case.whole(), case.target_shape);
        let (low, high, mean, deviation) = CT;
        let normalised =
            case.source.mapv(|value| (f32::from(value).clamp(low, high) - mean) / deviation);
        let mut out = Array3::zeros(case.target_shape);
        trilinear(normalised.view(), out.view_mut(), &case.whole(), &Intensity::IDENTITY).unwrap();
        prop_assert_eq!(bits(fused.view()), bits(out.view()));
    }

    #[test]
    fn strides_do_not_matter(case in cases()) {
        let mut flipped = case.source.slice(s![..;-1, ..;-1, ..;-1]).as_standard_layout().into_owned();
        for axis in 0..3 {
            flipped.invert_axis(ndarray::Axis(axis));
        }
        let transposed = case.source.t().as_standard_layout().into_owned();
        let plain = run_trilinear(case.source.view(), &case.whole(), case.target_shape);
        let ranges = value_range(case.source.view(), case.separate_axis);
        for twin in [flipped.view(), transposed.t()] {
            prop_assert_eq!(twin, case.source.view());
            let ours = run_trilinear(twin, &case.whole(), case.target_shape);
            prop_assert_eq!(bits(ours.view()), bits(plain.view()));
            prop_assert_eq!(value_range(twin, case.separate_axis), ranges.clone());
        }
    }

    #[test]
    fn the_source_block_of_a_region_covers_it(case in cases()) {
        let target = Region::new("target", case.start, case.extent, case.target_shape).unwrap();
        let (shape, separate) = (case.source.dim().into(), case.separate_axis);
        let (start, stop) = source_block(Interpolation::Linear, shape, target, separate).unwrap();
        let extent = std::array::from_fn(|axis| stop[axis] - start[axis]);
        let source = Region::new("source", start, extent, shape).unwrap();
        let (first, last) = covered_block(source, case.target_shape, separate).unwrap().unwrap();
        for axis in 0..3 {
            prop_assert!(first[axis] <= case.start[axis]);
            prop_assert!(last[axis] >= case.start[axis] + case.extent[axis]);
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let source = Array3::from_shape_fn((40, 70, 30), |(z, y, x)| (z * 37 + y * 11 + x * x) as i16);
    let target_shape = [140, 90, 33];
    let case =
        Case { source, target_shape, start: [0; 3], extent: target_shape, separate_axis: None };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let linear = run_trilinear(case.source.view(), &case.whole(), case.extent);
            let cubic = run_cubic(&case, case.source.view(), &case.whole(), case.extent);
            let mut out = Array3::zeros(case.extent);
            labels(case.labels().view(), out.view_mut(), &case.whole(), Positions::Double).unwrap();
            (bits(linear.view()), bits(cubic.view()), out)
        })
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn misuse_is_refused_with_its_reason() {
    let source = Array3::<f32>::zeros((4, 4, 4));
    let mut out = Array3::<f32>::zeros((8, 8, 8));
    let frame = Frame::whole([4, 4, 4], [8, 8, 8]);
    let mut refused = |frame: Frame| {
        trilinear(source.view(), out.view_mut(), &frame, &Intensity::IDENTITY).unwrap_err()
    };
    let outside = [
        Frame { source_start: [usize::MAX, 0, 0], ..frame },
        Frame { target_start: [1, 0, 0], ..frame },
        Frame { target_shape: [0, 8, 8], ..frame },
    ];
    for frame in outside {
        assert!(matches!(refused(frame), Error::OutsideGrid { .. }));
    }
    let elsewhere = Frame { source_shape: [40, 4, 4], source_start: [30, 0, 0], ..frame };
    assert!(matches!(refused(elsewhere), Error::InvalidValue { what: "source block", .. }));
    let limits = Array2::zeros((1, 3));
    let error = cubic(source.view(), out.view_mut(), &frame, &Intensity::IDENTITY, limits.view());
    assert!(matches!(error, Err(Error::ShapeMismatch { what: "limits", .. })));
}
