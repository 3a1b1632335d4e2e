use ndarray::ArrayView2;

use crate::{Error, Result};

const NONE: usize = usize::MAX;

/// Assigns rows to columns one to one at the least total cost: as many pairs as the shorter side has.
///
/// Shortest augmenting paths (Jonker and Volgenant 1987, for rectangles as in Crouse 2016). Of equal
/// choices the smallest index is taken, so the same costs always give the same pairs. Returns row
/// and column of each pair, rows ascending.
///
/// # Errors
/// [`Error::InvalidValue`] where a cost is not finite.
///
/// ```
/// use lesionlocator_core::matching::assign;
/// use ndarray::array;
/// let cost = array![[1.0, 2.0, 9.0], [1.0, 5.0, 9.0]];
/// assert_eq!(assign(cost.view()).unwrap(), [(0, 1), (1, 0)]);
/// ```
pub fn assign(cost: ArrayView2<'_, f64>) -> Result<Vec<(usize, usize)>> {
    if let Some(((row, column), value)) = cost.indexed_iter().find(|(_, cost)| !cost.is_finite()) {
        return Err(Error::InvalidValue {
            what: "cost",
            found: format!("{value} in row {row}, column {column}"),
            legal: "finite numbers",
        });
    }
    let turned = cost.nrows() > cost.ncols();
    let cost = if turned { cost.reversed_axes() } else { cost };
    let (rows, columns) = cost.dim();
    let values: Vec<f64> = cost.iter().copied().collect();
    let mut search = Search::new(&values, rows, columns);
    (0..rows).for_each(|row| search.augment(row));
    let mut pairs: Vec<_> = search.column_of.into_iter().enumerate().collect();
    if turned {
        pairs = pairs.into_iter().map(|(row, column)| (column, row)).collect();
        pairs.sort_unstable();
    }
    Ok(pairs)
}

/// Rows up to the current one are assigned at the least cost; the prices prove it.
struct Search<'a> {
    cost: &'a [f64],
    columns: usize,
    row_price: Vec<f64>,
    column_price: Vec<f64>,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    /// Length of the shortest path found to each column.
    length: Vec<f64>,
    /// Row from which that path reaches the column.
    before: Vec<usize>,
    /// Columns whose shortest path is not yet known, ascending.
    open: Vec<usize>,
    /// Columns whose shortest path is known.
    closed: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(cost: &'a [f64], rows: usize, columns: usize) -> Self {
        Self {
            cost,
            columns,
            row_price: vec![0.0; rows],
            column_price: vec![0.0; columns],
            column_of: vec![NONE; rows],
            row_of: vec![NONE; columns],
            length: vec![0.0; columns],
            before: vec![NONE; columns],
            open: Vec::with_capacity(columns),
            closed: Vec::with_capacity(columns),
        }
    }

    /// Assigns one more row, moving others along the shortest path to a free column.
    fn augment(&mut self, start: usize) {
        self.length.fill(f64::INFINITY);
        self.closed.clear();
        self.open.clear();
        self.open.extend(0..self.columns);
        let (mut row, mut reached) = (start, 0.0);
        let end = loop {
            let place = self.nearest(row, reached);
            let column = self.open.remove(place);
            reached = self.length[column];
            if self.row_of[column] == NONE {
                break column;
            }
            self.closed.push(column);
            row = self.row_of[column];
        };
        self.reprice(start, reached);
        self.flip(start, end);
    }

    /// Goes on from a row at a distance; returns the place among the open columns of the nearest one.
    fn nearest(&mut self, row: usize, reached: f64) -> usize {
        let costs = &self.cost[row * self.columns..][..self.columns];
        let offset = reached - self.row_price[row];
        let (mut best, mut shortest) = (0, f64::INFINITY);
        for (place, &column) in self.open.iter().enumerate() {
            let length = offset + costs[column] - self.column_price[column];
            if length < self.length[column] {
                self.length[column] = length;
                self.before[column] = row;
            }
            let length = self.length[column];
            // Of equals one that is free ends the search.
            let free_first = length == shortest
                && self.row_of[column] == NONE
                && self.row_of[self.open[best]] != NONE;
            if length < shortest || free_first {
                (best, shortest) = (place, length);
            }
        }
        best
    }

    fn reprice(&mut self, start: usize, reached: f64) {
        self.row_price[start] += reached;
        for &column in &self.closed {
            let gain = reached - self.length[column];
            self.row_price[self.row_of[column]] += gain;
            self.column_price[column] -= gain;
        }
    }

    fn flip(&mut self, start: usize, end: usize) {
        let mut column = end;
        loop {
            let row = self.before[column];
            self.row_of[column] = row;
            std::mem::swap(&mut self.column_of[row], &mut column);
            if row == start {
                break;
            }
        }
    }
}
