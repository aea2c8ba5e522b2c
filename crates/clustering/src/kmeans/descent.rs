//! Lloyd's iterations (Lloyd 1982) of several fits at once.

use super::centroids::Centroids;
use super::pass::gather;
use super::points::Points;

/// When a fit ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// It ends when its centroids, all taken together, move less than this.
    pub tolerance: f64,
    /// Or after so many iterations.
    pub iterations: u64,
    /// Or when so many more gains as its last would not bring it below the best of all.
    pub patience: f64,
}

/// A fit, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub centroids: Centroids,
    /// The sum of squared distances before the last move, as linfa counts it.
    pub inertia: f64,
    /// Iterations done.
    pub iterations: u64,
    /// What the last iteration took from the inertia.
    gain: f64,
    has_ended: bool,
}

/// Moves the centroids of every fit to the means of their points, and themselves, until each has ended. Fits that have ended
/// leave the passes over the points to the others. Distances are differences of products, which are exact where the points lie
/// around `origin`.
///
/// # Errors
/// Points cannot be read.
pub(super) fn descend<P: Points>(
    points: &P,
    origin: &[f32],
    seedings: Vec<Centroids>,
    stop: Stop,
) -> Result<Vec<Fitted>, P::Error> {
    let start = |centroids| Fitted {
        centroids,
        inertia: f64::INFINITY,
        iterations: 0,
        gain: f64::INFINITY,
        has_ended: stop.iterations == 0,
    };
    let mut fits: Vec<Fitted> = seedings.into_iter().map(start).collect();
    loop {
        let mut open: Vec<&mut Fitted> = fits.iter_mut().filter(|fit| !fit.has_ended).collect();
        if open.is_empty() {
            return Ok(fits);
        }
        let gathered = gather(points, origin, &open.iter().map(|fit| &fit.centroids).collect::<Vec<_>>())?;
        for (fit, gathered) in open.iter_mut().zip(&gathered) {
            let moved = fit.centroids.follow(gathered, origin);
            // Rounding may raise it in the end.
            fit.gain = (fit.inertia - gathered.inertia).max(0.0);
            fit.inertia = gathered.inertia;
            fit.iterations += 1;
            fit.has_ended = moved < stop.tolerance || fit.iterations == stop.iterations;
        }
        let best = fits.iter().map(|fit| fit.inertia).fold(f64::INFINITY, f64::min);
        for fit in &mut fits {
            fit.has_ended |= fit.inertia - stop.patience * fit.gain > best;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::points::Survey;
    use super::*;
    use linfa::DatasetBase;
    use linfa::traits::{Fit, Predict};
    use linfa_clustering::{KMeans, KMeansInit};
    use ndarray::{Array2, array};
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn mean(points: &Array2<f32>) -> Vec<f32> {
        Survey::of(&points.view(), 0).unwrap().mean
    }

    fn descended(points: &Array2<f32>, seedings: Vec<Centroids>, stop: Stop) -> Vec<Fitted> {
        descend(&points.view(), &mean(points), seedings, stop).unwrap()
    }

    const TO_THE_END: Stop = Stop { tolerance: 1e-9, iterations: 500, patience: f64::INFINITY };

    /// Points in heaps, far from the origin.
    fn heaps(count: usize, dimensions: usize, seed: u64) -> Array2<f32> {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_fn((count, dimensions), |(row, _)| 20.0 + (row % 7) as f32 + generator.gen_range(-1.5..1.5))
    }

    fn first(points: &Array2<f32>, count: usize) -> Centroids {
        Centroids::of(&points.slice(ndarray::s![..count, ..]).to_owned())
    }

    #[test]
    fn it_ends_where_linfa_ends() {
        for (dimensions, cluster_count) in [(1, 2), (2, 10), (3, 7), (32, 10), (17, 33)] {
            let points = heaps(1500, dimensions, 1);
            let begin = points.slice(ndarray::s![..cluster_count, ..]).mapv(f64::from);
            let dataset = DatasetBase::from(points.mapv(f64::from));
            let linfa = KMeans::params_with_rng(cluster_count, ChaCha8Rng::seed_from_u64(0))
                .init_method(KMeansInit::Precomputed(begin))
                .n_runs(1)
                .max_n_iterations(500)
                .tolerance(1e-9)
                .fit(&dataset)
                .unwrap();
            let ours = descended(&points, vec![first(&points, cluster_count)], TO_THE_END).remove(0);
            let expected = linfa.inertia() * points.nrows() as f64;
            let difference = (ours.inertia - expected).abs() / expected;
            assert!(difference < 1e-5, "{dimensions} × {cluster_count}: expected {expected}, found {}", ours.inertia);
            let found = crate::kmeans::FittedKMeans {
                centroids: Array2::from_shape_vec((cluster_count, dimensions), ours.centroids.into_values()).unwrap(),
            };
            let same =
                found.predict(&points).iter().zip(linfa.predict(dataset.records())).filter(|(a, b)| **a == *b).count();
            assert!(
                same * 1000 >= points.nrows() * 995,
                "{dimensions} × {cluster_count}: {same} of {}",
                points.nrows()
            );
        }
    }

    #[test]
    fn fits_side_by_side_do_not_touch_each_other() {
        let points = heaps(900, 5, 2);
        let seedings: Vec<Centroids> =
            (0..19).map(|fit| Centroids::of(&points.slice(ndarray::s![fit * 6..fit * 6 + 6, ..]).to_owned())).collect();
        let together = descended(&points, seedings.clone(), TO_THE_END);
        for (seeding, expected) in seedings.into_iter().zip(together) {
            let alone = descended(&points, vec![seeding], TO_THE_END).remove(0);
            assert!((alone.inertia - expected.inertia).abs() <= 1e-6 * expected.inertia);
        }
    }

    #[test]
    fn threads_do_not_matter() {
        let points = heaps(20_000, 8, 3);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let stop = Stop { iterations: 5, ..TO_THE_END };
            pool.install(|| descended(&points, vec![first(&points, 9)], stop).remove(0).centroids)
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn the_hopeless_are_left_behind() {
        let points = heaps(3000, 4, 4);
        let good = descended(&points, vec![first(&points, 7)], TO_THE_END).remove(0).centroids;
        let bad = Centroids::new((0..28).map(|value| 20.0 + f64::from(value) * 1e-3).collect(), 4);
        let fits = descended(&points, vec![good, bad], Stop { patience: 0.0, ..TO_THE_END });
        assert!(fits[1].iterations < 5 && fits[1].inertia > fits[0].inertia);
    }

    #[test]
    fn an_empty_cluster_takes_the_farthest_point() {
        let points = array![[0.0_f32], [0.1], [10.0], [10.1], [50.0]];
        let fit = descended(&points, vec![Centroids::new(vec![0.0, 10.0, -900.0], 1)], TO_THE_END).remove(0);
        let mut centroids = fit.centroids.into_values();
        centroids.sort_by(f64::total_cmp);
        for (found, expected) in centroids.iter().zip([0.05, 10.05, 50.0]) {
            assert!((found - expected).abs() < 1e-5, "{centroids:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Every score is the least, whatever the numbers of fits, clusters and dimensions that fill vectors or do not.
        #[test]
        fn a_pass_finds_the_nearest(
            dimensions in 1_usize..40, clusters in 1_usize..40, fits in 1_usize..20, count in 1_usize..600, seed: u64,
        ) {
            let points = heaps(count, dimensions, seed);
            let centroids: Vec<Centroids> =
                (0..fits).map(|fit| Centroids::of(&heaps(clusters, dimensions, seed ^ (fit as u64 + 1)))).collect();
            let gathered = gather(&points.view(), &mean(&points), &centroids.iter().collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(gathered.len(), fits);
            for (centroids, found) in centroids.into_iter().zip(gathered) {
                let values: Vec<f32> = points.iter().copied().collect();
                let expected = crate::kmeans::assign(&values, &centroids.into_values(), dimensions);
                prop_assert!((found.inertia - expected.inertia()).abs() <= 1e-5 * expected.inertia() + 1e-4);
                prop_assert_eq!(found.counts.iter().sum::<u64>(), count as u64);
            }
        }
    }
}
