//! The images that an autoencoder is trained and judged on, and means over them.

use autoencoders::{Autoencoder, Encoding, Mode};
use run_store::Dataset;
use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::batches::Batches;
use crate::loss::{Loss, LossValue, mean_squared_error};

/// Bytes, count × pixels, on the device.
#[derive(Debug)]
pub struct Images<'a> {
    /// What the model learns from.
    pub train: Tensor,
    /// What it is judged on.
    pub test: Tensor,
    /// Labels of at least as many, to stand beside what is redrawn.
    pub test_labels: &'a [u8],
}

/// Why a dataset has not the images that are wanted, or they cannot be had on the device.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// There are too few.
    #[error("expected at least {wanted} {split} images, found {found}; use {flag} {found} or less")]
    TooFew {
        /// `training` or `test`.
        split: &'static str,
        /// What the option that asks for them is called.
        flag: &'static str,
        /// How many were asked for.
        wanted: u32,
        /// How many there are.
        found: usize,
    },
    /// They do not fit there.
    #[error(transparent)]
    Device(#[from] TchError),
}

impl<'a> Images<'a> {
    /// The first images of `dataset`, as many of each split, on `device`.
    ///
    /// # Errors
    /// There are too few.
    pub fn first(
        dataset: &Dataset<'a>,
        train_count: u32,
        test_count: u32,
        device: Device,
    ) -> Result<Self, ImagesError> {
        let splits = [
            ("training", "--train-count", train_count, dataset.train),
            ("test", "--test-count", test_count, dataset.test),
        ];
        for (split, flag, wanted, images) in splits {
            if wanted as usize > images.len() {
                return Err(ImagesError::TooFew { split, flag, wanted, found: images.len() });
            }
        }
        let [train, test] =
            splits.map(|(_, _, count, images)| pixels(images.first(count as usize).pixels, count, device));
        Ok(Self { train: train?, test: test?, test_labels: dataset.test.labels })
    }

    /// The mean loss over the test images, in inference mode. A variational model's latents are drawn, as a lower bound wants it.
    pub fn test_loss(&self, model: &Autoencoder, loss: Loss, batch_size: u32) -> LossValue {
        mean_loss(model, &self.test, loss, batch_size)
    }

    /// The mean squared error over the test images, redrawn from their latents as they are exported.
    pub fn test_mean_squared_error(&self, model: &Autoencoder, batch_size: u32) -> f64 {
        let mean = mean_over(model, &self.test, batch_size, |images, encoding| {
            mean_squared_error(&model.decode_logits(&encoding.mean, Mode::Inference), images)
        });
        mean.double_value(&[])
    }
}

/// The mean loss over the images of `pixels`, bytes, in inference mode.
pub fn mean_loss(model: &Autoencoder, pixels: &Tensor, loss: Loss, batch_size: u32) -> LossValue {
    let terms = mean_over(model, pixels, batch_size, |images, encoding| {
        let logits = model.decode_logits(&encoding.sample(), Mode::Inference);
        loss.terms(&logits, images, encoding)
    });
    LossValue::of(&terms, 1.0)
}

/// `count` images as count × pixels bytes on `device`.
fn pixels(bytes: &[u8], count: u32, device: Device) -> Result<Tensor, ImagesError> {
    let count = i64::from(count);
    let width = bytes.len() as i64 / count.max(1);
    Ok(Tensor::f_from_data_size(bytes, &[count, width], Kind::Uint8)?.to_device(device))
}

/// The mean over all images of `scores`, which are means over a batch of images and their encoding, in inference mode.
fn mean_over(
    model: &Autoencoder,
    pixels: &Tensor,
    batch_size: u32,
    scores: impl Fn(&Tensor, &Encoding) -> Tensor,
) -> Tensor {
    let count = pixels.size()[0];
    no_grad(|| {
        let batches = Batches::in_order(count, model.at_once(i64::from(batch_size))).map(|batch| {
            let images = model.preprocess(&batch.of(pixels));
            let encoding = model.encode(&images, Mode::Inference);
            scores(&images, &encoding).to_kind(Kind::Double) * batch.len() as f64
        });
        sum(&batches.collect::<Vec<_>>()) / count as f64
    })
}

/// The sum of tensors of one shape, which are not none.
pub fn sum(tensors: &[Tensor]) -> Tensor {
    Tensor::stack(tensors, 0).sum_dim_intlist([0].as_slice(), false, Kind::Double)
}
