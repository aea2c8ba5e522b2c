//! Named tensors of f32 as safetensors: the form of every file of weights.

use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::contained::contain_panics;
use crate::document::check_value_count;
use crate::error::{Result, StoreError};
use crate::opened::{self, SIZE_LIMIT};

const ADVICE: &str = "use the weights of this model.json, or train the model again with --force";

/// A tensor and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Its name, such as `decoder.0.weight`.
    pub name: String,
    /// Its length in each dimension.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl NamedTensor {
    fn is_finite(&self) -> bool {
        self.values.iter().all(|value| value.is_finite())
    }
}

fn not_finite(name: &str) -> String {
    format!("expected finite values in tensor `{name}`, found others")
}

/// Writes `tensors` to `path`. Equal tensors give equal bytes.
///
/// # Errors
/// A value is not finite, so that the file could not be read again; a shape does not hold its values, or the file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[NamedTensor]) -> Result<()> {
    if let Some(tensor) = tensors.iter().find(|tensor| !tensor.is_finite()) {
        return Err(StoreError::invalid(path, not_finite(&tensor.name), "nothing was written"));
    }
    let bytes = |tensor: &NamedTensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let bytes: Vec<Vec<u8>> = tensors.iter().map(bytes).collect();
    let view = |(tensor, bytes)| -> std::result::Result<_, SafeTensorError> {
        let NamedTensor { name, shape, .. }: &NamedTensor = tensor;
        Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
    };
    let file = tensors.iter().zip(&bytes).map(|(tensor, bytes)| view((tensor, bytes.as_slice())));
    let file = file.collect::<std::result::Result<Vec<_>, _>>().and_then(|views| safetensors::serialize(views, None));
    let file = file.map_err(|error| StoreError::invalid(path, error.to_string(), "nothing was written"))?;
    fs::write(path, file).map_err(StoreError::io("write", path))
}

/// The header of a file of `length` bytes may have this many: in memory it takes several times as much.
fn header_limit(length: u64) -> u64 {
    (1 << 20) + length / 16
}

/// Reads the file at `path`: its tensors, which are finite, by name.
///
/// # Errors
/// The file cannot be read, is no safetensors file, or holds values of another type or that are not finite.
pub fn read_tensors(path: &Path) -> Result<Vec<NamedTensor>> {
    let refuse = |problem: String| StoreError::invalid(path, problem, ADVICE);
    let file = opened::read(path, "weights", SIZE_LIMIT)?;
    let not_this = |problem| refuse(format!("expected weights as safetensors, found something else ({problem})"));
    if let Some((first, _)) = file.split_first_chunk()
        && u64::from_le_bytes(*first) > header_limit(file.len() as u64)
    {
        return Err(not_this(format!("its header is too long for a file of {} bytes", file.len())));
    }
    let header = file
        .split_first_chunk()
        .and_then(|(first, rest)| rest.get(..usize::try_from(u64::from_le_bytes(*first)).ok()?));
    check_value_count(path, "weights", header.unwrap_or_default(), ADVICE)?;
    let tensors = contain_panics(|| SafeTensors::deserialize(&file).map_err(|error| error.to_string()))
        .flatten()
        .map_err(not_this)?;
    let read = |(name, view): (&str, TensorView<'_>)| {
        if view.dtype() != Dtype::F32 {
            return Err(refuse(format!("expected tensor `{name}` of type F32, found {:?}", view.dtype())));
        }
        let values = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>();
        let tensor = NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values };
        if tensor.is_finite() { Ok(tensor) } else { Err(refuse(not_finite(name))) }
    };
    let mut tensors = tensors.iter().map(read).collect::<Result<Vec<_>>>()?;
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.to_owned(), shape: shape.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn tensors_return_as_they_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let tensors = [tensor("a.weight", &[2, 1], &[1.5, -0.25]), tensor("b", &[], &[1e-30])];
        write_tensors(&path, &tensors).unwrap();
        assert_eq!(read_tensors(&path).unwrap(), tensors);
    }

    #[test]
    fn what_is_no_file_of_weights_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let refused = |expected: &str| {
            let error = read_tensors(&path).unwrap_err().to_string();
            assert!(error.contains("weights.safetensors") && error.contains(expected), "{error}");
        };
        refused("cannot read");
        let bytes = f32::NAN.to_le_bytes();
        let other = safetensors::serialize([("a", TensorView::new(Dtype::F32, vec![1], &bytes).unwrap())], None);
        fs::write(&path, other.unwrap()).unwrap();
        refused("finite values in tensor `a`");
        assert!(write_tensors(&path, &[tensor("a", &[1], &[f32::NAN])]).is_err());
        write_tensors(&path, &[tensor("a", &[1], &[1.0])]).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in [0, 7, 20, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            refused("expected weights as safetensors");
        }
        let other = safetensors::serialize([("a", TensorView::new(Dtype::I32, vec![1], &[0; 4]).unwrap())], None);
        fs::write(&path, other.unwrap()).unwrap();
        refused("of type F32, found I32");
        assert!(write_tensors(&path, &[tensor("a", &[2], &[1.0])]).is_err());
    }
}
