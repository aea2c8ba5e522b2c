//! Tensors as safetensors: names, shapes and types are compared with what is expected before a value is copied.

use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tch::{Device, Kind, Tensor};

use crate::error::{ModelError, Result};
use crate::parameters::Parameters;

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

/// Writes f32 `tensors` with their names to `path`. Equal values give equal bytes.
///
/// # Errors
/// The file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[(&str, &Tensor)]) -> Result<()> {
    let unwritable = |problem: String| weights_error(path, problem, "look for a full disk or a read-only folder");
    let tensors: Vec<(&str, Vec<usize>, Vec<u8>)> =
        tensors.iter().map(|(name, tensor)| (*name, sizes(&tensor.size()), bytes(tensor))).collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| unwritable(error.to_string()))?;
    safetensors::serialize(views, None)
        .map_err(|error| error.to_string())
        .and_then(|file| fs::write(path, file).map_err(|error| error.to_string()))
        .map_err(|error| unwritable(format!("the weights cannot be written ({error})")))
}

/// Reads the file at `path`, which holds exactly the `expected` names and shapes, in f32 and finite.
///
/// # Errors
/// It does not, or cannot be read.
pub fn read_tensors(path: &Path, expected: &[(&str, &[i64])]) -> Result<Vec<Tensor>> {
    let refuse = |problem: String| unusable(path, problem);
    let file = read_file(path)?;
    let tensors = deserialize(path, &file)?;
    if let Some(extra) = tensors.names().iter().find(|found| expected.iter().all(|(name, _)| name != *found)) {
        return Err(refuse(format!("expected no tensor `{extra}` in this architecture, found one")));
    }
    let read = |(name, shape): &(&str, &[i64])| {
        let Ok(view) = tensors.tensor(name) else {
            return Err(refuse(format!("expected a tensor `{name}`, found none")));
        };
        if view.dtype() != Dtype::F32 || view.shape() != sizes(shape) {
            return Err(refuse(format!(
                "expected tensor `{name}` of shape {shape:?} and type F32, found {:?} and {:?}",
                view.shape(),
                view.dtype()
            )));
        }
        let tensor = Tensor::f_from_data_size(view.data(), shape, Kind::Float)
            .map_err(|error| refuse(format!("tensor `{name}` cannot be read ({error})")))?;
        match tensor.isfinite().all().int64_value(&[]) {
            0 => Err(refuse(format!("expected finite values in tensor `{name}`, found others"))),
            _ => Ok(tensor),
        }
    };
    expected.iter().map(read).collect()
}

/// The names of the tensors in the file at `path`.
pub(crate) fn tensor_names(path: &Path) -> Result<Vec<String>> {
    Ok(deserialize(path, &read_file(path)?)?.names().into_iter().map(str::to_owned).collect())
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| unusable(path, format!("the weights cannot be read ({error})")))
}

fn deserialize<'a>(path: &Path, file: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(file)
        .map_err(|error| unusable(path, format!("expected weights as safetensors, found something else ({error})")))
}

fn unusable(path: &Path, problem: String) -> ModelError {
    weights_error(path, problem, "use the weights of this model.json, or train the model again with --force")
}

fn weights_error(path: &Path, problem: String, advice: &'static str) -> ModelError {
    ModelError::Weights { path: path.to_owned(), problem, advice }
}

fn sizes(shape: &[i64]) -> Vec<usize> {
    shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect()
}

/// The values of a tensor in row-major order, little-endian.
fn bytes(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
    let mut values = vec![0.0_f32; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
