//! t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008): neighbours stay neighbours.
//!
//! Its repulsion is exact, every point's from every other, and it begins at the principal components (Kobak and Berens 2019):
//! nothing is drawn at random and no sum depends on how threads share the work, so equal points give equal pictures.

use rayon::prelude::*;

use super::pca::principal_components;

/// About how many neighbours a point holds on to.
pub(crate) const PERPLEXITY: f64 = 30.0;

const STEPS: u32 = 750;
/// For so many steps neighbours attract each other this many times as much, so that groups find together.
const EXAGGERATED_STEPS: u32 = 250;
const EXAGGERATION: f32 = 12.0;
/// The spread of the points at the first step.
const FIRST_SPREAD: f64 = 1e-4;

/// The places of `values`, point × dimension in row-major order; one pair for each point, around (0, 0).
pub(crate) fn tsne(values: &[f32], dimensions: usize) -> Vec<[f32; 2]> {
    let mut places = first_places(values, dimensions);
    let count = places.x.len();
    if count < 3 {
        return places.pairs();
    }
    let neighbours = Neighbours::of(values, dimensions);
    // The learning rate that grows with the points (Belkina et al. 2019), as scikit-learn takes it.
    let rate = (count as f32 / EXAGGERATION / 4.0).max(50.0);
    let mut motion = Motion { velocity: vec![[0.0; 2]; count], gains: vec![[1.0; 2]; count] };
    for step in 0..STEPS {
        let is_early = step < EXAGGERATED_STEPS;
        let gradient = gradient(&places, &neighbours, if is_early { EXAGGERATION } else { 1.0 });
        motion.step(&mut places, &gradient, rate, if is_early { 0.5 } else { 0.8 });
    }
    places.pairs()
}

/// Where the points are.
struct Places {
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Places {
    fn pairs(&self) -> Vec<[f32; 2]> {
        self.x.iter().zip(&self.y).map(|(x, y)| [*x, *y]).collect()
    }
}

fn first_places(values: &[f32], dimensions: usize) -> Places {
    let components = principal_components(values, dimensions).points;
    let squares: f64 = components.iter().map(|point| point[0] * point[0]).sum();
    let spread = (squares / components.len().max(1) as f64).sqrt();
    let scale = if spread > 0.0 { FIRST_SPREAD / spread } else { 0.0 };
    let coordinate = |axis: usize| components.iter().map(|point| (point[axis] * scale) as f32).collect();
    Places { x: coordinate(0), y: coordinate(1) }
}

/// How much each point attracts which others; all attractions add up to 1.
struct Neighbours {
    /// Where the entries of each point begin, and where the last one's end.
    begins: Vec<usize>,
    /// The other point and the attraction.
    entries: Vec<(u32, f32)>,
}

impl Neighbours {
    fn of(values: &[f32], dimensions: usize) -> Self {
        let points: Vec<&[f32]> = values.chunks_exact(dimensions.max(1)).collect();
        let count = points.len();
        let perplexity = PERPLEXITY.min((count - 1) as f64 / 3.0);
        // Further away than three times as many, a point's attraction is next to nothing.
        let held = ((3.0 * perplexity).ceil() as usize).clamp(1, count - 1);
        let one_way = points.par_iter().enumerate().map(|(from, point)| {
            let distance =
                |other: &[f32]| point.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f32>();
            let others = points.iter().enumerate().filter(|(to, _)| *to != from);
            let mut others: Vec<(f32, u32)> = others.map(|(to, other)| (distance(other), to as u32)).collect();
            let order = |one: &(f32, u32), other: &(f32, u32)| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1));
            others.select_nth_unstable_by(held - 1, order);
            others.truncate(held);
            others.sort_by(order);
            let distances: Vec<f64> = others.iter().map(|(distance, _)| f64::from(*distance)).collect();
            let shares = shares(&distances, perplexity);
            others.into_iter().zip(shares).map(|((_, to), share)| (to, share)).collect::<Vec<_>>()
        });
        let one_way: Vec<Vec<(u32, f64)>> = one_way.collect();
        // Both ways alike: half of what each of two points attracts the other with.
        let mut both_ways: Vec<Vec<(u32, f32)>> = vec![Vec::new(); count];
        for (from, entries) in one_way.iter().enumerate() {
            for (to, share) in entries {
                let half = (share / (2.0 * count as f64)) as f32;
                both_ways[from].push((*to, half));
                both_ways[*to as usize].push((from as u32, half));
            }
        }
        let mut begins = vec![0];
        let mut entries = Vec::new();
        for mut of_point in both_ways {
            of_point.sort_by_key(|(to, _)| *to);
            entries.extend(of_point);
            begins.push(entries.len());
        }
        Self { begins, entries }
    }

    fn of_point(&self, point: usize) -> &[(u32, f32)] {
        &self.entries[self.begins[point]..self.begins[point + 1]]
    }
}

/// How much of a point's attraction goes to neighbours at these squared distances, nearest first: a Gaussian's shares, as
/// wide as makes their perplexity the one that is wanted.
fn shares(distances: &[f64], perplexity: f64) -> Vec<f64> {
    let nearest = distances.first().copied().unwrap_or_default();
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let farthest = distances.last().copied().unwrap_or_default() - nearest;
    let mut precision = if farthest > 0.0 { 1.0 / farthest } else { 1.0 };
    let mut shares = vec![0.0; distances.len()];
    for _ in 0..64 {
        let weights = distances.iter().map(|distance| (-(distance - nearest) * precision).exp());
        shares.iter_mut().zip(weights).for_each(|(share, weight)| *share = weight);
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        let entropy: f64 = shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
        let excess = entropy - perplexity.ln();
        if excess.abs() < 1e-6 {
            break;
        }
        if excess > 0.0 {
            low = precision;
            precision = if high.is_finite() { (low + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (low + high) / 2.0;
        }
    }
    shares
}

/// Values that are computed side by side.
const LANES: usize = 8;

/// What a point is pushed by: the sum of its closenesses to all points, itself among them, and the repulsion's two parts.
fn repulsion(places: &Places, point: usize) -> [f32; 3] {
    let (x, y) = (places.x[point], places.y[point]);
    let mut sums = [[0.0_f32; LANES]; 3];
    let mut add = |lane: usize, other_x: f32, other_y: f32| {
        let (right, down) = (x - other_x, y - other_y);
        let closeness = 1.0 / (1.0 + right * right + down * down);
        let push = closeness * closeness;
        sums[0][lane] += closeness;
        sums[1][lane] += push * right;
        sums[2][lane] += push * down;
    };
    let (wide_x, rest_x) = places.x.as_chunks::<LANES>();
    let (wide_y, rest_y) = places.y.as_chunks::<LANES>();
    for (others_x, others_y) in wide_x.iter().zip(wide_y) {
        for lane in 0..LANES {
            add(lane, others_x[lane], others_y[lane]);
        }
    }
    for (lane, (other_x, other_y)) in rest_x.iter().zip(rest_y).enumerate() {
        add(lane, *other_x, *other_y);
    }
    sums.map(|lanes| lanes.iter().sum())
}

/// The gradient of the divergence between attractions and closenesses, for each point.
fn gradient(places: &Places, neighbours: &Neighbours, exaggeration: f32) -> Vec<[f32; 2]> {
    let count = places.x.len();
    let pushes: Vec<[f32; 3]> = (0..count).into_par_iter().map(|point| repulsion(places, point)).collect();
    // A point's closeness to itself, 1, is no part of the sum.
    let total: f64 = pushes.iter().map(|push| f64::from(push[0]) - 1.0).sum();
    let share = (1.0 / total.max(f64::MIN_POSITIVE)) as f32;
    let of_point = |point: usize| {
        let (x, y) = (places.x[point], places.y[point]);
        let mut pull = [0.0_f32; 2];
        for (other, attraction) in neighbours.of_point(point) {
            let (right, down) = (x - places.x[*other as usize], y - places.y[*other as usize]);
            let strength = exaggeration * attraction / (1.0 + right * right + down * down);
            pull[0] += strength * right;
            pull[1] += strength * down;
        }
        let [_, push_right, push_down] = pushes[point];
        [4.0 * (pull[0] - share * push_right), 4.0 * (pull[1] - share * push_down)]
    };
    (0..count).into_par_iter().map(of_point).collect()
}

/// How the points move: with momentum, and faster along a coordinate whose direction does not change (Jacobs 1988).
struct Motion {
    velocity: Vec<[f32; 2]>,
    gains: Vec<[f32; 2]>,
}

impl Motion {
    fn step(&mut self, places: &mut Places, gradient: &[[f32; 2]], rate: f32, momentum: f32) {
        let count = gradient.len() as f64;
        for (axis, coordinates) in [&mut places.x, &mut places.y].into_iter().enumerate() {
            for (point, coordinate) in coordinates.iter_mut().enumerate() {
                let (velocity, gain) = (&mut self.velocity[point][axis], &mut self.gains[point][axis]);
                let slope = gradient[point][axis];
                let is_steady = (slope > 0.0) != (*velocity > 0.0);
                *gain = if is_steady { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                *velocity = momentum * *velocity - rate * *gain * slope;
                *coordinate += *velocity;
            }
            let mean = (coordinates.iter().map(|value| f64::from(*value)).sum::<f64>() / count) as f32;
            coordinates.iter_mut().for_each(|coordinate| *coordinate -= mean);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Three groups of `size` points in five dimensions, far apart.
    fn groups(size: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((state >> 16) as u16) / 65_536.0
        };
        (0..3 * size)
            .flat_map(|point| {
                let centre = [[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]][point % 3];
                [centre[0] + noise(), centre[1] + noise(), noise(), noise(), noise()]
            })
            .collect()
    }

    #[test]
    fn shares_have_the_perplexity_that_is_wanted() {
        let distances: Vec<f64> = (1..=90_i32).map(|rank| f64::from(rank).sqrt()).collect();
        let shares = shares(&distances, 30.0);
        let entropy: f64 = shares.iter().map(|share| -share * share.ln()).sum();
        assert!((entropy.exp() - 30.0).abs() < 1e-3, "{}", entropy.exp());
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(shares.is_sorted_by(|nearer, further| nearer >= further));
    }

    #[test]
    fn attractions_are_mutual_and_add_up_to_one() {
        let neighbours = Neighbours::of(&groups(20), 5);
        let total: f64 = neighbours.entries.iter().map(|(_, attraction)| f64::from(*attraction)).sum();
        assert!((total - 1.0).abs() < 1e-4, "{total}");
        let between = |from: usize, to: u32| {
            let entries = neighbours.of_point(from).iter().filter(|(other, _)| *other == to);
            entries.map(|(_, attraction)| *attraction).sum::<f32>()
        };
        assert!(
            (0..60).all(|from| (0..60).all(|to| (between(from, to as u32) - between(to, from as u32)).abs() < 1e-9))
        );
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_divergence() {
        let neighbours = Neighbours::of(&groups(4), 5);
        let mut places = Places {
            x: (0..12_u8).map(|point| f32::from(point % 5)).collect(),
            y: (0..12_u8).map(|point| f32::from(point % 7) * 0.5).collect(),
        };
        // Without the part of Kullback and Leibler's divergence that places do not change.
        let divergence = |places: &Places| {
            let closeness = |one: usize, other: usize| {
                let (right, down) = (places.x[one] - places.x[other], places.y[one] - places.y[other]);
                1.0 / (1.0 + f64::from(right).powi(2) + f64::from(down).powi(2))
            };
            let pairs =
                (0..12).flat_map(|one| (0..12).filter(move |other| *other != one).map(move |other| (one, other)));
            let total: f64 = pairs.map(|(one, other)| closeness(one, other)).sum();
            let parts = (0..12).flat_map(|one| neighbours.of_point(one).iter().map(move |entry| (one, entry)));
            -parts
                .map(|(one, (other, attraction))| {
                    f64::from(*attraction) * (closeness(one, *other as usize) / total).ln()
                })
                .sum::<f64>()
        };
        let slope = gradient(&places, &neighbours, 1.0)[3][0];
        const STEP: f32 = 1e-2;
        places.x[3] += STEP;
        let above = divergence(&places);
        places.x[3] -= 2.0 * STEP;
        let below = divergence(&places);
        let expected = (above - below) / (2.0 * f64::from(STEP));
        assert!((f64::from(slope) - expected).abs() < 1e-3 * expected.abs().max(0.1), "{slope} {expected}");
    }

    #[test]
    fn groups_stay_together_and_the_same_points_give_the_same_places() {
        let values = groups(40);
        let places = tsne(&values, 5);
        let distance =
            |one: usize, other: usize| (places[one][0] - places[other][0]).hypot(places[one][1] - places[other][1]);
        for point in 0..120 {
            let others = (0..120).filter(|other| *other != point);
            let nearest = others.min_by(|one, other| distance(point, *one).total_cmp(&distance(point, *other)));
            assert_eq!(nearest.map(|nearest| nearest % 3), Some(point % 3));
        }
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| tsne(&values, 5)), places);
        }
    }

    #[test]
    fn few_and_equal_points_do_no_harm() {
        assert!(tsne(&[], 5).is_empty());
        assert_eq!(tsne(&[1.0, 2.0], 1).len(), 2);
        assert!(tsne(&[1.0; 50], 5).iter().flatten().all(|value| value.is_finite()));
    }
}
