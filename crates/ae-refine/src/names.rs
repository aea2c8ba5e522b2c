//! Which cluster each image is in, by who has said so last.
//!
//! Heads on one encoder find the same clusters but for some groups of images, sevens with a bar across, say, that one half of the
//! heads puts with the twos. What the heads' loss is made of does not tell which half is right. So heads vote, and where they are
//! at odds the images themselves decide, pixel by pixel: an image goes where its nearest neighbours are (Cover & Hart 1967), of
//! those that heads agree on.
//!
//! A vote presumes that heads look for the same clusters. Where each has found others, one speaks for itself: the one whose clusters
//! tell most of the images, which is what `imsat` has them look for.

use autoencoders::{Autoencoder, ClusterHeads};
use clustering::{Consensus, consensus};
use tch::{Device, Kind, Tensor, no_grad};

use crate::aims::each_batch;
use crate::objective::imsat::{Imsat, entropy};
use crate::state::State;

/// The mean share of votes, for the clusters that they chose together, from which on heads have found the same clusters.
const ONE_MIND: f64 = 0.9;
/// Heads are at odds over an image if the cluster that got most votes leads the next by less than this share of them.
const CLEAR_LEAD: f64 = 1.0 / 3.0;
/// Neighbours that decide.
const NEIGHBOURS: i64 = 10;
/// Images whose neighbours are looked for at once.
const SOUGHT_AT_ONCE: i64 = 250;

/// The cluster that each of all images, `pixels`, is in, N of i64: as the last student says, else as trained heads do; none where
/// there are neither.
pub(crate) fn names(model: &Autoencoder, state: &State, imsat: &Imsat, pixels: &Tensor) -> Option<Tensor> {
    taught(state).or_else(|| of_heads(model, state, imsat, pixels))
}

/// As trained heads say, if there are any; the head whose numbers count may be another each time.
pub(crate) fn of_heads(model: &Autoencoder, state: &State, imsat: &Imsat, pixels: &Tensor) -> Option<Tensor> {
    state.training.history.iter().any(|row| row.head_agreement.is_some()).then(|| {
        let mut told = Vec::new();
        let named = each_batch(model, pixels, |features| {
            let logits = state.heads.logits(features);
            told.push(Told::of(&logits).0);
            Tensor::stack(&logits.iter().map(|logits| logits.argmax(1, false)).collect::<Vec<Tensor>>(), 1)
        });
        let consensus = votes(&[named.shallow_clone()], &state.heads);
        if consensus.agreement < ONE_MIND {
            named.select(1, Told(Tensor::cat(&told, 0)).most(imsat, named.size()[0]))
        } else {
            decided(&consensus, &model.preprocess(pixels))
        }
    })
}

/// What heads told of images, some × heads × (clusters + 1): sums of what they assigned to clusters, and of its entropy.
struct Told(Tensor);

impl Told {
    /// Of one batch, from the N × clusters logits of each head.
    fn of(logits: &[Tensor]) -> Self {
        let sums = logits.iter().map(|logits| {
            let log_assigned = logits.log_softmax(1, Kind::Float);
            let assigned = log_assigned.exp();
            let entropies = entropy(&assigned, &log_assigned).unsqueeze(1);
            Tensor::cat(&[assigned, entropies], 1).sum_dim_intlist([0].as_slice(), false, Kind::Double)
        });
        Self(Tensor::stack(&sums.collect::<Vec<Tensor>>(), 0).unsqueeze(0))
    }

    /// The head that told most of `images` images; of equals the first.
    fn most(&self, imsat: &Imsat, images: i64) -> i64 {
        let means = (self.0.sum_dim_intlist([0].as_slice(), false, Kind::Double) / images as f64).to_kind(Kind::Float);
        let clusters = means.size()[1] - 1;
        let information = imsat.information(&means.narrow(1, 0, clusters), &means.select(1, clusters));
        information.argmax(0, false).int64_value(&[])
    }
}

/// As the last student says, if there was one.
pub(crate) fn taught(state: &State) -> Option<Tensor> {
    let network = &state.student.as_ref()?.network;
    network.is_taught().then(|| network.names())
}

/// What the heads agree on, of the clusters that they name, images × heads of i64, in pieces.
pub(crate) fn votes(named: &[Tensor], heads: &ClusterHeads) -> Consensus {
    let named = Tensor::cat(named, 0).to_device(Device::Cpu);
    let of_head = |head: u32| -> Vec<usize> {
        let named = Vec::<i64>::try_from(named.select(1, i64::from(head))).unwrap_or_default();
        named.into_iter().map(|cluster| cluster as usize).collect()
    };
    let clusterings: Vec<Vec<usize>> = (0..heads.shape().heads).map(of_head).collect();
    consensus(&clusterings, heads.shape().clusters as usize)
}

/// The clusters that votes chose, N of i64; where they are at odds that of most neighbours among `images`, N × values, of those
/// clusters that got a vote.
fn decided(consensus: &Consensus, images: &Tensor) -> Tensor {
    let device = images.device();
    let clusters: Vec<i64> = consensus.clusters.iter().map(|cluster| *cluster as i64).collect();
    let names = Tensor::from_slice(&clusters).to_device(device);
    let votes = Tensor::from_slice(&consensus.votes).view([names.size()[0], -1]).to_device(device);
    if votes.size()[1] < 2 {
        return names;
    }
    let (most, _) = votes.topk(2, 1, true, true);
    let at_odds = (most.select(1, 0) - most.select(1, 1)).lt(CLEAR_LEAD);
    let (sought, clear) = (at_odds.nonzero().squeeze_dim(1), at_odds.logical_not().nonzero().squeeze_dim(1));
    if sought.size()[0] == 0 || clear.size()[0] < NEIGHBOURS {
        return names;
    }
    no_grad(|| {
        let (known, names_of_known) = (images.index_select(0, &clear), names.index_select(0, &clear));
        let squares = known.square().sum_dim_intlist([1].as_slice(), false, Kind::Float);
        let decided: Vec<Tensor> = sought
            .split(SOUGHT_AT_ONCE, 0)
            .iter()
            .map(|rows| {
                // Less the image's own square, which is the same for all.
                let distances = &squares - images.index_select(0, rows).matmul(&known.tr()) * 2.0;
                let (_, nearest) = distances.topk(NEIGHBOURS, 1, false, false);
                let named = names_of_known.index_select(0, &nearest.view([-1])).view_as(&nearest);
                let votes = votes.index_select(0, rows);
                let count = named.one_hot(votes.size()[1]).sum_dim_intlist([1].as_slice(), false, Kind::Double);
                // Votes settle what neighbours leave open.
                (count * votes.gt(0.0) + &votes).argmax(1, false)
            })
            .collect();
        names.index_copy(0, &sought, &Tensor::cat(&decided, 0))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn decided_names(votes: &[[f64; 3]], images: &[f32]) -> Vec<i64> {
        let most = |votes: &[f64; 3]| (0..3).rev().max_by(|one, other| votes[*one].total_cmp(&votes[*other])).unwrap();
        let clusters = votes.iter().map(most).collect();
        let consensus = Consensus { clusters, votes: votes.concat(), agreement: 0.9 };
        decided(&consensus, &Tensor::from_slice(images).view([-1, 1])).try_into().unwrap()
    }

    #[test]
    fn the_head_that_tells_most_is_that_of_sure_and_equal_clusters() {
        let told = |of_images: &[[[f32; 2]; 3]]| {
            let logits = |head: usize| {
                Tensor::from_slice(&of_images.iter().map(|heads| heads[head]).collect::<Vec<_>>().concat())
                    .view([-1, 2])
            };
            Told::of(&[logits(0), logits(1), logits(2)]).0
        };
        // The first puts all in one cluster, the second is not sure, the third has two halves: in two batches.
        let batches =
            [told(&[[[9.0, 0.0], [0.5, 0.0], [9.0, 0.0]]; 2]), told(&[[[9.0, 0.0], [0.0, 0.5], [0.0, 9.0]]; 2])];
        let imsat = Imsat { information_weight: 1.0, marginal_weight: 2.0 };
        assert_eq!(Told(Tensor::cat(&batches, 0)).most(&imsat, 4), 2);
        assert_eq!(Told(batches[0].narrow(1, 0, 2)).most(&imsat, 2), 1);
    }

    #[test]
    fn neighbours_decide_what_heads_are_at_odds_over() {
        // Ten at 0, ten at 1, ten at 2, each clear; then two at odds, and one whose lead is clear.
        let mut votes: Vec<[f64; 3]> = Vec::new();
        let mut images = Vec::new();
        for cluster in 0..3 {
            let mut clear = [0.0; 3];
            clear[cluster] = 1.0;
            votes.extend([clear; 10]);
            images.extend([cluster as f32; 10]);
        }
        assert_eq!(decided_names(&votes, &images)[..], [[0; 10], [1; 10], [2; 10]].concat());
        votes.extend([[0.6, 0.4, 0.0], [0.4, 0.6, 0.0], [0.7, 0.3, 0.0]]);
        // The first lies with cluster 1. The second lies with 2, which got no vote, then with 1. The third need not be asked.
        images.extend([1.1, 1.9, 1.0]);
        assert_eq!(decided_names(&votes, &images)[30..], [1, 1, 0]);
        let one_cluster = Consensus { clusters: vec![0, 0], votes: vec![1.0, 1.0], agreement: 1.0 };
        let names = decided(&one_cluster, &Tensor::from_slice(&[0.0_f32, 1.0]).view([-1, 1]));
        assert_eq!(Vec::<i64>::try_from(names).unwrap(), [0, 0]);
        // Without ten that are clear, votes stand.
        assert_eq!(decided_names(&[[0.6, 0.4, 0.0], [0.0, 0.5, 0.5]], &[0.0, 1.0]), [0, 1]);
    }
}
