//! Random numbers, all from the run's seed.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// Starts libtorch's generators anew for `epoch`, and gives a generator of our own for it.
    ///
    /// A training that was interrupted between epochs so draws the numbers it would have drawn, without saving a
    /// generator's state, which tch cannot do.
    #[must_use]
    pub fn epoch(self, epoch: u32) -> ChaCha8Rng {
        tch::manual_seed(self.mixed(epoch));
        let mut generator = ChaCha8Rng::seed_from_u64(self.0);
        generator.set_stream(u64::from(epoch) + 1);
        generator
    }

    /// A seed for what begins anew in `epoch`.
    #[must_use]
    pub fn within(self, epoch: u32) -> u64 {
        self.mixed(epoch).cast_unsigned()
    }

    /// One number of seed and epoch that is far from its neighbours' (the finaliser of SplitMix64, Steele et al. 2014).
    fn mixed(self, epoch: u32) -> i64 {
        let mut value = self.0.wrapping_add(u64::from(epoch).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn seeds_and_epochs_differ_and_repeat() {
        let first = |seed, epoch| Seed(seed).epoch(epoch).next_u64();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
        assert_ne!(Seed(1).mixed(2), Seed(2).mixed(1));
    }
}
