//! How good a clustering is, with and without the true classes.
//!
//! Scores against the true classes are all functions of one [`ContingencyTable`]:
//!
//! | score | range | adjusted for chance |
//! |---|---|---|
//! | accuracy of [`ClusterNames::by_majority`] | 0 to 1 | no: never falls as clusters are split |
//! | accuracy of [`ClusterNames::one_to_one`] | 0 to 1 | no |
//! | [`normalized_mutual_information`] | 0 to 1 | no: tends to rise with the number of clusters |
//! | [`adjusted_rand_index`] | −0.5 to 1 | yes: 0 on average for random clusters |
//!
//! The [`silhouette()`] coefficient (−1 to 1) looks at the points alone, not at the classes.
//!
//! None of them depends on how the clusters are numbered, beyond the rounding of sums taken in
//! another order and the choice that a tie leaves open.

mod contingency;
mod information;
mod naming;
mod pairs;
mod silhouette;

#[cfg(test)]
mod invariance_tests;
#[cfg(test)]
mod parity_tests;

pub use contingency::{ContingencyError, ContingencyTable};
pub use information::normalized_mutual_information;
pub use naming::ClusterNames;
pub use pairs::adjusted_rand_index;
pub use silhouette::{Silhouette, silhouette, silhouette_sample};
