//! The linear assignment problem: match rows with columns at the least total cost.

/// Matches rows with columns, each used at most once, so that the matched costs add up to the
/// least possible and as many pairs as possible, min(`row_count`, `column_count`), are matched.
///
/// `costs` is row-major, `row_count` × `column_count`, of any sign and size. Gives each row's
/// column, `None` for the rows left over when there are more rows than columns. Among matchings of
/// the same cost the choice is deterministic but otherwise unspecified.
///
/// The Hungarian method (Kuhn 1955; Munkres 1957) in its shortest augmenting path form (Jonker and
/// Volgenant 1987), rectangular as in Crouse, "On implementing 2D rectangular assignment
/// algorithms" (2016). Takes O(n² m) time with n the smaller and m the larger dimension.
///
/// # Panics
///
/// If the number of costs is not `row_count` × `column_count`.
#[must_use]
pub fn minimum_cost_assignment(costs: &[i64], row_count: usize, column_count: usize) -> Vec<Option<usize>> {
    assert_eq!(costs.len(), row_count * column_count, "the cost matrix has one cost for each row and column");
    if row_count <= column_count {
        let rows = assign_every_row(row_count, column_count, |row, column| costs[row * column_count + column]);
        return rows.column_of_row;
    }
    // Every row gets a column only if there are enough of them, so a tall matrix is solved
    // transposed and its answer read from the other side.
    assign_every_row(column_count, row_count, |row, column| costs[column * column_count + row]).row_of_column
}

/// A matching, seen from both sides.
struct Matching {
    column_of_row: Vec<Option<usize>>,
    row_of_column: Vec<Option<usize>>,
}

/// Solves a matrix with no more rows than columns, one row after another.
///
/// Dual potentials keep the reduced cost `cost(r, c) - row_potential[r] - column_potential[c]` at
/// zero on matched pairs and non-negative elsewhere. So each new row is matched along a shortest
/// path, alternating between unmatched and matched pairs, to a free column, found as by Dijkstra.
fn assign_every_row(row_count: usize, column_count: usize, cost: impl Fn(usize, usize) -> i64) -> Matching {
    let mut matching = Matching { column_of_row: vec![None; row_count], row_of_column: vec![None; column_count] };
    // Sums of i64 costs along a path stay far within i128, so no cost is too large.
    let mut row_potential = vec![0_i128; row_count];
    let mut column_potential = vec![0_i128; column_count];

    for new_row in 0..row_count {
        let mut distance = vec![i128::MAX; column_count];
        let mut previous_row = vec![new_row; column_count];
        let mut settled = vec![false; column_count];
        let mut row = new_row;
        let mut row_distance = 0;

        let free_column = loop {
            // The rows matched so far are fewer than the columns, so a column is always left.
            let mut nearest = 0;
            let mut nearest_distance = i128::MAX;
            for column in 0..column_count {
                if settled[column] {
                    continue;
                }
                let reduced_cost = i128::from(cost(row, column)) - row_potential[row] - column_potential[column];
                let through_row = row_distance + reduced_cost;
                if through_row < distance[column] {
                    distance[column] = through_row;
                    previous_row[column] = row;
                }
                if distance[column] < nearest_distance {
                    nearest = column;
                    nearest_distance = distance[column];
                }
            }
            settled[nearest] = true;
            row_distance = nearest_distance;
            match matching.row_of_column[nearest] {
                Some(matched_row) => row = matched_row,
                None => break nearest,
            }
        };

        // Restores the potentials' invariant over the searched part, with the path's pairs at zero.
        row_potential[new_row] += row_distance;
        for column in (0..column_count).filter(|&column| settled[column]) {
            let slack = row_distance - distance[column];
            column_potential[column] -= slack;
            if let Some(matched_row) = matching.row_of_column[column] {
                row_potential[matched_row] += slack;
            }
        }

        // Each row on the path takes its new column and hands its old one to the row before it.
        let mut column = free_column;
        loop {
            let row = previous_row[column];
            matching.row_of_column[column] = Some(row);
            match matching.column_of_row[row].replace(column) {
                Some(old_column) => column = old_column,
                None => break,
            }
        }
    }
    matching
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::minimum_cost_assignment;

    /// The least total over all matchings of as many pairs as possible, by trying each of them.
    fn least_total(costs: &[i64], rows: usize, columns: usize) -> i128 {
        fn search(cost: &dyn Fn(usize, usize) -> i64, row: usize, rows: usize, taken: &mut [bool]) -> i128 {
            if row == rows {
                return 0;
            }
            let mut least = i128::MAX;
            for column in 0..taken.len() {
                if !taken[column] {
                    taken[column] = true;
                    let rest = search(cost, row + 1, rows, taken);
                    least = least.min(i128::from(cost(row, column)) + rest);
                    taken[column] = false;
                }
            }
            least
        }
        if rows <= columns {
            let cost = |row: usize, column: usize| costs[row * columns + column];
            search(&cost, 0, rows, &mut vec![false; columns])
        } else {
            let cost = |row: usize, column: usize| costs[column * columns + row];
            search(&cost, 0, columns, &mut vec![false; rows])
        }
    }

    /// The total cost of an assignment, having checked that it is a matching of full size.
    fn total(assignment: &[Option<usize>], costs: &[i64], rows: usize, columns: usize) -> i128 {
        assert_eq!(assignment.len(), rows);
        let mut taken = vec![false; columns];
        let mut total = 0;
        for (row, column) in assignment.iter().enumerate() {
            if let Some(column) = *column {
                assert!(!taken[column], "column {column} is matched twice");
                taken[column] = true;
                total += i128::from(costs[row * columns + column]);
            }
        }
        assert_eq!(assignment.iter().flatten().count(), rows.min(columns));
        total
    }

    fn matrices(cost: BoxedStrategy<i64>) -> impl Strategy<Value = (Vec<i64>, usize, usize)> {
        (0..=6_usize, 0..=6_usize).prop_flat_map(move |(rows, columns)| {
            let costs = prop::collection::vec(cost.clone(), rows * columns);
            (costs, Just(rows), Just(columns))
        })
    }

    #[test]
    fn finds_the_matching_that_greedy_choice_misses() {
        // Taking the 1 first would leave the 100.
        assert_eq!(minimum_cost_assignment(&[1, 2, 3, 100], 2, 2), [Some(1), Some(0)]);
    }

    #[test]
    fn leaves_the_costliest_rows_over() {
        assert_eq!(minimum_cost_assignment(&[5, 9, -7], 3, 1), [None, None, Some(0)]);
        assert_eq!(minimum_cost_assignment(&[], 2, 0), [None, None]);
        assert_eq!(minimum_cost_assignment(&[], 0, 2), []);
    }

    proptest! {
        #[test]
        fn is_as_cheap_as_the_best_of_all_matchings(
            // Few distinct costs make ties, the extremes would overflow 64-bit sums.
            (costs, rows, columns) in prop_oneof![
                matrices((-3..=3_i64).boxed()),
                matrices((-1000..=1000_i64).boxed()),
                matrices(any::<i64>().boxed()),
                matrices(prop_oneof![Just(i64::MIN), Just(i64::MAX)].boxed()),
            ],
        ) {
            let assignment = minimum_cost_assignment(&costs, rows, columns);
            prop_assert_eq!(
                total(&assignment, &costs, rows, columns),
                least_total(&costs, rows, columns)
            );
        }
    }
}
