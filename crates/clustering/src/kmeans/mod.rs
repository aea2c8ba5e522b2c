//! K-means (Lloyd 1982) from k-means++ seedings (Arthur & Vassilvitskii 2007).
//!
//! linfa gives the traits: [`FitOptions`] is fitted as any of its models is. Its K-means is the reference, too slow for millions of
//! points or many clusters; here all restarts share each pass over the points ([`pass`]), and what need not be exact is done on
//! a sample ([`search`]). Seedings are linfa's, draw for draw ([`seeding`]), and from the same centroids both come to the same
//! ones; tests hold that. [`Points`] need not be in memory all at once: pieces of them are enough.

use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Data, Ix2};

mod centroids;
mod descent;
mod exact;
mod pass;
mod points;
mod relocation;
mod search;
mod seeding;

pub use points::{Look, Points, distinct};

/// The largest value: of such, squares of distances between millions of points still add up in f32.
const VALUE_LIMIT: f32 = 1e12;

/// How to fit.
#[derive(Clone, Copy, Debug)]
pub struct FitOptions {
    /// Clusters.
    pub cluster_count: usize,
    /// Fits from different seedings, of which the one with the lowest inertia is kept.
    pub restarts: usize,
    /// The most iterations of one fit over all points; over each sample that it comes from it takes as many at most.
    pub iterations: u64,
    /// A fit ends when the centroids, all taken together, move less than this.
    pub tolerance: f64,
    /// The seed of the seedings.
    pub seed: u64,
}

impl FitOptions {
    /// The most iterations of one fit, unless another number is said.
    pub const ITERATIONS: u32 = 300;
    /// How far centroids may move at the end of a fit, unless another distance is said.
    pub const TOLERANCE: f64 = 1e-4;

    /// `restarts` fits of up to [`ITERATIONS`](Self::ITERATIONS), each until its centroids move less than
    /// [`TOLERANCE`](Self::TOLERANCE).
    #[must_use]
    pub fn new(cluster_count: usize, restarts: usize, seed: u64) -> Self {
        Self { cluster_count, restarts, iterations: u64::from(Self::ITERATIONS), tolerance: Self::TOLERANCE, seed }
    }
}

/// Why there is no K-means model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KMeansError {
    /// There are fewer different points than clusters.
    #[error("expected at least {cluster_count} different latents, one a cluster, found {distinct}")]
    TooFewPoints {
        /// The clusters asked for.
        cluster_count: usize,
        /// The different points there are.
        distinct: usize,
    },
    /// A value is too large for sums of squares in f32, or no number.
    #[error("expected latents within ±{VALUE_LIMIT:e}, found {found:e}")]
    OutOfRange {
        /// The first such value.
        found: f32,
    },
    /// There is nothing to fit.
    #[error("K-means failed: {0}")]
    Fit(String),
}

impl From<linfa::Error> for KMeansError {
    fn from(error: linfa::Error) -> Self {
        Self::Fit(error.to_string())
    }
}

/// A fitted model: its centroids, cluster × dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedKMeans {
    /// The centroids.
    pub centroids: Array2<f64>,
}

impl<D: Data<Elem = f32>, T> Fit<ArrayBase<D, Ix2>, T, KMeansError> for FitOptions {
    type Object = FittedKMeans;

    /// Fits centroids to points, which are added up in f64: sums over a large cluster would lose digits in f32.
    ///
    /// # Errors
    /// There are fewer different points than clusters, or a value is out of range.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<FittedKMeans, KMeansError> {
        let points = dataset.records().as_standard_layout();
        let centroids = fit_pieces(&points.view(), self)?;
        let shape = (self.cluster_count, points.ncols());
        let centroids =
            Array2::from_shape_vec(shape, centroids).map_err(|error| KMeansError::Fit(error.to_string()))?;
        Ok(FittedKMeans { centroids })
    }
}

impl<D: Data<Elem = f32>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for FittedKMeans {
    fn predict_inplace(&self, points: &ArrayBase<D, Ix2>, clusters: &mut Array1<usize>) {
        for (point, cluster) in points.rows().into_iter().zip(clusters) {
            let centroids = self.centroids.rows().into_iter().map(|centroid| centroid.into_iter().copied());
            *cluster = nearest(|| point.iter().copied(), centroids).cluster as usize;
        }
    }

    fn default_target(&self, points: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(points.nrows())
    }
}

/// Fits centroids, cluster × dimension, to `points`, point × dimension, both row-major.
///
/// # Errors
/// There are fewer different points than clusters, or a value is out of range.
pub fn fit(points: &[f32], dimensions: usize, options: &FitOptions) -> Result<Vec<f64>, KMeansError> {
    if dimensions == 0 {
        return Err(KMeansError::Fit("points have no dimensions".to_owned()));
    }
    let records = ArrayView2::from_shape((points.len() / dimensions, dimensions), points)
        .map_err(|error| KMeansError::Fit(error.to_string()))?;
    let model = options.fit(&DatasetBase::from(records))?;
    Ok(model.centroids.into_iter().collect())
}

/// Fits centroids, cluster × dimension and row-major, to points of which no more than a piece need be in memory at a time. Beside
/// it lie a sample of up to 262,144 of them, more only for thousands of clusters, and a few sums; seedings, samples and passes are
/// as of points in memory, so the result is the same up to rounding.
///
/// # Errors
/// There are fewer different points than clusters, a value is out of range, or points cannot be read.
pub fn fit_pieces<P: Points>(points: &P, options: &FitOptions) -> Result<Vec<f64>, P::Error> {
    if points.dimensions() == 0 || options.cluster_count == 0 || options.restarts == 0 {
        return Err(KMeansError::Fit("expected at least one dimension, one cluster and one restart".to_owned()).into());
    }
    Ok(search::search(points, options)?.into_values())
}

/// The clusters that points belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// The nearest centroid of each point; of several equally near ones the first.
    pub clusters: Vec<u32>,
    /// Its squared Euclidean distance.
    pub squared_distances: Vec<f64>,
    /// That of the next nearest centroid; infinite where there is none.
    pub next_squared_distances: Vec<f64>,
}

impl Assigned {
    /// The sum of squared distances.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.squared_distances.iter().sum()
    }

    /// How clearly each point belongs to its cluster: its simplified silhouette (Hruschka, Campello & de Castro 2006),
    /// (b − a) / b with a its distance from its own centroid and b that from the next. 0 where both are as near, 1 at its own.
    pub fn confidences(&self) -> impl Iterator<Item = f32> {
        self.squared_distances
            .iter()
            .zip(&self.next_squared_distances)
            .map(|(own, next)| if *next > 0.0 { (1.0 - (own / next).sqrt()) as f32 } else { 0.0 })
    }
}

/// Assigns `points`, point × dimension, to the nearest of `centroids`, cluster × dimension.
#[must_use]
pub fn assign(points: &[f32], centroids: &[f64], dimensions: usize) -> Assigned {
    let count = points.len() / dimensions.max(1);
    let mut assigned = Assigned {
        clusters: Vec::with_capacity(count),
        squared_distances: Vec::with_capacity(count),
        next_squared_distances: Vec::with_capacity(count),
    };
    for point in points.chunks_exact(dimensions) {
        let centroids = centroids.chunks_exact(dimensions).map(|centroid| centroid.iter().copied());
        let nearest = nearest(|| point.iter().copied(), centroids);
        assigned.clusters.push(nearest.cluster);
        assigned.squared_distances.push(nearest.squared_distance);
        assigned.next_squared_distances.push(nearest.next_squared_distance);
    }
    assigned
}

/// The first of the nearest centroids, and what it is from there to it and to the next.
struct Nearest {
    cluster: u32,
    squared_distance: f64,
    next_squared_distance: f64,
}

/// Which of `centroids` are nearest to `point`.
fn nearest<P: Iterator<Item = f32>, C: Iterator<Item = f64>>(
    point: impl Fn() -> P,
    centroids: impl Iterator<Item = C>,
) -> Nearest {
    let distances = centroids.map(|centroid| {
        let differences = point().zip(centroid).map(|(value, center)| f64::from(value) - center);
        differences.map(|difference| difference * difference).sum::<f64>()
    });
    let none = Nearest { cluster: 0, squared_distance: f64::INFINITY, next_squared_distance: f64::INFINITY };
    (0_u32..).zip(distances).fold(none, |best, (cluster, squared_distance)| {
        if squared_distance < best.squared_distance {
            Nearest { cluster, squared_distance, next_squared_distance: best.squared_distance }
        } else {
            Nearest { next_squared_distance: best.next_squared_distance.min(squared_distance), ..best }
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;

    const OPTIONS: FitOptions =
        FitOptions { cluster_count: 5, restarts: 10, iterations: 300, tolerance: 1e-4, seed: 0 };

    fn scikit_learn() -> (Vec<f32>, usize, f64) {
        let cases: Value =
            serde_json::from_str(include_str!("../../../cluster-eval/tests/data/clustering_scores.json")).unwrap();
        let case = &cases["k_means"];
        let points = case["points"].as_array().unwrap();
        let points = points.iter().map(|value| value.as_f64().unwrap() as f32).collect();
        (points, case["dimensions"].as_u64().unwrap() as usize, case["inertia"].as_f64().unwrap())
    }

    #[test]
    fn inertia_is_as_low_as_scikit_learns() {
        let (points, dimensions, expected) = scikit_learn();
        let centroids = fit(&points, dimensions, &OPTIONS).unwrap();
        let found = assign(&points, &centroids, dimensions).inertia();
        assert!(found <= expected * 1.001, "expected {expected}, found {found}");
    }

    #[test]
    fn a_seed_decides_the_fit() {
        let (points, dimensions, _) = scikit_learn();
        let centroids = |seed| fit(&points, dimensions, &FitOptions { restarts: 1, seed, ..OPTIONS }).unwrap();
        assert_eq!(centroids(1), centroids(1));
        assert_ne!(centroids(1), centroids(2));
    }

    #[test]
    fn every_point_goes_to_its_nearest_centroid() {
        let assigned = assign(&[0.0, 1.0, 9.0, 5.0], &[1.0, 9.0], 1);
        assert_eq!(assigned.clusters, [0, 0, 1, 0]);
        assert_eq!(assigned.squared_distances, [1.0, 0.0, 0.0, 16.0]);
        assert_eq!(assigned.inertia(), 17.0);
        assert_eq!(assigned.next_squared_distances, [81.0, 64.0, 64.0, 16.0]);
    }

    #[test]
    fn a_confidence_tells_how_much_nearer_the_own_centroid_is() {
        let confidences =
            |points: &[f32], centroids: &[f64]| assign(points, centroids, 1).confidences().collect::<Vec<_>>();
        // 3 from one and 5 from the other; half way; at the centroid.
        assert_eq!(confidences(&[4.0, 5.0, 9.0], &[1.0, 9.0]), [0.4, 0.0, 1.0]);
        // Two centroids in one place, and none but one.
        assert_eq!(confidences(&[2.0, 3.0], &[2.0, 2.0]), [0.0, 0.0]);
        assert_eq!(confidences(&[4.0], &[1.0]), [1.0]);
    }

    #[test]
    fn collapsed_latents_are_refused() {
        let error = fit(&[1.0, 1.0, 1.0, 2.0, -0.0, 0.0], 1, &OPTIONS).unwrap_err();
        assert_eq!(error, KMeansError::TooFewPoints { cluster_count: 5, distinct: 3 });
    }

    /// Points in pieces of so many, the last of fewer.
    struct Pieces {
        points: Array2<f32>,
        size: usize,
    }

    impl Points for Pieces {
        type Error = KMeansError;

        fn count(&self) -> usize {
            self.points.nrows()
        }

        fn dimensions(&self) -> usize {
            self.points.ncols()
        }

        fn for_each_piece(&self, look: &mut Look<'_, KMeansError>) -> Result<(), KMeansError> {
            self.points.axis_chunks_iter(ndarray::Axis(0), self.size).try_for_each(look)
        }
    }

    #[test]
    fn pieces_lead_where_points_in_memory_do() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        // So many that samples are drawn across pieces.
        let points = Array2::from_shape_fn((20_000, 3), |(row, _)| (row % 5) as f32 + generator.gen_range(-1.0..1.0));
        let whole = fit(points.as_slice().unwrap(), 3, &OPTIONS).unwrap();
        for size in [19_999, 4096, 701] {
            let found = fit_pieces(&Pieces { points: points.clone(), size }, &OPTIONS).unwrap();
            for (found, expected) in found.iter().zip(&whole) {
                assert!((found - expected).abs() < 1e-4, "pieces of {size}: {found}, in memory {expected}");
            }
        }
        assert_eq!(fit_pieces(&Pieces { points, size: 20_000 }, &OPTIONS).unwrap(), whole);
    }

    #[test]
    fn nothing_to_fit_is_refused() {
        let refused = |points: &[f32], dimensions, options| fit(points, dimensions, &options).unwrap_err();
        assert!(matches!(refused(&[], 0, OPTIONS), KMeansError::Fit(_)));
        assert!(matches!(refused(&[1.0], 1, FitOptions { cluster_count: 0, ..OPTIONS }), KMeansError::Fit(_)));
        assert!(matches!(refused(&[1.0], 1, FitOptions { restarts: 0, ..OPTIONS }), KMeansError::Fit(_)));
        assert!(matches!(refused(&[], 1, OPTIONS), KMeansError::TooFewPoints { distinct: 0, .. }));
    }

    /// No sample need hold any of five points among twenty thousand.
    #[test]
    fn a_small_cluster_far_away_is_found() {
        let options = FitOptions { cluster_count: 10, restarts: 2, ..OPTIONS };
        for seed in 0..20 {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let mut points: Vec<f32> = (0..2 * 19_995).map(|_| generator.r#gen()).collect();
            points.extend([50.0_f32; 10]);
            let centroids = fit(&points, 2, &FitOptions { seed, ..options }).unwrap();
            let inertia = assign(&points, &centroids, 2).inertia();
            assert!(inertia < 400.0, "seed {seed}: {inertia}");
        }
    }

    /// Two points far away make the squares of all others' distances from the mean as good as equal in f32.
    #[test]
    fn clusters_are_found_beside_a_point_a_million_times_farther_away() {
        let options = FitOptions { cluster_count: 5, restarts: 3, ..OPTIONS };
        for far in [1e4, 1e6, 1e8] {
            let mut generator = ChaCha8Rng::seed_from_u64(1);
            let mut points: Vec<f32> =
                (0..9_999).map(|row| (row % 4) as f32 + generator.gen_range(-0.1..0.1)).collect();
            points.push(far);
            let mut found = fit(&points, 1, &options).unwrap();
            found.sort_by(f64::total_cmp);
            for (found, expected) in found.iter().zip([0.0, 1.0, 2.0, 3.0, f64::from(far)]) {
                assert!((found - expected).abs() < 0.01, "{far}: {found}, expected {expected}");
            }
        }
    }

    /// The same, whatever the number of threads.
    #[test]
    fn what_is_exact_does_not_depend_on_threads() {
        let points: Vec<f32> = (0..5_000).map(|row| if row == 9 { 1e9 } else { (row % 7) as f32 * 0.37 }).collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| fit(&points, 1, &OPTIONS).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn pieces_are_refused_as_points_in_memory_are() {
        let refused = |points: Array2<f32>| fit_pieces(&Pieces { points, size: 2 }, &OPTIONS).unwrap_err();
        let collapsed = Array2::from_shape_fn((9, 1), |(row, _)| (row % 3) as f32);
        assert_eq!(refused(collapsed), KMeansError::TooFewPoints { cluster_count: 5, distinct: 3 });
        let mut diverged = Array2::from_shape_fn((9, 1), |(row, _)| row as f32);
        diverged[[8, 0]] = f32::INFINITY;
        assert_eq!(refused(diverged), KMeansError::OutOfRange { found: f32::INFINITY });
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for value in [f32::NAN, f32::INFINITY, -3e38] {
            let error = fit(&[1.0, 2.0, 3.0, 4.0, 5.0, value], 1, &OPTIONS).unwrap_err().to_string();
            assert!(error.contains("within ±1e12"), "{error}");
        }
        let large = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|value: f32| value * 1e11);
        let mut found = fit(&large, 1, &FitOptions { cluster_count: 6, tolerance: 1.0, ..OPTIONS }).unwrap();
        found.sort_by(f64::total_cmp);
        assert!(found.iter().zip(large).all(|(found, point)| (found / f64::from(point) - 1.0).abs() < 1e-5));
    }
}
