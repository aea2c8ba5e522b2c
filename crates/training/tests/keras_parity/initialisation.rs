//! How values begin: by Keras' defaults, judged by their distribution.

use autoencoders::{Autoencoder, ParameterInfo, describe};
use run_store::ModelKind;
use tch::{Device, Kind, Tensor};

use crate::formula::glorot_limit;
use crate::subject::{Layers, keras_shape};

const SEEDS: [u64; 3] = [0, 1, 2];
/// How many standard errors an average may be off. Of the some 1,300 of them here, one is off further once in
/// thousands of choices of the seeds.
const STANDARD_ERRORS: f64 = 5.0;

/// That `values` fill ±`limit` evenly: their bounds, mean, variance, and their shares in ten equal parts.
fn assert_uniform(what: &str, values: &Tensor, limit: f64) {
    let values = values.detach().to_kind(Kind::Double).reshape([-1]) / limit;
    let count = values.numel() as f64;
    let largest = values.abs().max().double_value(&[]);
    // f32 holds the limit itself to 6e-8 of it.
    assert!(largest <= 1.0 + 1e-7, "{what}: expected values within ±{limit}, found {}", largest * limit);
    // That all n values of a uniform choice stay below 1 − 20 / n has a probability of exp(−20).
    assert!(largest >= 1.0 - 20.0 / count, "{what}: expected values up to ±{limit}, found {}", largest * limit);
    let near = |statistic: &str, found: f64, expected: f64, variance_of_one: f64| {
        let bound = STANDARD_ERRORS * (variance_of_one / count).sqrt();
        assert!(
            (found - expected).abs() <= bound,
            "{what}: expected a {statistic} of {expected} ± {bound} (limit 1), found {found}"
        );
    };
    near("mean", values.mean(Kind::Double).double_value(&[]), 0.0, 1.0 / 3.0);
    // The square of a value has the mean 1/3, and its own square 1/5.
    near("mean square", values.square().mean(Kind::Double).double_value(&[]), 1.0 / 3.0, 1.0 / 5.0 - 1.0 / 9.0);
    let parts = ((values + 1.0) * 5.0).floor().clamp(0.0, 9.0);
    for part in 0..10 {
        let share = parts.eq(f64::from(part)).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        near("share of a tenth", share, 0.1, 0.1 * 0.9);
    }
}

/// The value that all of `info` has at the start; a kernel has none.
fn constant(layers: &Layers, info: &ParameterInfo) -> Option<f64> {
    match info.name.rsplit('.').next() {
        Some("weight") => layers.normalises(&info.name).then_some(1.0),
        Some("running_var") => Some(1.0),
        _ => Some(0.0),
    }
}

#[test]
fn values_begin_as_in_keras() {
    for kind in ModelKind::ALL.iter().copied() {
        for latent_size in [2, 32] {
            let description = describe(kind, latent_size, 28, 28).unwrap();
            let layers = Layers::of(&description);
            for seed in SEEDS {
                let model = Autoencoder::new(description.clone(), Device::Cpu, seed).unwrap();
                for (info, values) in model.parameters().iter() {
                    let what = format!("{kind} {latent_size} seed {seed} {}", info.name);
                    match constant(&layers, info) {
                        Some(constant) => {
                            let same = values.eq(constant).all().int64_value(&[]) == 1;
                            assert!(same, "{what}: expected {constant} everywhere");
                        }
                        None => assert_uniform(&what, values, glorot_limit(&keras_shape(&info.shape))),
                    }
                }
            }
        }
    }
}
