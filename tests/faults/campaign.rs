//! How long the campaign is, what is drawn in it, and what it prints.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::ending::Ending;

/// How many times as long as a test's the campaign is.
const LENGTH: &str = "LATENT_STUDY_FAULTS";
/// What is drawn otherwise: moments, places, pairs.
const SEED: &str = "LATENT_STUDY_FAULTS_SEED";

fn number(variable: &str, default: u32) -> u32 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// `count` in a test, and in a campaign of that length as many times as much.
pub fn times(count: u32) -> u32 {
    count * number(LENGTH, 1)
}

/// Numbers drawn from the campaign's seed (SplitMix64; Steele, Lea & Flood 2014).
pub struct Draw(u64);

impl Draw {
    /// Those of the fault `name`.
    pub fn of(name: &str) -> Self {
        let start = u64::from(number(SEED, 0));
        Self(name.bytes().fold(start, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn between(&mut self, start: Duration, end: Duration) -> Duration {
        start + Duration::from_micros(self.below(1 + (end.saturating_sub(start)).as_micros() as u64))
    }
}

/// Counts how programs ended under a fault; a row of the campaign's table once it is dropped.
pub struct Tally {
    fault: &'static str,
    endings: BTreeMap<&'static str, u32>,
    began: Instant,
}

impl Tally {
    pub fn of(fault: &'static str) -> Self {
        Self { fault, endings: BTreeMap::new(), began: Instant::now() }
    }

    pub fn count(&mut self, ending: &Ending) {
        *self.endings.entry(ending.name()).or_default() += 1;
    }

    /// How often programs ended as `name` says.
    pub fn of_kind(&self, name: &str) -> u32 {
        self.endings.get(name).copied().unwrap_or(0)
    }
}

/// Says that `fault` was not tried, and why: what is missing from a table nobody sees.
pub fn not_tried(fault: &str, why: &str) {
    println!("\n| {fault} | 0 | | | not tried: {why} |");
}

impl Drop for Tally {
    fn drop(&mut self) {
        let endings: Vec<String> = self.endings.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let (total, seconds) = (self.endings.values().sum::<u32>(), self.began.elapsed().as_secs());
        let verdict = if std::thread::panicking() { "FAILED" } else { "survived" };
        // On a line of its own, whatever the test's runner has begun to say.
        println!("\n| {} | {total} | {} | {seconds} s | {verdict} |", self.fault, endings.join(", "));
    }
}
