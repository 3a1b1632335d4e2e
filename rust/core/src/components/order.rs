use ndarray::{ArrayBase, ArrayView3, Axis, Ix3, RawData};

use super::shape_of;
use crate::Shape;

/// How to reorder and flip the axes of a view so that memory is walked forwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemoryOrder {
    /// Axis of the view that becomes axis 0, 1, 2.
    axes: [usize; 3],
    /// Whether axis 0, 1, 2 of the view runs backwards through memory.
    flipped: [bool; 3],
    /// Shape of the view.
    shape: Shape,
}

impl MemoryOrder {
    pub(crate) fn of<T>(view: &ArrayView3<'_, T>) -> Self {
        let strides = [0, 1, 2].map(|axis| view.stride_of(Axis(axis)));
        let mut axes = [0, 1, 2];
        axes.sort_by_key(|&axis| std::cmp::Reverse(strides[axis].unsigned_abs()));
        Self { axes, flipped: strides.map(|stride| stride < 0), shape: shape_of(view) }
    }

    pub(crate) fn is_raster(&self) -> bool {
        self.axes == [0, 1, 2] && self.flipped == [false; 3]
    }

    /// An array of the view's shape, in memory order.
    pub(crate) fn apply<S: RawData>(&self, mut array: ArrayBase<S, Ix3>) -> ArrayBase<S, Ix3> {
        for axis in (0..3).filter(|&axis| self.flipped[axis] && self.shape[axis] > 0) {
            array.invert_axis(Axis(axis));
        }
        array.permuted_axes(self.axes)
    }

    /// Positions along the axes in memory order, as positions along the axes of the view.
    pub(crate) fn position(&self, ordered: [usize; 3]) -> [usize; 3] {
        let mut position = [0; 3];
        for (&axis, index) in self.axes.iter().zip(ordered) {
            position[axis] = if self.flipped[axis] { self.shape[axis] - 1 - index } else { index };
        }
        position
    }

    /// First and last voxel of a box in memory order, as those of the box in the view.
    pub(crate) fn corners(&self, first: [usize; 3], last: [usize; 3]) -> ([usize; 3], [usize; 3]) {
        let (a, b) = (self.position(first), self.position(last));
        ([0, 1, 2].map(|i| a[i].min(b[i])), [0, 1, 2].map(|i| a[i].max(b[i])))
    }

    /// Mean position in the view, from sums of positions in memory order.
    pub(crate) fn mean(&self, sums: [u64; 3], count: u64) -> [f64; 3] {
        let mut mean = [0.0; 3];
        for (&axis, sum) in self.axes.iter().zip(sums) {
            let furthest = (self.shape[axis] - 1) as u64 * count;
            let sum = if self.flipped[axis] { furthest - sum } else { sum };
            mean[axis] = sum as f64 / count as f64;
        }
        mean
    }

    /// Rank of a voxel in the view's raster order, from its position in memory order.
    pub(crate) fn raster_index(&self, ordered: [usize; 3]) -> usize {
        let [z, y, x] = self.position(ordered);
        (z * self.shape[1] + y) * self.shape[2] + x
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, s};

    use super::MemoryOrder;

    #[test]
    fn a_turned_view_is_walked_as_its_memory_lies() {
        let array = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| z * 12 + y * 4 + x);
        let view = array.view().permuted_axes([2, 0, 1]);
        let view = view.slice(s![..;-1, .., ..;-1]);
        let order = MemoryOrder::of(&view);
        assert!(!order.is_raster());
        assert_eq!(order.apply(view), array);
        for ((z, y, x), &value) in array.indexed_iter() {
            let position = order.position([z, y, x]);
            assert_eq!(view[position], value);
            assert_eq!(view.iter().nth(order.raster_index([z, y, x])), Some(&value));
        }
    }
}
