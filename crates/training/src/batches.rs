//! The order in which an epoch sees the data.

use rand::Rng;
use rand::seq::SliceRandom;
use tch::{Device, Tensor};

/// Where a batch's rows are.
#[derive(Debug)]
pub enum Batch {
    /// Rows `start..start + length`, as they lie.
    Range {
        /// The first row.
        start: i64,
        /// The number of rows.
        length: i64,
    },
    /// These rows, i64.
    Rows(Tensor),
}

impl Batch {
    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> i64 {
        match self {
            Self::Range { length, .. } => *length,
            Self::Rows(rows) => rows.numel() as i64,
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where its rows are, i64, on `device`.
    pub fn rows(&self, device: Device) -> Tensor {
        match self {
            Self::Range { start, length } => Tensor::arange_start(*start, start + length, (tch::Kind::Int64, device)),
            Self::Rows(rows) => rows.shallow_clone(),
        }
    }

    /// The batch's rows of `tensor`.
    pub fn of(&self, tensor: &Tensor) -> Tensor {
        match self {
            Self::Range { start, length } => tensor.narrow(0, *start, *length),
            Self::Rows(rows) => tensor.index_select(0, rows),
        }
    }
}

/// The batches of one pass over the data; the last may be smaller.
#[derive(Debug)]
pub struct Batches {
    order: Option<Tensor>,
    count: i64,
    size: i64,
    next: i64,
}

impl Batches {
    /// `count` rows in their order, `size` at a time.
    #[must_use]
    pub fn in_order(count: i64, size: i64) -> Self {
        Self { order: None, count, size: size.max(1), next: 0 }
    }

    /// `count` rows in an order drawn from `generator`, `size` at a time, for data on `device`.
    #[must_use]
    pub fn shuffled(count: i64, size: i64, generator: &mut impl Rng, device: Device) -> Self {
        let mut order: Vec<i64> = (0..count).collect();
        order.shuffle(generator);
        Self { order: Some(Tensor::from_slice(&order).to_device(device)), ..Self::in_order(count, size) }
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let (start, length) = (self.next, self.size.min(self.count - self.next));
        if length <= 0 {
            return None;
        }
        self.next += length;
        Some(match &self.order {
            Some(order) => Batch::Rows(order.narrow(0, start, length)),
            None => Batch::Range { start, length },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn rows(batches: Batches) -> Vec<Vec<i64>> {
        let all = Tensor::arange(10, (tch::Kind::Int64, Device::Cpu));
        batches.map(|batch| Vec::try_from(batch.of(&all)).unwrap_or_default()).collect()
    }

    #[test]
    fn every_row_comes_once() {
        assert_eq!(rows(Batches::in_order(10, 4)), [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        let shuffled = |epoch| rows(Batches::shuffled(10, 4, &mut Seed(3).epoch(epoch), Device::Cpu));
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut all = shuffled(1).concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }
}
