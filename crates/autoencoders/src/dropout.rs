//! Dropout (Srivastava et al. 2014), with masks of our own on the CPU.
//!
//! libtorch draws its masks on one thread, 12 ns a value: a quarter of an AE's epoch. `ChaCha8` gives sixteen bits, which are
//! enough to decide one value, in less than a tenth of that.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

/// Sets each of `values` to zero with probability `rate`, rounded to 1/65536, and divides the others by `1 - rate`.
///
/// Draws from libtorch's generator, so that [`tch::manual_seed`] decides what is dropped.
pub(crate) fn dropout(values: &Tensor, rate: f64) -> Tensor {
    match values.device() {
        Device::Cpu => values * mask(values, rate),
        _ => values.dropout(rate, true),
    }
}

fn mask(values: &Tensor, rate: f64) -> Tensor {
    // Both casts are of numbers in the type's range: the rate is below 1.
    let dropped = (rate * 65536.0).round() as u32;
    let kept = (1.0 / (1.0 - rate)) as f32;
    let mut bits = vec![0_u16; values.numel()];
    generator().fill(bits.as_mut_slice());
    // A product, not a choice: no branch to mispredict, and the compiler takes many values at once.
    let factors: Vec<f32> = bits.iter().map(|&bits| kept * f32::from(u8::from(u32::from(bits) >= dropped))).collect();
    Tensor::from_slice(&factors).view(values.size().as_slice()).to_kind(values.kind())
}

/// A generator whose seed is libtorch's next number.
fn generator() -> ChaCha8Rng {
    let seed = Tensor::randint(i64::MAX, [1], (Kind::Int64, Device::Cpu)).int64_value(&[0]);
    ChaCha8Rng::seed_from_u64(seed.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ones() -> Tensor {
        Tensor::ones([300, 400], (Kind::Float, Device::Cpu))
    }

    #[test]
    fn drops_the_rate_and_scales_the_rest() {
        tch::manual_seed(1);
        for rate in [0.2, 0.5, 0.9] {
            let dropped = dropout(&ones(), rate);
            let share = dropped.eq(0.0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
            // Six standard deviations of a share of 120,000.
            assert!((share - rate).abs() < 6.0 * (rate * (1.0 - rate) / 120_000.0).sqrt(), "{share} of {rate}");
            let largest = dropped.max().double_value(&[]);
            assert!((largest * (1.0 - rate) - 1.0).abs() < 1e-6, "{largest}");
            let scaled = dropped.eq(largest).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
            assert!((scaled + share - 1.0).abs() < 1e-12, "{scaled} and {share} leave other values");
        }
        assert_eq!(dropout(&ones(), 0.0), ones());
    }

    #[test]
    fn rows_and_columns_are_dropped_independently() {
        tch::manual_seed(2);
        let dropped = dropout(&ones(), 0.5) - 1.0;
        for (rows, neighbour) in [(0, dropped.roll([1], [0])), (1, dropped.roll([1], [1]))] {
            let correlation = (&dropped * neighbour).mean(Kind::Double).double_value(&[]);
            assert!(correlation.abs() < 6.0 / 120_000_f64.sqrt(), "{correlation} along {rows}");
        }
    }

    #[test]
    fn seeds_repeat_and_calls_differ() {
        let two = |seed| {
            tch::manual_seed(seed);
            [dropout(&ones(), 0.5), dropout(&ones(), 0.5)]
        };
        assert_eq!(two(3), two(3));
        assert_ne!(two(3), two(4));
        let [first, second] = two(3);
        assert_ne!(first, second);
    }

    #[test]
    fn gradients_pass_where_values_do() {
        tch::manual_seed(5);
        let values = ones().set_requires_grad(true);
        let dropped = dropout(&values, 0.5);
        dropped.sum(Kind::Float).backward();
        assert_eq!(values.grad(), dropped.detach());
    }
}
