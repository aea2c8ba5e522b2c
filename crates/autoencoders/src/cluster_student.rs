//! A network that begins anew, learns which cluster each image is said to be in, and so sees which of that it cannot believe.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::architecture::student_layers;
use crate::autoencoder::Autoencoder;
use crate::error::{ModelError, Result};
use crate::network::{Mode, Network, Shape};
use crate::parameters::{Initial, ParameterInfo, Parameters};
use crate::precision::Precision;
use crate::weights::{Weights, read_weights, write_weights};

/// The name of an image that has none.
const NAMELESS: f64 = -1.0;

/// A network images → clusters with the names that it is taught: it shares no value with the encoder that is refined.
#[derive(Debug)]
pub struct ClusterStudent {
    network: Network,
    height: i64,
    width: i64,
    parameters: Parameters,
}

impl Weights for ClusterStudent {
    fn save(&self, path: &Path) -> Result<()> {
        write_weights(path, &self.parameters)
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        read_weights(path, &mut self.parameters)?;
        let names = self.stored_names();
        let (least, greatest) = (names.min().double_value(&[]), names.max().double_value(&[]));
        // All images have names, or none.
        let is_mixed = least == NAMELESS && greatest != NAMELESS;
        let is_whole = names.frac().abs().max().double_value(&[]) == 0.0;
        let clusters = self.network.output().numel();
        if is_whole && !is_mixed && least >= NAMELESS && greatest < clusters as f64 {
            return Ok(());
        }
        let problem = format!(
            "expected as names whole numbers from 0 to below {clusters}, or {NAMELESS} everywhere, found {least} to {greatest}"
        );
        Err(ModelError::Weights { path: path.to_owned(), problem, advice: "start over with --force" })
    }
}

impl ClusterStudent {
    /// A student of `count` images such as `model` takes, which are in as many clusters as said. Nothing has a name yet.
    ///
    /// # Errors
    /// The images are too small for its layers.
    pub fn new(model: &Autoencoder, clusters: u32, count: i64, device: Device) -> Result<Self> {
        let (height, width) = (i64::from(model.description().image_height), i64::from(model.description().image_width));
        let layers = student_layers(clusters);
        let mut infos = Vec::new();
        let network = Network::build("student", &layers, Shape::Image { height, width, channels: 1 }, &mut infos)?;
        let initial = Initial::Constant(NAMELESS);
        // They are no weights, but belong to these: a student goes on only with what it was taught.
        let names = ParameterInfo {
            name: "names".to_owned(),
            shape: vec![count],
            initial,
            trainable: false,
            channels_last: false,
        };
        infos.push(names);
        let parameters = Parameters::new(infos, device, 0)?;
        Ok(Self { network, height, width, parameters })
    }

    /// Forgets all but the names: its values are drawn from `seed`.
    pub fn begin_anew(&mut self, seed: u64) {
        let names = self.stored_names().copy();
        self.parameters.initialise(seed);
        self.set_names(&names);
    }

    /// Its values, the names included.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Computes in `precision` from now on.
    pub fn compute_in(&mut self, precision: Precision) {
        self.network.compute_in(precision);
    }

    /// N × (height · width) values in [0, 1] → N × clusters logits.
    pub fn logits(&self, images: &Tensor, mode: Mode) -> Tensor {
        self.network.logits(&self.parameters, &images.view([-1, 1, self.height, self.width]), mode)
    }

    /// How many images may be taken at once, of `wanted`, so that what flows between layers stays within some 256 MiB.
    #[must_use]
    pub fn at_once(&self, wanted: i64) -> i64 {
        self.network.at_once(wanted)
    }

    /// Whether `count` images can be trained on at once, so that no layer gives more than [`MOST_AT_ONCE`](crate::MOST_AT_ONCE) values.
    #[must_use]
    pub fn holds(&self, count: i64) -> bool {
        self.network.holds(count)
    }

    /// Whether images have names.
    #[must_use]
    pub fn is_taught(&self) -> bool {
        self.stored_names().min().double_value(&[]) > NAMELESS
    }

    /// The cluster that each image is said to be in, i64.
    pub fn names(&self) -> Tensor {
        self.stored_names().to_kind(Kind::Int64)
    }

    /// Gives the images other names, as many.
    pub fn set_names(&mut self, names: &Tensor) {
        self.parameters.assign(self.parameters.infos().len() - 1, names);
    }

    /// Takes all images' names away.
    pub fn forget_names(&mut self) {
        let names = self.stored_names().full_like(NAMELESS);
        self.set_names(&names);
    }

    /// As they lie among its values: whole numbers, which f32 holds exactly.
    fn stored_names(&self) -> &Tensor {
        self.parameters.view(self.parameters.infos().len() - 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::ModelKind;

    use super::*;
    use crate::architecture::describe;

    #[test]
    fn a_student_begins_anew_and_keeps_its_names_on_disk_and_off() {
        let model = Autoencoder::new(describe(ModelKind::Ae, 2, 28, 28).unwrap(), Device::Cpu, 0).unwrap();
        let student = || ClusterStudent::new(&model, 3, 4, Device::Cpu).unwrap();
        let mut one = student();
        assert!(!one.is_taught());
        one.set_names(&Tensor::from_slice(&[2_i64, 0, 1, 2]));
        one.begin_anew(5);
        assert!(one.is_taught());
        let images = Tensor::rand([4, 784], (Kind::Float, Device::Cpu));
        let logits = |student: &ClusterStudent| student.logits(&images, Mode::Inference);
        assert_eq!(logits(&one).size(), [4, 3]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("student.safetensors");
        one.save(&path).unwrap();
        let mut other = student();
        other.begin_anew(6);
        assert_ne!(logits(&one), logits(&other));
        other.restore(&path).unwrap();
        assert_eq!(logits(&one), logits(&other));
        assert_eq!(Vec::<i64>::try_from(other.names()).unwrap(), [2, 0, 1, 2]);
        other.forget_names();
        assert!(!other.is_taught());
        for names in [[3.0_f32, 0.0, 1.0, 2.0], [0.5, 0.0, 1.0, 2.0], [-2.0, 0.0, 1.0, 2.0], [-1.0, 0.0, 1.0, 2.0]] {
            one.set_names(&Tensor::from_slice(&names));
            one.save(&path).unwrap();
            let error = other.restore(&path).unwrap_err().to_string();
            assert!(error.contains("whole numbers from 0 to below 3"), "{error}");
        }
    }
}
