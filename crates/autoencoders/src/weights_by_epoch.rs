//! A model's values as they were after several epochs of its training, in one safetensors file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tch::{Device, Tensor};

use crate::error::Result;
use crate::parameters::Parameters;
use crate::weights::{read_tensors, tensor_names, write_tensors};

/// The values of one model after several epochs.
#[derive(Debug, Default)]
pub struct WeightsByEpoch {
    /// Copies on the processor, in the order of the model's parameters.
    epochs: BTreeMap<u32, Vec<Tensor>>,
}

impl WeightsByEpoch {
    /// Keeps what `parameters` are after `epoch`.
    pub fn keep(&mut self, epoch: u32, parameters: &Parameters) {
        let copies = parameters.iter().map(|(_, values)| values.detach().to_device(Device::Cpu).copy()).collect();
        self.epochs.insert(epoch, copies);
    }

    /// The epochs that are kept, in order.
    pub fn epochs(&self) -> impl Iterator<Item = u32> {
        self.epochs.keys().copied()
    }

    /// Keeps no other epoch than those that are `wanted`.
    pub fn retain(&mut self, wanted: impl Fn(u32) -> bool) {
        self.epochs.retain(|epoch, _| wanted(*epoch));
    }

    /// Gives `parameters`, which are those of the model, the values of `epoch`. Returns whether that epoch is kept.
    pub fn restore(&self, epoch: u32, parameters: &mut Parameters) -> bool {
        let values = self.epochs.get(&epoch);
        let numbered = values.into_iter().flatten().enumerate();
        numbered.for_each(|(index, value)| parameters.assign(index, value));
        values.is_some()
    }

    /// Writes the values to `path`, each tensor under its epoch and its name in `parameters`. Equal values give equal bytes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path, parameters: &Parameters) -> Result<()> {
        let named = self.epochs.iter().flat_map(|(epoch, values)| {
            let names = parameters.infos().iter().map(|info| tensor_name(*epoch, &info.name));
            names.zip(values)
        });
        let named: Vec<(String, &Tensor)> = named.collect();
        let tensors: Vec<(&str, &Tensor)> = named.iter().map(|(name, values)| (name.as_str(), *values)).collect();
        write_tensors(path, &tensors)
    }

    /// Reads the file at `path`, which holds values of the model that `parameters` are of.
    ///
    /// # Errors
    /// The file cannot be read, or does not hold exactly these names, shapes and types for each of its epochs.
    pub fn read(path: &Path, parameters: &Parameters) -> Result<Self> {
        let found = tensor_names(path)?;
        let mut epochs: BTreeSet<u32> = found.iter().filter_map(|name| epoch_of(name)).collect();
        // One tensor may name an epoch, and all of a model's would be expected of it: more epochs than there can be need none.
        let most = 1 + found.len() / parameters.infos().len().max(1);
        epochs = epochs.into_iter().take(most).collect();
        let names = |epoch: u32| parameters.infos().iter().map(move |info| (tensor_name(epoch, &info.name), info));
        let expected: Vec<_> = epochs.iter().flat_map(|epoch| names(*epoch)).collect();
        let expected: Vec<(&str, &[i64])> =
            expected.iter().map(|(name, info)| (name.as_str(), info.shape.as_slice())).collect();
        let mut tensors = read_tensors(path, &expected)?.into_iter();
        let count = parameters.infos().len();
        let epochs = epochs.into_iter().map(|epoch| (epoch, tensors.by_ref().take(count).collect()));
        Ok(Self { epochs: epochs.collect() })
    }
}

fn tensor_name(epoch: u32, name: &str) -> String {
    format!("epoch-{epoch:05}/{name}")
}

fn epoch_of(tensor_name: &str) -> Option<u32> {
    tensor_name.strip_prefix("epoch-")?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::ModelKind;

    use super::*;
    use crate::architecture::describe;
    use crate::autoencoder::Autoencoder;

    fn model(kind: ModelKind, seed: u64) -> Autoencoder {
        Autoencoder::new(describe(kind, 2, 28, 28).unwrap(), Device::Cpu, seed).unwrap()
    }

    fn values(model: &Autoencoder) -> Vec<f32> {
        Vec::try_from(model.parameters().trainable()).unwrap()
    }

    #[test]
    fn what_was_kept_returns_epoch_by_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights_by_epoch.safetensors");
        let (first, second) = (model(ModelKind::Cae, 1), model(ModelKind::Cae, 2));
        let mut kept = WeightsByEpoch::default();
        kept.keep(0, first.parameters());
        kept.keep(25, second.parameters());
        kept.write(&path, first.parameters()).unwrap();
        let read = WeightsByEpoch::read(&path, first.parameters()).unwrap();
        assert_eq!(read.epochs().collect::<Vec<_>>(), [0, 25]);
        let mut other = model(ModelKind::Cae, 3);
        assert!(read.restore(25, other.parameters_mut()));
        assert_eq!(values(&other), values(&second));
        assert!(read.restore(0, other.parameters_mut()));
        assert_eq!(values(&other), values(&first));
        assert!(!read.restore(1, other.parameters_mut()));
        assert_eq!(values(&other), values(&first));
    }

    #[test]
    fn a_file_of_another_model_or_with_a_gap_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights_by_epoch.safetensors");
        let ae = model(ModelKind::Ae, 1);
        let mut kept = WeightsByEpoch::default();
        kept.keep(5, ae.parameters());
        kept.write(&path, ae.parameters()).unwrap();
        let error = WeightsByEpoch::read(&path, model(ModelKind::Cae, 1).parameters()).unwrap_err().to_string();
        assert!(error.contains("tensor `epoch-00005/"), "{error}");
        let tensor = Tensor::from_slice(&[0.0_f32]);
        write_tensors(&path, &[("epoch-00005/encoder.1.weight", &tensor)]).unwrap();
        let error = WeightsByEpoch::read(&path, ae.parameters()).unwrap_err().to_string();
        assert!(error.contains("expected tensor `epoch-00005/encoder.1.weight` of shape [512, 784]"), "{error}");
    }
}
