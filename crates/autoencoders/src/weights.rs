//! Weights as safetensors: names, shapes and types are compared with the architecture before a value is copied.

use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use tch::{Device, Kind, Tensor};

use crate::error::{ModelError, Result};
use crate::parameters::Parameters;

/// Writes `parameters` to `path`. Equal values give equal bytes.
///
/// # Errors
/// The file cannot be written.
pub fn write_weights(path: &Path, parameters: &Parameters) -> Result<()> {
    let unwritable = |problem: String| weights_error(path, problem, "look for a full disk or a read-only folder");
    let tensors: Vec<(&str, Vec<usize>, Vec<u8>)> =
        parameters.iter().map(|(info, tensor)| (info.name.as_str(), sizes(&info.shape), bytes(tensor))).collect();
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

/// Reads the file at `path` into `parameters`.
///
/// # Errors
/// The file cannot be read, or does not hold exactly these names, shapes and types; nothing is changed then.
pub fn read_weights(path: &Path, parameters: &mut Parameters) -> Result<()> {
    let refuse = |problem: String| {
        weights_error(path, problem, "use the weights of this model.json, or train the model again with --force")
    };
    let file = fs::read(path).map_err(|error| refuse(format!("the weights cannot be read ({error})")))?;
    let tensors = SafeTensors::deserialize(&file)
        .map_err(|error| refuse(format!("expected weights as safetensors, found something else ({error})")))?;
    if let Some(extra) = tensors.names().iter().find(|name| parameters.infos().iter().all(|info| info.name != **name)) {
        return Err(refuse(format!("expected no tensor `{extra}` in this architecture, found one")));
    }
    let values = parameters
        .infos()
        .iter()
        .map(|info| {
            let name = &info.name;
            let Ok(view) = tensors.tensor(name) else {
                return Err(refuse(format!("expected a tensor `{name}`, found none")));
            };
            if view.dtype() != Dtype::F32 || view.shape() != sizes(&info.shape) {
                return Err(refuse(format!(
                    "expected tensor `{name}` of shape {:?} and type F32, found {:?} and {:?}",
                    info.shape,
                    view.shape(),
                    view.dtype()
                )));
            }
            Tensor::f_from_data_size(view.data(), &info.shape, Kind::Float)
                .map_err(|error| refuse(format!("tensor `{name}` cannot be read ({error})")))
        })
        .collect::<Result<Vec<Tensor>>>()?;
    if let Some(position) = values.iter().position(|value| value.isfinite().all().int64_value(&[]) == 0) {
        let name = &parameters.infos()[position].name;
        return Err(refuse(format!("expected finite values in tensor `{name}`, found others")));
    }
    for (index, value) in values.iter().enumerate() {
        parameters.assign(index, value);
    }
    Ok(())
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
