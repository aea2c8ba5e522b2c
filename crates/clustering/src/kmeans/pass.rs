//! One pass over points for several fits at once: where each point belongs, and what becomes of the centroids.
//!
//! Squared distances are compared as ½‖c‖² − x·c, a matrix product. A vector of 16 numbers holds one score of each of up to 16
//! fits, or, where there are fewer fits, of several clusters of each; the lowest is found in all of them at a time. The
//! loops are plain Rust, compiled once for each kind of processor; the points are never copied.
//!
//! Points are cut into strands whose number depends on the fits, and not on that of threads, and strands are added up in their order: so
//! the result is the same to the last bit for any number of threads.

use std::array;
use std::ops::Range;

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::centroids::Centroids;
use super::points::Points;

/// Numbers in a vector: what the widest processors take at a time.
const LANES: usize = 16;
/// Strands that points are cut into.
const STRANDS: usize = 32;
/// The least points that are worth a strand.
pub(super) const STRAND_POINTS: usize = 256;
/// Sums of one fit that all strands hold at once, at most, unless fewer than [`FEW_STRANDS`] would hold as many: 128 MiB.
const SUMS: usize = 1 << 24;
/// Strands are no fewer.
const FEW_STRANDS: usize = 4;

type Lanes = [f32; LANES];

/// What a pass learns of one fit.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    /// Cluster × dimension: the sum of the points of each cluster, from the origin.
    pub sums: Vec<f64>,
    /// The points of each cluster.
    pub counts: Vec<u64>,
    /// The sum of squared distances.
    pub inertia: f64,
    /// The point farthest from its centroid.
    pub farthest: Vec<f32>,
    /// How far it is, squared.
    pub farthest_distance: f64,
    farthest_row: usize,
}

impl Gathered {
    pub fn new(cluster_count: usize, dimensions: usize) -> Self {
        Self {
            sums: vec![0.0; cluster_count * dimensions],
            counts: vec![0; cluster_count],
            inertia: 0.0,
            farthest: Vec::new(),
            farthest_row: 0,
            farthest_distance: f64::NEG_INFINITY,
        }
    }

    /// Takes in the point of row `index`, taken from the origin.
    pub fn add(&mut self, point: &[f32], index: usize, cluster: usize, squared_distance: f64) {
        let sums = &mut self.sums[cluster * point.len()..][..point.len()];
        for (sum, value) in sums.iter_mut().zip(point) {
            *sum += f64::from(*value);
        }
        self.counts[cluster] += 1;
        self.inertia += squared_distance;
        if squared_distance > self.farthest_distance {
            (self.farthest_row, self.farthest_distance) = (index, squared_distance);
        }
    }

    /// Takes the farthest point from the piece whose rows were added.
    pub fn keep_farthest(&mut self, piece: ArrayView2<'_, f32>) {
        self.farthest = piece.row(self.farthest_row).to_vec();
    }

    fn merge(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.inertia += other.inertia;
        if other.farthest_distance > self.farthest_distance {
            (self.farthest_row, self.farthest_distance) = (other.farthest_row, other.farthest_distance);
            self.farthest.clone_from(&other.farthest);
        }
    }
}

/// Assigns every one of `points` to the nearest centroid of each of `fits`; positions are taken from `origin`, of one value a
/// dimension.
///
/// # Errors
/// Points cannot be read.
pub(super) fn gather<P: Points>(points: &P, origin: &[f32], fits: &[&Centroids]) -> Result<Vec<Gathered>, P::Error> {
    let mut whole: Vec<Gathered> = Vec::new();
    points.for_each_piece(&mut |piece| {
        if piece.is_empty() {
            return Ok(());
        }
        let groups = fits.chunks(fits_at_once(fits, origin));
        let mut found: Vec<Gathered> = groups.flat_map(|fits| gather_group(piece, origin, fits)).collect();
        found.iter_mut().for_each(|gathered| gathered.keep_farthest(piece));
        merge(&mut whole, found);
        Ok(())
    })?;
    Ok(whole)
}

/// How many of `fits` are gathered at a time: as many as a vector takes, unless their sums would fill memory.
fn fits_at_once(fits: &[&Centroids], origin: &[f32]) -> usize {
    let sums = fits.first().map_or(1, |fit| fit.cluster_count()) * origin.len() * STRANDS;
    (SUMS / sums.max(1)).clamp(1, LANES)
}

/// How many strands points are cut into where a fit has so many sums.
pub(super) fn strands(sums: usize) -> usize {
    (SUMS / sums.max(1)).clamp(FEW_STRANDS, STRANDS)
}

/// Adds `more`, a value a fit, to `whole`, which may have none yet.
pub(super) fn merge(whole: &mut Vec<Gathered>, more: Vec<Gathered>) {
    if whole.is_empty() {
        *whole = more;
    } else {
        whole.iter_mut().zip(&more).for_each(|(whole, more)| whole.merge(more));
    }
}

/// What a pass over one piece, point × dimension, learns of as many fits as a vector takes.
fn gather_group(points: ArrayView2<'_, f32>, origin: &[f32], fits: &[&Centroids]) -> Vec<Gathered> {
    let Some(values) = points.to_slice() else { return gather_group(points.as_standard_layout().view(), origin, fits) };
    let packed = Packed::new(fits, origin);
    let count = points.nrows();
    let strand = count.div_ceil(strands(packed.cluster_count * origin.len())).max(STRAND_POINTS);
    let strands: Vec<Vec<Gathered>> = (0..count.div_ceil(strand))
        .into_par_iter()
        .map(|index| {
            let rows = index * strand..((index + 1) * strand).min(count);
            pulp::Arch::new().dispatch(Strand { values, rows, origin, packed: &packed })
        })
        .collect();
    let mut whole = Vec::new();
    strands.into_iter().for_each(|strand| merge(&mut whole, strand));
    whole
}

/// The centroids of several fits, as the inner loop wants them.
struct Packed {
    fit_count: usize,
    cluster_count: usize,
    /// Fits in a vector, those that are not there among them: a power of two.
    width: usize,
    /// Dimension × block: c, a vector for each.
    centroids: Vec<Lanes>,
    /// Block: ½‖c‖², infinite where there is no centroid.
    offsets: Vec<Lanes>,
}

impl Packed {
    fn new(fits: &[&Centroids], origin: &[f32]) -> Self {
        let (cluster_count, dimensions) = (fits[0].cluster_count(), origin.len());
        let width = fits.len().next_power_of_two();
        let side_by_side = LANES / width;
        let blocks = cluster_count.div_ceil(side_by_side);
        let mut centroids = vec![[0.0; LANES]; dimensions * blocks];
        let mut offsets = vec![[f32::INFINITY; LANES]; blocks];
        for (fit, fitted) in fits.iter().enumerate() {
            for (cluster, centroid) in fitted.iter().enumerate() {
                let (block, lane) = (cluster / side_by_side, cluster % side_by_side * width + fit);
                let mut squares = 0.0;
                for (dimension, value) in centroid.iter().enumerate() {
                    let value = value - f64::from(origin[dimension]);
                    centroids[dimension * blocks + block][lane] = value as f32;
                    squares += value * value;
                }
                offsets[block][lane] = (squares / 2.0) as f32;
            }
        }
        Self { fit_count: fits.len(), cluster_count, width, centroids, offsets }
    }
}

/// Points that one thread goes through in their order.
struct Strand<'a> {
    values: &'a [f32],
    rows: Range<usize>,
    origin: &'a [f32],
    packed: &'a Packed,
}

impl pulp::WithSimd for Strand<'_> {
    type Output = Vec<Gathered>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Vec<Gathered> {
        // As many points × blocks as there are registers for.
        match S::F32_LANES {
            LANES => self.gather::<4, 5, true>(),
            // Without vectors there may be no fused multiplication, and made of others it would be slow.
            1 => self.gather::<1, 1, false>(),
            _ => self.gather::<2, 2, true>(),
        }
    }
}

impl Strand<'_> {
    #[inline(always)]
    fn gather<const POINTS: usize, const BLOCKS: usize, const FUSED: bool>(self) -> Vec<Gathered> {
        let Self { values, rows, origin, packed } = self;
        let dimensions = origin.len();
        let mut gathered = vec![Gathered::new(packed.cluster_count, dimensions); packed.fit_count];
        // Point × dimension, from the origin.
        let mut tile = vec![0.0_f32; POINTS * dimensions];
        for first in rows.clone().step_by(POINTS) {
            let present = POINTS.min(rows.end - first);
            let taken = &values[first * dimensions..(first + present) * dimensions];
            for (point, row) in tile.chunks_exact_mut(dimensions).zip(taken.chunks_exact(dimensions)) {
                point.iter_mut().zip(row).zip(origin).for_each(|((place, value), origin)| *place = value - origin);
            }
            let nearest = nearest::<POINTS, BLOCKS, FUSED>(&tile, packed);
            for ((slot, point), (scores, clusters)) in
                tile.chunks_exact(dimensions).enumerate().zip(&nearest).take(present)
            {
                let norm = f64::from(squared_norm(point));
                for (fit, gathered) in gathered.iter_mut().enumerate() {
                    let squared_distance = (norm + 2.0 * f64::from(scores[fit])).max(0.0);
                    gathered.add(point, first + slot, clusters[fit] as usize, squared_distance);
                }
            }
        }
        gathered
    }
}

/// For each point of `tile`, point × dimension, and each fit: the lowest score, and whose it is.
#[inline(always)]
fn nearest<const POINTS: usize, const BLOCKS: usize, const FUSED: bool>(
    tile: &[f32],
    packed: &Packed,
) -> [(Lanes, [u32; LANES]); POINTS] {
    let mut best = [([f32::INFINITY; LANES], [0; LANES]); POINTS];
    let blocks = packed.offsets.len();
    let whole = blocks - blocks % BLOCKS;
    for block in (0..whole).step_by(BLOCKS) {
        compare(&mut best, &scores::<POINTS, BLOCKS, FUSED>(tile, packed, block), block);
    }
    for block in whole..blocks {
        compare(&mut best, &scores::<POINTS, 1, FUSED>(tile, packed, block), block);
    }
    // From blocks to clusters, and from several clusters of a fit to the nearest; of equally near ones the first.
    let width = packed.width;
    let side_by_side = (LANES / width) as u32;
    for (scores, clusters) in &mut best {
        for (lane, cluster) in clusters.iter_mut().enumerate() {
            *cluster = *cluster * side_by_side + (lane / width) as u32;
        }
        if width <= 8 {
            halve::<8>(scores, clusters);
        }
        if width <= 4 {
            halve::<4>(scores, clusters);
        }
        if width <= 2 {
            halve::<2>(scores, clusters);
        }
        if width <= 1 {
            halve::<1>(scores, clusters);
        }
    }
    best
}

/// The scores of the points of `tile` for the blocks from `first` on.
#[inline(always)]
fn scores<const POINTS: usize, const BLOCKS: usize, const FUSED: bool>(
    tile: &[f32],
    packed: &Packed,
    first: usize,
) -> [[Lanes; BLOCKS]; POINTS] {
    let blocks = packed.offsets.len();
    let mut scores = [[[0.0; LANES]; BLOCKS]; POINTS];
    for point in &mut scores {
        point.copy_from_slice(&packed.offsets[first..first + BLOCKS]);
    }
    let dimensions = tile.len() / POINTS;
    let points: [&[f32]; POINTS] = array::from_fn(|point| &tile[point * dimensions..][..dimensions]);
    for (dimension, centroids) in packed.centroids.chunks_exact(blocks).enumerate().take(dimensions) {
        let centroids = &centroids[first..first + BLOCKS];
        for point in 0..POINTS {
            for block in 0..BLOCKS {
                for lane in 0..LANES {
                    let (score, value) = (&mut scores[point][block][lane], -points[point][dimension]);
                    let centroid = centroids[block][lane];
                    *score = if FUSED { value.mul_add(centroid, *score) } else { value * centroid + *score };
                }
            }
        }
    }
    scores
}

/// Lowers `best` to `scores`, where they are lower; `first` is the first of their blocks.
#[inline(always)]
fn compare<const POINTS: usize, const BLOCKS: usize>(
    best: &mut [(Lanes, [u32; LANES]); POINTS],
    scores: &[[Lanes; BLOCKS]; POINTS],
    first: usize,
) {
    for ((lowest, blocks), scores) in best.iter_mut().zip(scores) {
        for (block, scores) in (first as u32..).zip(scores) {
            // One plain loop for each step: a compiler makes vectors of these, and branches of all in one.
            let mut lower = [0_u32; LANES];
            for lane in 0..LANES {
                lower[lane] = u32::from(scores[lane] < lowest[lane]).wrapping_neg();
            }
            for lane in 0..LANES {
                lowest[lane] = scores[lane].min(lowest[lane]);
            }
            for lane in 0..LANES {
                blocks[lane] = (block & lower[lane]) | (blocks[lane] & !lower[lane]);
            }
        }
    }
}

/// Gives the first `HALF` lanes the better of them and the `HALF` behind them, of equal ones the cluster that comes first.
#[inline(always)]
fn halve<const HALF: usize>(scores: &mut Lanes, clusters: &mut [u32; LANES]) {
    for lane in 0..HALF {
        let (score, cluster) = (scores[lane + HALF], clusters[lane + HALF]);
        let better = (score < scores[lane]) | ((score == scores[lane]) & (cluster < clusters[lane]));
        let mask = u32::from(better).wrapping_neg();
        scores[lane] = score.min(scores[lane]);
        clusters[lane] = (cluster & mask) | (clusters[lane] & !mask);
    }
}

/// ‖x‖², in partial sums that a compiler makes vectors of.
#[inline(always)]
fn squared_norm(point: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let pieces = point.chunks_exact(LANES);
    let rest: f32 = pieces.remainder().iter().map(|value| value * value).sum();
    for piece in pieces {
        for lane in 0..LANES {
            sums[lane] += piece[lane] * piece[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}
