//! Principal components, by the eigenvectors of the covariance.

/// Points on their first principal components.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PrincipalComponents {
    /// One pair for each point, around (0, 0); the second is 0 where there is one dimension only.
    pub points: Vec<[f64; 2]>,
    /// The share of the variance that each explains, in [0, 1]; 0 where there is none.
    pub explained: [f64; 2],
}

impl PrincipalComponents {
    /// What the axis of a component, from 0, is called.
    pub fn axis(&self, component: usize) -> String {
        let share = self.explained.get(component).copied().unwrap_or_default();
        format!("component {} ({:.1} % of the variance)", component + 1, 100.0 * share)
    }
}

/// Puts `values`, point × dimension in row-major order, on its first two principal components. Each points to where its
/// largest weight is positive, as its sign is otherwise free.
pub(crate) fn principal_components(values: &[f32], dimensions: usize) -> PrincipalComponents {
    let dimensions = dimensions.max(1);
    let count = values.len() / dimensions;
    let mut means = vec![0.0; dimensions];
    for point in values.chunks_exact(dimensions) {
        means.iter_mut().zip(point).for_each(|(mean, value)| *mean += f64::from(*value) / count as f64);
    }
    let centred: Vec<f64> = values
        .chunks_exact(dimensions)
        .flat_map(|point| point.iter().zip(&means).map(|(value, mean)| f64::from(*value) - mean))
        .collect();
    let mut covariance = Square::zeros(dimensions);
    for point in centred.chunks_exact(dimensions) {
        for row in 0..dimensions {
            for column in row..dimensions {
                *covariance.at(row, column) += point[row] * point[column];
            }
        }
    }
    for row in 0..dimensions {
        for column in 0..row {
            *covariance.at(row, column) = *covariance.at(column, row);
        }
    }
    let variance: f64 = (0..dimensions).map(|dimension| *covariance.at(dimension, dimension)).sum();
    let eigen = eigenvectors(covariance);
    let axis = |position: usize| eigen.get(position).map(|(value, vector)| (*value, pointed(vector)));
    let axes = [axis(0), axis(1)];
    let along = |point: &[f64], axis: &Option<(f64, Vec<f64>)>| {
        axis.as_ref().map_or(0.0, |(_, axis)| axis.iter().zip(point).map(|(weight, value)| weight * value).sum())
    };
    let explained = |axis: &Option<(f64, Vec<f64>)>| match axis {
        Some((value, _)) if variance > 0.0 => (value / variance).clamp(0.0, 1.0),
        _ => 0.0,
    };
    PrincipalComponents {
        points: centred
            .chunks_exact(dimensions)
            .map(|point| [along(point, &axes[0]), along(point, &axes[1])])
            .collect(),
        explained: [explained(&axes[0]), explained(&axes[1])],
    }
}

/// `vector`, or its opposite if its largest weight is negative.
fn pointed(vector: &[f64]) -> Vec<f64> {
    let largest = vector.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or_default();
    vector.iter().map(|weight| weight * largest.signum()).collect()
}

/// A square matrix, row by row.
#[derive(Clone)]
struct Square {
    side: usize,
    /// From one row to the next: odd, as the values of a column would otherwise share a few places of the cache.
    stride: usize,
    values: Vec<f64>,
}

impl Square {
    fn zeros(side: usize) -> Self {
        let stride = side | 1;
        Self { side, stride, values: vec![0.0; side * stride] }
    }

    fn at(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.values[row * self.stride + column]
    }
}

/// Turns of all pairs after which Jacobi's method has long converged.
const TURNS: usize = 60;

/// The eigenvalues of the symmetric `matrix` with their eigenvectors of length 1, the largest first; by Jacobi's method,
/// which turns pairs of coordinates until the matrix is diagonal.
fn eigenvectors(mut matrix: Square) -> Vec<(f64, Vec<f64>)> {
    let side = matrix.side;
    let mut vectors = Square::zeros(side);
    (0..side).for_each(|position| *vectors.at(position, position) = 1.0);
    let scale: f64 = matrix.values.iter().map(|value| value * value).sum();
    // What rounding leaves in a cell, and more than a figure shows.
    let negligible = 1e-30 * scale;
    for _ in 0..TURNS {
        let mut rest = 0.0;
        for row in 0..side {
            for column in row + 1..side {
                let square = matrix.at(row, column).powi(2);
                if square > negligible {
                    rest += square;
                    rotate(&mut matrix, &mut vectors, row, column);
                }
            }
        }
        if rest <= negligible {
            break;
        }
    }
    let mut eigen: Vec<(f64, Vec<f64>)> = (0..side)
        .map(|position| {
            (*matrix.at(position, position), (0..side).map(|weight| *vectors.at(position, weight)).collect())
        })
        .collect();
    eigen.sort_by(|one, other| other.0.total_cmp(&one.0));
    eigen
}

/// Turns the coordinates `p` and `q` so that `matrix` no longer mixes them, and `vectors`, one a row, with them.
fn rotate(matrix: &mut Square, vectors: &mut Square, p: usize, q: usize) {
    let mixed = *matrix.at(p, q);
    if mixed == 0.0 {
        return;
    }
    let theta = (*matrix.at(q, q) - *matrix.at(p, p)) / (2.0 * mixed);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for position in 0..matrix.side {
        let (at_p, at_q) = (*matrix.at(position, p), *matrix.at(position, q));
        *matrix.at(position, p) = cosine * at_p - sine * at_q;
        *matrix.at(position, q) = sine * at_p + cosine * at_q;
    }
    for position in 0..matrix.side {
        let (at_p, at_q) = (*matrix.at(p, position), *matrix.at(q, position));
        *matrix.at(p, position) = cosine * at_p - sine * at_q;
        *matrix.at(q, position) = sine * at_p + cosine * at_q;
        let (at_p, at_q) = (*vectors.at(p, position), *vectors.at(q, position));
        *vectors.at(p, position) = cosine * at_p - sine * at_q;
        *vectors.at(q, position) = sine * at_p + cosine * at_q;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_of_a_matrix_that_is_known() {
        // Of [[2, 1], [1, 2]]: 3 along (1, 1) and 1 along (1, −1).
        let mut matrix = Square::zeros(2);
        for (row, column, value) in [(0, 0, 2.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 2.0)] {
            *matrix.at(row, column) = value;
        }
        let eigen = eigenvectors(matrix);
        assert!((eigen[0].0 - 3.0).abs() < 1e-12 && (eigen[1].0 - 1.0).abs() < 1e-12, "{eigen:?}");
        assert!((eigen[0].1[0] - eigen[0].1[1]).abs() < 1e-12 && (eigen[1].1[0] + eigen[1].1[1]).abs() < 1e-12);
    }

    #[test]
    fn a_matrix_is_what_its_eigenvectors_make() {
        let side = 9;
        let mut matrix = Square::zeros(side);
        for row in 0..side {
            for column in 0..=row {
                let value = ((row * 7 + column * 3) % 11) as f64 - 4.0;
                *matrix.at(row, column) = value;
                *matrix.at(column, row) = value;
            }
        }
        let eigen = eigenvectors(matrix.clone());
        assert!(eigen.is_sorted_by(|one, other| one.0 >= other.0));
        for row in 0..side {
            for column in 0..side {
                let made: f64 = eigen.iter().map(|(value, vector)| value * vector[row] * vector[column]).sum();
                assert!((made - *matrix.at(row, column)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn points_are_turned_to_their_widest_side() {
        // Along (3, 4) / 5, and a fifth as far across it.
        let values: Vec<f32> = [-2.0_f32, -1.0, 1.0, 2.0]
            .iter()
            .zip([0.2_f32, -0.4, -0.4, 0.6])
            .flat_map(|(along, across)| [0.6 * along - 0.8 * across, 0.8 * along + 0.6 * across])
            .collect();
        let found = principal_components(&values, 2);
        assert!(found.explained[0] > 0.9 && (found.explained.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{found:?}");
        assert!(found.points[3][0] > 1.9 && found.points[0][0] < -1.9, "{found:?}");
        let spread: f64 = found.points.iter().map(|point| point[0] * point[1]).sum();
        assert!(spread.abs() < 1e-5);
    }

    #[test]
    fn one_dimension_and_equal_points_have_no_second_component() {
        let found = principal_components(&[1.0, 3.0], 1);
        assert_eq!((found.points, found.explained), (vec![[-1.0, 0.0], [1.0, 0.0]], [1.0, 0.0]));
        assert_eq!(principal_components(&[2.0; 12], 3).explained, [0.0, 0.0]);
    }
}
