//! How many clusters there are, where nobody says: what K-means makes of each number of them, without a label.

use std::ops::RangeInclusive;

use anyhow::{Context, ensure};
use clustering::{FitOptions, assign, distinct, fit};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use run_store::{
    ClusterCount, ClusterCounts, FinishedStage, Latents, LatentsFile, RunDir, Split, Stage, file, replace_file,
    write_document,
};

use crate::advice::advised;
use crate::scores::{ContingencyTable, adjusted_rand_index, silhouette, silhouette_sample};

/// Which numbers of clusters are tried on what, and how.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The run whose training latents are clustered.
    pub run: RunDir,
    /// Numbers of clusters, from 2.
    pub cluster_counts: RangeInclusive<u32>,
    /// Fits of each from different seedings.
    pub restarts: u32,
    /// How often the latents are split into halves, at least 1.
    pub split_count: u32,
    /// The most latents that a silhouette is taken over.
    pub silhouette_sample: u32,
    /// The seed.
    pub seed: u64,
}

/// Tries each number of clusters, and writes what it came to into the run; `tried` hears of each.
///
/// The silhouette (Rousseeuw 1987) says how far clusters lie apart. The stability says whether other data would have led to them:
/// both of two random halves of the latents are clustered by themselves, all latents go to the nearest centroid of the one and of
/// the other, and the adjusted Rand index of both partitions is taken (after Lange et al. 2004, "Stability-based validation of
/// clustering solutions"). All numbers of clusters have the same halves.
///
/// # Errors
/// The latents are missing, broken, or too few for so many clusters; or the run cannot be written.
pub fn choose(choice: &Choice, mut tried: impl FnMut(&ClusterCount)) -> anyhow::Result<ClusterCounts> {
    let exported = FinishedStage::open(choice.run.stage(Stage::LatentExport, None))?;
    let latents_file = exported.file(file::TRAIN_LATENTS)?;
    let latents = LatentsFile::open_export(&exported, &latents_file, Split::Train)?.whole()?;
    let sample = silhouette_sample(latents.labels.len(), choice.silhouette_sample as usize, choice.seed);
    let of_sample = rows(&latents, &sample);
    let mut counts = ClusterCounts {
        latents: latents_file.hash().clone(),
        image_count: latents.labels.len() as u64,
        silhouette_sample: sample.len() as u64,
        split_count: choice.split_count,
        seed: choice.seed,
        rows: Vec::new(),
    };
    check_halves(&latents, choice).with_context(|| latents_file.path().display().to_string())?;
    for cluster_count in choice.cluster_counts.clone() {
        let row = try_count(cluster_count, &latents, (&sample, &of_sample), choice)
            .map_err(|error| advised(error, "--to"))
            .with_context(|| format!("{}, {cluster_count} clusters", latents_file.path().display()))?;
        tried(&row);
        counts.rows.push(row);
    }
    replace_file(&choice.run.cluster_counts(), |partial| write_document(partial, &counts))?;
    Ok(counts)
}

/// Checks that all that will be clustered has as many different latents as there will be clusters, before any of it is.
fn check_halves(latents: &Latents, choice: &Choice) -> anyhow::Result<()> {
    let (least, most) = (*choice.cluster_counts.start() as usize, *choice.cluster_counts.end() as usize);
    for split in 0..choice.split_count {
        for half in halves(latents, choice.seed, split) {
            let found = distinct(&half, latents.dimensions, most);
            let options = if found < least { "--from and --to" } else { "--to" };
            ensure!(
                found >= most,
                "expected at least {most} different latents in each random half of all, one a cluster, found {found}; use a lower \
                 {options}, or images that differ"
            );
        }
    }
    Ok(())
}

fn try_count(
    cluster_count: u32,
    latents: &Latents,
    (sample, of_sample): (&[usize], &[f32]),
    choice: &Choice,
) -> anyhow::Result<ClusterCount> {
    let dimensions = latents.dimensions;
    let options = FitOptions::new(cluster_count as usize, choice.restarts as usize, choice.seed);
    let clustered = |points: &[f32]| -> anyhow::Result<_> {
        Ok(assign(&latents.values, &fit(points, dimensions, &options)?, dimensions))
    };
    let assigned = clustered(&latents.values)?;
    let sampled: Vec<u32> = sample.iter().map(|row| assigned.clusters[*row]).collect();
    // Drawn anew for each number, and the same: all of them at once would take as many times the latents.
    let agreements = (0..choice.split_count)
        .map(|split| {
            let [one, other] = halves(latents, choice.seed, split);
            agreement(&clustered(&one)?.clusters, &clustered(&other)?.clusters, cluster_count as usize)
        })
        .collect::<anyhow::Result<Vec<f64>>>()?;
    let stability = agreements.iter().sum::<f64>() / agreements.len() as f64;
    let squares: f64 = agreements.iter().map(|agreement| (agreement - stability).powi(2)).sum();
    Ok(ClusterCount {
        cluster_count,
        inertia_per_image: assigned.inertia() / latents.labels.len() as f64,
        silhouette: silhouette(of_sample, dimensions, &sampled).map(|silhouette| silhouette.mean),
        stability,
        stability_deviation: (agreements.len() > 1).then(|| (squares / (agreements.len() - 1) as f64).sqrt()),
    })
}

/// The adjusted Rand index of two partitions of the same latents into `cluster_count` clusters each.
fn agreement(one: &[u32], other: &[u32], cluster_count: usize) -> anyhow::Result<f64> {
    let mut counts = vec![0_u64; cluster_count * cluster_count];
    for (one, other) in one.iter().zip(other) {
        counts[*one as usize * cluster_count + *other as usize] += 1;
    }
    Ok(adjusted_rand_index(&ContingencyTable::from_counts(counts, cluster_count, cluster_count)?))
}

/// The latents at `positions`, row-major.
fn rows(latents: &Latents, positions: &[usize]) -> Vec<f32> {
    let row = |position: &usize| &latents.values[position * latents.dimensions..][..latents.dimensions];
    positions.iter().flat_map(row).copied().collect()
}

/// Two random halves of the latents, row-major; of an odd number of them the second has one more.
fn halves(latents: &Latents, seed: u64, split: u32) -> [Vec<f32>; 2] {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(u64::from(split) + 1);
    let mut positions: Vec<usize> = (0..latents.labels.len()).collect();
    positions.shuffle(&mut generator);
    let (one, other) = positions.split_at(positions.len() / 2);
    [one, other].map(|half| rows(latents, half))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rand::Rng;
    use run_store::LatentsHeader;

    /// Heaps around as many corners of a square, far from each other.
    fn heaps(count: usize) -> Latents {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let corners = [(0.0, 0.0), (20.0, 0.0), (0.0, 20.0), (20.0, 20.0)];
        let mut values = Vec::new();
        for point in 0..600 {
            let (x, y) = corners[point % count];
            values.extend([x + generator.gen_range(-1.0..1.0_f32), y + generator.gen_range(-1.0..1.0_f32)]);
        }
        let header = LatentsHeader {
            run: "heaps".to_owned(),
            model: "ae".to_owned(),
            model_fingerprint: String::new(),
            dataset: "heaps".to_owned(),
            split: "train".to_owned(),
            class_count: 1,
        };
        Latents { header, dimensions: 2, indices: (0..600).collect(), labels: vec![0; 600], values }
    }

    fn tried(latents: &Latents, cluster_count: u32) -> ClusterCount {
        let run = RunDir::new("heaps");
        let choice =
            Choice { run, cluster_counts: 2..=9, restarts: 10, split_count: 4, silhouette_sample: 300, seed: 0 };
        let sample = silhouette_sample(600, 300, 0);
        try_count(cluster_count, latents, (&sample, &rows(latents, &sample)), &choice).unwrap()
    }

    #[test]
    fn heaps_are_counted() {
        for count in [3, 4] {
            let latents = heaps(count);
            let scores: Vec<ClusterCount> = (2..=6).map(|clusters| tried(&latents, clusters)).collect();
            let own = scores[count - 2];
            assert_eq!((own.stability, own.stability_deviation), (1.0, Some(0.0)), "{count} heaps");
            for other in scores.iter().filter(|row| row.cluster_count as usize != count) {
                assert!(other.silhouette < own.silhouette, "{count} heaps: {other:?}");
                // Fewer clusters than heaps may be as stable, more cannot be: where a heap is cut is chance.
                assert!(other.cluster_count < own.cluster_count || other.stability < 0.95, "{count} heaps: {other:?}");
            }
            assert!(scores.windows(2).all(|pair| pair[1].inertia_per_image < pair[0].inertia_per_image));
        }
    }

    #[test]
    fn halves_are_disjoint_and_differ_between_splits() {
        let latents = heaps(3);
        let [one, other] = halves(&latents, 7, 0);
        let rows = |half: &[f32]| half.chunks(2).map(|row| [row[0].to_bits(), row[1].to_bits()]).collect::<Vec<_>>();
        let mut both = [rows(&one), rows(&other)].concat();
        both.sort_unstable();
        let mut all = rows(&latents.values);
        all.sort_unstable();
        assert_eq!(both, all);
        assert_eq!(one, halves(&latents, 7, 0)[0]);
        assert_ne!(one, halves(&latents, 7, 1)[0]);
    }
}
