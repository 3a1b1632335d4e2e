//! The surface within a cell: the cube between the centres of eight neighbouring voxels.
//!
//! A corner's number has a bit for each axis, the first axis in the highest one; a case is the set
//! of its inner corners, a bit for each corner.

/// A position in a cell, along the axes; the cell is the unit cube.
type Position = [f64; 3];

/// Cases of a cell.
pub(super) const CASES: usize = 1 << 8;

/// What a cell adds to a surface and to the volume within it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) area: f64,
    pub(super) volume: f64,
}

impl Share {
    /// The share of a cell of this size in mm; `case` is the set of inner corners.
    pub(super) fn of(case: usize, size: [f64; 3]) -> Self {
        let loops = loops(case);
        let triangles = loops.iter().flat_map(|polygon| triangles(polygon));
        let area = triangles.clone().map(|triangle| area(triangle, size)).sum();
        // The flux of the position through what bounds the inside: the triangles, and the inner part
        // of the three faces that do not pass through the origin.
        let through_surface: f64 = triangles.map(|[a, b, c]| dot(a, cross(b, c)) / 2.0).sum();
        let through_faces: f64 = (0..3).map(|axis| inner_part(case, axis)).sum();
        let volume = (through_surface + through_faces) / 3.0 * size.iter().product::<f64>();
        Self { area, volume }
    }
}

/// The closed polygons that part the inner from the outer corners, through the middles of edges.
///
/// On a face with two inner corners across a diagonal, each is cut off by itself; both cells at
/// the face do so, and thus the surface is closed.
fn loops(case: usize) -> Vec<Vec<Position>> {
    let is_inner = |corner: usize| case >> corner & 1 == 1;
    let mut segments: Vec<[[usize; 2]; 2]> = Vec::new();
    for ring in (0..6).map(face) {
        for start in 0..4 {
            let at = |step: usize| ring[(start + step) % 4];
            if is_inner(at(0)) || !is_inner(at(1)) {
                continue;
            }
            let last = (1..4).take_while(|&step| is_inner(at(step))).count();
            segments.push([[at(0), at(1)], [at(last + 1), at(last)]]);
        }
    }
    let mut found = Vec::new();
    while let Some([first, mut end]) = segments.pop() {
        let mut polygon = vec![middle(first)];
        while end != first {
            polygon.push(middle(end));
            let next = segments.iter().position(|[from, _]| *from == end);
            let Some(next) = next else { unreachable!("each edge lies on two faces") };
            [_, end] = segments.swap_remove(next);
        }
        found.push(polygon);
    }
    found
}

/// The corners of a face, counterclockwise as seen from outside of the cell.
fn face(number: usize) -> [usize; 4] {
    let (axis, is_far) = (number / 2, number % 2 == 1);
    let [a, b] = [(axis + 1) % 3, (axis + 2) % 3].map(bit);
    let base = if is_far { bit(axis) } else { 0 };
    let ring = [0, a, a | b, b].map(|corner| base | corner);
    if is_far { ring } else { [ring[0], ring[3], ring[2], ring[1]] }
}

fn bit(axis: usize) -> usize {
    4 >> axis
}

fn position(corner: usize) -> Position {
    [0, 1, 2].map(|axis| if corner & bit(axis) == 0 { 0.0 } else { 1.0 })
}

/// The middle of an edge from an outer to an inner corner.
fn middle([a, b]: [usize; 2]) -> Position {
    let (a, b) = (position(a), position(b));
    [0, 1, 2].map(|axis| f64::midpoint(a[axis], b[axis]))
}

/// The triangles between the edges of a polygon and its centre: the same however it is turned.
fn triangles(polygon: &[Position]) -> impl Iterator<Item = [Position; 3]> + Clone + '_ {
    let count = polygon.len() as f64;
    let centre = [0, 1, 2].map(|axis| polygon.iter().map(|p| p[axis]).sum::<f64>() / count);
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().zip(next).map(move |(&a, &b)| [centre, a, b])
}

/// The part of the far face across an axis that lies inside.
fn inner_part(case: usize, axis: usize) -> f64 {
    let ring = face(2 * axis + 1);
    let inner: Vec<bool> = ring.iter().map(|&corner| case >> corner & 1 == 1).collect();
    match inner.iter().filter(|&&is_inner| is_inner).count() {
        0 => 0.0,
        1 => 0.125,
        2 if inner[0] == inner[2] => 0.25,
        2 => 0.5,
        3 => 0.875,
        _ => 1.0,
    }
}

fn area([a, b, c]: [Position; 3], size: [f64; 3]) -> f64 {
    let step = |to: Position| [0, 1, 2].map(|axis| (to[axis] - a[axis]) * size[axis]);
    let normal = cross(step(b), step(c));
    dot(normal, normal).sqrt() / 2.0
}

fn cross(a: Position, b: Position) -> Position {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: Position, b: Position) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::{CASES, Share};

    #[test]
    fn a_case_and_its_complement_with_one_corner_share_the_cell() {
        for corner in 0..8 {
            let one = Share::of(1 << corner, [1.0; 3]);
            let rest = Share::of(CASES - 1 - (1 << corner), [1.0; 3]);
            assert!((one.volume - 1.0 / 48.0).abs() < 1e-12);
            assert!((one.volume + rest.volume - 1.0).abs() < 1e-12);
            assert!((one.area - rest.area).abs() < 1e-12);
        }
    }

    #[test]
    fn half_a_cell_has_a_face_between() {
        let half = Share::of(0b0000_1111, [2.0, 3.0, 5.0]);
        assert!((half.area - 15.0).abs() < 1e-12);
        assert!((half.volume - 15.0).abs() < 1e-12);
    }
}
