//! Keras' figures.

use std::collections::HashMap;
use std::path::Path;

use tch::Tensor;

use crate::formula::mixed;

const SAMPLE_COUNT: u64 = 256;
const SAMPLES_NUMBER: u64 = 2000;

/// The figures of the fixture, by name.
pub(crate) struct Recorded(HashMap<String, Tensor>);

impl Recorded {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keras_parity.safetensors");
        Self(Tensor::read_safetensors(path).unwrap().into_iter().collect())
    }

    pub(crate) fn get(&self, name: &str) -> &Tensor {
        self.0.get(name).unwrap_or_else(|| panic!("expected `{name}` among Keras' figures, found none"))
    }
}

/// What the fixture holds of `values`, those of parameter `number` in Keras' layout: a fixed sample where they are
/// many.
pub(crate) fn sampled(number: u64, values: &Tensor) -> Tensor {
    let values = values.reshape([-1]);
    let count = values.numel() as u64;
    if count <= SAMPLE_COUNT {
        return values;
    }
    let places: Vec<i64> =
        (0..SAMPLE_COUNT).map(|index| (mixed(SAMPLES_NUMBER + number, index) % count).cast_signed()).collect();
    values.index_select(0, &Tensor::from_slice(&places))
}
