//! Tensors in files: names and shapes are compared with what is expected before a value is copied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use run_store::{NamedTensor, StoreError};
use tch::{Device, Tensor};

use crate::error::{ModelError, Result};
use crate::parameters::{ParameterInfo, Parameters};

const ADVICE: &str = "use the weights of this model.json, or train the model again with --force";

/// A model whose values travel in a file.
pub trait Weights {
    /// Writes the values to `path`. Equal values give equal bytes.
    ///
    /// # Errors
    /// The file cannot be written.
    fn save(&self, path: &Path) -> Result<()>;

    /// Gives the model the values of the file at `path`.
    ///
    /// # Errors
    /// The file holds the weights of another model; nothing is changed then.
    fn restore(&mut self, path: &Path) -> Result<()>;
}

/// Writes `parameters` to `path`. Equal values give equal bytes.
///
/// # Errors
/// The file cannot be written.
pub fn write_weights(path: &Path, parameters: &Parameters) -> Result<()> {
    let tensors: Vec<(&str, &Tensor)> = parameters.iter().map(|(info, tensor)| (info.name.as_str(), tensor)).collect();
    write_tensors(path, &tensors)
}

/// Reads the file at `path` into `parameters`.
///
/// # Errors
/// The file cannot be read, or does not hold exactly these names, shapes and types, or holds a value that is not finite;
/// nothing is changed then.
pub fn read_weights(path: &Path, parameters: &mut Parameters) -> Result<()> {
    let expected: Vec<(&str, &[i64])> =
        parameters.infos().iter().map(|info| (info.name.as_str(), info.shape.as_slice())).collect();
    for (index, value) in read_tensors(path, &expected)?.iter().enumerate() {
        parameters.assign(index, value);
    }
    Ok(())
}

/// Memory that is set aside for a model whatever file it comes with, so that small files of other models are told what they lack: the
/// study's models take a few MB.
const ALLOWANCE: u64 = 16 << 20;

/// Checks that the values of `infos` take no memory out of proportion to the file at `path`, before it is set aside for them.
///
/// # Errors
/// They do, or there is no file.
pub(crate) fn check_size(path: &Path, infos: &[ParameterInfo]) -> Result<()> {
    let bytes = infos.iter().fold(0_i64, |sum, info| sum.saturating_add(info.numel())).saturating_mul(4);
    let length = fs::metadata(path).map_err(StoreError::io("read", path))?.len();
    if u64::try_from(bytes).is_ok_and(|bytes| bytes <= length.saturating_add(ALLOWANCE)) {
        return Ok(());
    }
    let problem = format!("expected {bytes} bytes of values, as model.json describes, found {length} in all");
    Err(ModelError::Weights { path: path.to_owned(), problem, advice: ADVICE })
}

/// Writes f32 `tensors` with their names to `path`. Equal values give equal bytes.
///
/// # Errors
/// The file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[(&str, &Tensor)]) -> Result<()> {
    let named = |(name, tensor): &(&str, &Tensor)| NamedTensor {
        name: (*name).to_owned(),
        shape: sizes(&tensor.size()),
        values: values(tensor),
    };
    Ok(run_store::write_tensors(path, &tensors.iter().map(named).collect::<Vec<_>>())?)
}

/// Reads the file at `path`, which holds exactly the `expected` names and shapes, in f32 and finite.
///
/// # Errors
/// It does not, or cannot be read.
pub fn read_tensors(path: &Path, expected: &[(&str, &[i64])]) -> Result<Vec<Tensor>> {
    let refuse = |problem: String| ModelError::Weights { path: path.to_owned(), problem, advice: ADVICE };
    let found = run_store::read_tensors(path)?;
    let names: BTreeSet<&str> = expected.iter().map(|(name, _)| *name).collect();
    if let Some(extra) = found.iter().find(|found| !names.contains(found.name.as_str())) {
        return Err(refuse(format!("expected no tensor `{}` in this architecture, found one", extra.name)));
    }
    let found: BTreeMap<&str, &NamedTensor> = found.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let read = |(name, shape): &(&str, &[i64])| {
        let tensor = found.get(name).ok_or_else(|| refuse(format!("expected a tensor `{name}`, found none")))?;
        if tensor.shape != sizes(shape) {
            return Err(refuse(format!("expected tensor `{name}` of shape {shape:?}, found {:?}", tensor.shape)));
        }
        let values = Tensor::from_slice(&tensor.values);
        values.f_reshape(*shape).map_err(|error| refuse(format!("tensor `{name}` cannot be used ({error})")))
    };
    expected.iter().map(read).collect()
}

/// The names of the tensors in the file at `path`.
pub(crate) fn tensor_names(path: &Path) -> Result<Vec<String>> {
    Ok(run_store::read_tensors(path)?.into_iter().map(|tensor| tensor.name).collect())
}

fn sizes(shape: &[i64]) -> Vec<usize> {
    shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect()
}

/// The values of a tensor in row-major order.
fn values(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
    let mut values = vec![0.0_f32; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}
