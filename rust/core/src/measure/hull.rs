/// A voxel of a slice: y, x.
pub(super) type Pixel = [i64; 2];

/// The corners of the convex hull of pixels, in order around it, without points on its edges.
///
/// Pixels must be in raster order, without repeats.
pub(super) fn convex_hull(pixels: &[Pixel]) -> Vec<Pixel> {
    if pixels.len() < 3 {
        return pixels.to_vec();
    }
    let mut hull = half_hull(pixels.iter());
    let back = half_hull(pixels.iter().rev());
    // Each half ends where the other begins.
    hull.pop();
    hull.extend(&back[..back.len() - 1]);
    hull
}

fn half_hull<'a>(pixels: impl Iterator<Item = &'a Pixel>) -> Vec<Pixel> {
    let mut chain: Vec<Pixel> = Vec::new();
    for &pixel in pixels {
        while let [.., before, last] = chain[..] {
            if turn(before, last, pixel) > 0 {
                break;
            }
            chain.pop();
        }
        chain.push(pixel);
    }
    chain
}

/// Positive where the way from `a` over `b` to `c` bends one way, negative the other, 0 if straight.
fn turn(a: Pixel, b: Pixel, c: Pixel) -> i128 {
    let step = |from: Pixel, to: Pixel| [0, 1].map(|i| i128::from(to[i]) - i128::from(from[i]));
    let ([ay, ax], [by, bx]) = (step(a, b), step(a, c));
    ay * bx - ax * by
}

#[cfg(test)]
mod tests {
    use super::convex_hull;

    #[test]
    fn points_on_edges_and_inside_are_no_corners() {
        let square: Vec<_> = (0..4).flat_map(|y| (0..4).map(move |x| [y, x])).collect();
        let mut hull = convex_hull(&square);
        hull.sort_unstable();
        assert_eq!(hull, [[0, 0], [0, 3], [3, 0], [3, 3]]);
    }

    #[test]
    fn a_line_has_two_ends() {
        assert_eq!(convex_hull(&[[0, 0], [1, 2], [2, 4]]), [[0, 0], [2, 4]]);
        assert_eq!(convex_hull(&[[5, 5]]), [[5, 5]]);
        assert!(convex_hull(&[]).is_empty());
    }
}
