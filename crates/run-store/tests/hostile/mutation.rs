//! Damage to files, drawn from a seed.

use rand::Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Numbers at which things end.
const EDGES: [u64; 12] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, i64::MAX as u64, u64::MAX];

/// Draws damage.
pub struct Mutator {
    random: ChaCha8Rng,
}

impl Mutator {
    /// One for the reader `name`: the same name, the same damage.
    pub fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self { random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// One of `seeds` with one to four things changed.
    pub fn damage(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds.choose(&mut self.random).cloned().unwrap_or_default();
        for _ in 0..self.random.gen_range(1..=4) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let random = &mut self.random;
        if bytes.is_empty() {
            bytes.push(random.r#gen());
        }
        let at = random.gen_range(0..bytes.len());
        let length = random.gen_range(1..=64).min(bytes.len() - at);
        match random.gen_range(0..8) {
            0 => bytes[at] ^= 1 << random.gen_range(0..8),
            1 => bytes[at] = random.r#gen(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let copy = bytes[at..at + length].to_vec();
                let to = random.gen_range(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            // A number, as its bytes or as digits.
            5 => {
                let edge = EDGES.choose(random).copied().unwrap_or(0).to_le_bytes();
                let width = [1, 2, 4, 8].choose(random).copied().unwrap_or(1).min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&edge[..width]);
            }
            6 => {
                let digits = EDGES.choose(random).copied().unwrap_or(0).to_string();
                bytes.splice(at..at + length.min(4), digits.bytes());
            }
            // A part of another file.
            _ => {
                let other = seeds.choose(random).map(Vec::as_slice).unwrap_or_default();
                let from = random.gen_range(0..=other.len());
                let part = other[from..other.len().min(from + length)].to_vec();
                bytes.splice(at..at + length, part);
            }
        }
    }
}
