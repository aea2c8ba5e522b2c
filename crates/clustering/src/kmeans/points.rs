//! Points that K-means goes through, all at once or piece by piece.

use std::collections::HashSet;

use ndarray::{Array2, ArrayView2};

use super::{KMeansError, VALUE_LIMIT};

/// What looks at pieces of points, each point × dimension.
pub type Look<'a, E> = dyn FnMut(ArrayView2<'_, f32>) -> Result<(), E> + 'a;

/// Points that can be gone through any number of times. All of them need not be in memory at once.
pub trait Points {
    /// What can go wrong while they are read.
    type Error: From<KMeansError>;

    /// How many there are.
    fn count(&self) -> usize;

    /// Values of each.
    fn dimensions(&self) -> usize;

    /// Shows `look` all points, a piece, point × dimension, at a time: the same pieces in the same order every time.
    ///
    /// # Errors
    /// They cannot be read, or `look` fails.
    fn for_each_piece(&self, look: &mut Look<'_, Self::Error>) -> Result<(), Self::Error>;
}

/// All at once.
impl Points for ArrayView2<'_, f32> {
    type Error = KMeansError;

    fn count(&self) -> usize {
        self.nrows()
    }

    fn dimensions(&self) -> usize {
        self.ncols()
    }

    fn for_each_piece(&self, look: &mut Look<'_, KMeansError>) -> Result<(), KMeansError> {
        look(self.view())
    }
}

/// What one look at all points tells.
#[derive(Clone, Debug)]
pub(super) struct Survey {
    /// The mean point.
    pub mean: Vec<f32>,
    /// The mean variance of a dimension.
    pub variance: f64,
    /// No point is farther from the mean, squared.
    pub reach: f64,
}

impl Survey {
    /// Looks at `points`, of which `cluster_count` are to be clusters.
    ///
    /// # Errors
    /// A value is out of range, there are fewer different points than clusters, or points cannot be read.
    pub fn of<P: Points>(points: &P, cluster_count: usize) -> Result<Self, P::Error> {
        // Which of them differ need not be known where there are too few of all.
        if points.count() < cluster_count {
            return Err(KMeansError::TooFewPoints { cluster_count, distinct: points.count() }.into());
        }
        let dimensions = points.dimensions();
        let mut sums = vec![0.0; dimensions];
        // From the first point, so that squares of values far from the origin do not drown what they differ by.
        let mut first: Option<Vec<f32>> = None;
        let (mut moved, mut squares) = (vec![0.0; dimensions], vec![0.0; dimensions]);
        let mut farthest = 0.0_f64;
        let mut distinct = Distinct { seen: HashSet::new(), enough: cluster_count };
        points.for_each_piece(&mut |piece| {
            if let Some(found) = piece.iter().find(|value| value.is_nan() || value.abs() > VALUE_LIMIT) {
                return Err(KMeansError::OutOfRange { found: *found }.into());
            }
            distinct.look(piece);
            for point in piece.rows() {
                let first = first.get_or_insert_with(|| point.to_vec());
                let mut from_first = 0.0;
                for (dimension, value) in point.iter().copied().map(f64::from).enumerate() {
                    let difference = value - f64::from(first[dimension]);
                    sums[dimension] += value;
                    moved[dimension] += difference;
                    squares[dimension] += difference * difference;
                    from_first += difference * difference;
                }
                farthest = farthest.max(from_first);
            }
            Ok(())
        })?;
        if distinct.seen.len() < cluster_count {
            return Err(KMeansError::TooFewPoints { cluster_count, distinct: distinct.seen.len() }.into());
        }
        let count = points.count().max(1) as f64;
        let variances = moved.iter().zip(&squares).map(|(moved, squares)| squares / count - (moved / count).powi(2));
        Ok(Self {
            mean: sums.iter().map(|sum| (sum / count) as f32).collect(),
            variance: variances.sum::<f64>().max(0.0) / dimensions as f64,
            // The mean is no farther from the first point than the point that is farthest from it.
            reach: 4.0 * farthest,
        })
    }
}

/// How many of `points`, point × dimension and row-major, are different; `enough` where there are at least so many.
#[must_use]
pub fn distinct(points: &[f32], dimensions: usize, enough: usize) -> usize {
    let mut distinct = Distinct { seen: HashSet::new(), enough };
    if let Ok(points) = ArrayView2::from_shape((points.len() / dimensions.max(1), dimensions), points) {
        distinct.look(points);
    }
    distinct.seen.len()
}

/// Different points, as many as are asked for.
struct Distinct {
    seen: HashSet<Vec<u32>>,
    enough: usize,
}

impl Distinct {
    fn look(&mut self, piece: ArrayView2<'_, f32>) {
        for point in piece.rows() {
            if self.seen.len() >= self.enough {
                return;
            }
            // 0 and −0 are one place.
            self.seen.insert(point.iter().map(|value| (value + 0.0).to_bits()).collect());
        }
    }
}

/// The points at `positions`, which ascend.
///
/// # Errors
/// Points cannot be read.
pub(super) fn select<P: Points>(points: &P, positions: &[usize]) -> Result<Array2<f32>, P::Error> {
    let mut selected = Array2::zeros((positions.len(), points.dimensions()));
    let mut places = positions.iter().copied().zip(selected.rows_mut()).peekable();
    let mut first = 0;
    points.for_each_piece(&mut |piece| {
        while let Some((position, mut place)) = places.next_if(|(position, _)| *position < first + piece.nrows()) {
            place.assign(&piece.row(position - first));
        }
        first += piece.nrows();
        Ok(())
    })?;
    drop(places);
    Ok(selected)
}
