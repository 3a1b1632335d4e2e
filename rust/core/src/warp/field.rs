use ndarray::ArrayView4;

use crate::{Error, Region, Result, Shape};

/// Where in a source grid each voxel of a target grid looks.
///
/// Along each axis, target voxel `i` looks at `start + step * i + d(i)`, in source voxels. The
/// displacement `d` is given at nodes that are spread evenly over the target grid, the outer ones on its
/// outer voxels, and linear between them.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    start: [f64; 3],
    step: [f64; 3],
    nodes: ArrayView4<'a, f32>,
}

impl<'a> Field<'a> {
    /// A field of `nodes`: displacement along z, y, x (first axis) at nodes indexed z, y, x.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] where the first axis of `nodes` is not 3 or another is empty;
    /// [`Error::InvalidValue`] where a number of `start` or `step` is not finite.
    pub fn new(start: [f64; 3], step: [f64; 3], nodes: ArrayView4<'a, f32>) -> Result<Self> {
        let shape = nodes.shape();
        if shape[0] != 3 || shape[1..].contains(&0) {
            let expected = vec![3, shape[1].max(1), shape[2].max(1), shape[3].max(1)];
            return Err(Error::ShapeMismatch { what: "nodes", found: shape.to_vec(), expected });
        }
        for (what, numbers) in [("start", start), ("step", step)] {
            if numbers.iter().any(|number| !number.is_finite()) {
                let found = format!("{numbers:?}");
                return Err(Error::InvalidValue { what, found, legal: "finite numbers" });
            }
        }
        Ok(Field { start, step, nodes })
    }

    /// Source voxels per target voxel.
    pub(super) const fn step(&self) -> [f64; 3] {
        self.step
    }

    /// The rows of a block of the target.
    pub(super) fn rows(&self, target: Region) -> Rows<'a> {
        let nodes = self.nodes.shape();
        let axis = |a: usize| -> Vec<(usize, usize, f32)> {
            (target.start()[a]..target.start()[a] + target.extent()[a])
                .map(|i| between(i, target.shape()[a], nodes[a + 1]))
                .collect()
        };
        Rows { field: *self, start: target.start(), axes: [axis(0), axis(1), axis(2)] }
    }
}

/// Positions of the voxels of a block, row by row.
pub(super) struct Rows<'a> {
    field: Field<'a>,
    start: Shape,
    axes: [Vec<(usize, usize, f32)>; 3],
}

impl Rows<'_> {
    /// Writes where the voxels of one row of the block look: (z, y, x) for each.
    ///
    /// `line` is scratch: the displacement at the nodes of the row.
    pub(super) fn write(
        &self,
        z: usize,
        y: usize,
        line: &mut Vec<[f32; 3]>,
        row: &mut Vec<[f32; 3]>,
    ) {
        let Field { start, step, nodes } = self.field;
        let ((z0, z1, wz), (y0, y1, wy)) = (self.axes[0][z], self.axes[1][y]);
        line.clear();
        line.extend((0..nodes.shape()[3]).map(|x| {
            std::array::from_fn(|axis| {
                let plane = |z| lerp(nodes[[axis, z, y0, x]], nodes[[axis, z, y1, x]], wy);
                lerp(plane(z0), plane(z1), wz)
            })
        }));
        row.clear();
        row.extend(self.axes[2].iter().enumerate().map(|(x, &(x0, x1, wx))| {
            let index = [z, y, x];
            std::array::from_fn(|axis| {
                let at = start[axis] + step[axis] * (self.start[axis] + index[axis]) as f64;
                (at + f64::from(lerp(line[x0][axis], line[x1][axis], wx))) as f32
            })
        }));
    }
}

/// The two of `nodes` nodes beside voxel `i` of `n`, and the weight of the second.
fn between(i: usize, n: usize, nodes: usize) -> (usize, usize, f32) {
    if n < 2 || nodes < 2 {
        return (0, 0, 0.0);
    }
    let position = i as f64 * (nodes - 1) as f64 / (n - 1) as f64;
    let first = (position as usize).min(nodes - 2);
    (first, first + 1, (position - first as f64) as f32)
}

pub(super) fn lerp(a: f32, b: f32, weight: f32) -> f32 {
    a + weight * (b - a)
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn nodes_lie_on_the_outer_voxels() {
        assert_eq!(between(0, 9, 3), (0, 1, 0.0));
        assert_eq!(between(6, 9, 3), (1, 2, 0.5));
        assert_eq!(between(8, 9, 3), (1, 2, 1.0));
        assert_eq!(between(0, 1, 3), (0, 0, 0.0));
    }
}
