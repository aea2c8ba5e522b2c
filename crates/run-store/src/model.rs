//! `model.json`: the architecture that weights belong to. Weights never travel without it.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::bounds::{below_one, pixel_divisor, positive, slope};
use crate::dataset::Dataset;
use crate::document::Document;
use crate::error::{Result, StoreError};
use crate::named_choice;

/// The most values of a latent vector.
pub const LATENT_DIM_LIMIT: u32 = 512;

/// A family of autoencoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Autoencoder of dense layers.
    Ae,
    /// Convolutional autoencoder.
    Cae,
    /// Convolutional variational autoencoder.
    Cvae,
}

named_choice!(ModelKind { Ae => "ae", Cae => "cae", Cvae => "cvae" });

impl ModelKind {
    /// Whether its encoder gives a distribution, and its latents a prior, so that digits can be drawn from it.
    #[must_use]
    pub fn is_variational(self) -> bool {
        self == Self::Cvae
    }
}

/// One layer of a network. Images run height × width × channels in every flattening.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "snake_case")]
pub enum Layer {
    /// Image → vector, in height, width, channel order.
    Flatten,
    /// Vector → image, in height, width, channel order.
    Reshape {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
        /// Channels.
        channels: u32,
    },
    /// Each image less its mean, over its standard deviation: what is left is its shape, whatever the light.
    Standardize {
        /// Added to the variance, so that an image without contrast stays without.
        #[serde(deserialize_with = "positive")]
        epsilon: f64,
    },
    /// Affine map.
    Dense {
        /// Outputs.
        units: u32,
    },
    /// The heads of a variational encoder: two affine maps of the same input, side by side. The first `units` outputs are the
    /// means of a Gaussian with independent coordinates, the others the logarithms of its variances.
    GaussianHeads {
        /// Coordinates of the Gaussian.
        units: u32,
    },
    /// x if positive, else slope · x.
    LeakyRelu {
        /// The slope of the negative side, 0 to 1.
        #[serde(deserialize_with = "slope")]
        slope: f64,
    },
    /// x if positive, else 0.
    Relu,
    /// 1 / (1 + exp(−x)). As a network's last layer it is left to the loss, which is exact on the values before it.
    Sigmoid,
    /// exp(x) over its sum. As a network's last layer it is left to the loss.
    Softmax,
    /// While training, each value is zero with probability `rate`, and the others grow by 1 / (1 − rate).
    Dropout {
        /// The probability.
        #[serde(deserialize_with = "below_one")]
        rate: f64,
    },
    /// Convolution, stride 1, zero padding that keeps height and width.
    Conv2d {
        /// Output channels.
        filters: u32,
        /// Side of the kernel, odd.
        kernel: u32,
    },
    /// Transposed convolution that multiplies height and width by `stride`; the surplus is cropped at the end of each axis.
    ConvTranspose2d {
        /// Output channels.
        filters: u32,
        /// Side of the kernel.
        kernel: u32,
        /// Step in the output for one in the input.
        stride: u32,
    },
    /// Batch normalisation over all but the channel.
    BatchNorm {
        /// The share of a running statistic that one batch keeps (Keras' convention: 0.99 keeps 99 %).
        #[serde(deserialize_with = "below_one")]
        momentum: f64,
        /// Added to the variance.
        #[serde(deserialize_with = "positive")]
        epsilon: f64,
    },
    /// The largest of each `size` × `size` square.
    MaxPool2d {
        /// Side and stride of the square.
        size: u32,
    },
}

/// As it stands in `model.json`.
impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// The full description of an autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// The family.
    pub model: ModelKind,
    /// Values in a latent vector.
    pub latent_dim: u32,
    /// Rows of an image.
    pub image_height: u32,
    /// Columns of an image.
    pub image_width: u32,
    /// Pixels 0..=255 are divided by this before they enter the encoder: into [0, 1].
    #[serde(deserialize_with = "pixel_divisor")]
    pub pixel_divisor: f64,
    /// Image → latent, or the Gaussian it is drawn from.
    pub encoder: Vec<Layer>,
    /// Latent → image.
    pub decoder: Vec<Layer>,
}

impl Document for ModelDescription {
    const KIND: &'static str = "a model description";

    fn check(&self) -> std::result::Result<(), String> {
        check_latent_dim(self.latent_dim)
    }
}

fn check_latent_dim(latent_dim: u32) -> std::result::Result<(), String> {
    match latent_dim {
        1..=LATENT_DIM_LIMIT => Ok(()),
        found => Err(format!("{found} latent dimensions, of 1 to {LATENT_DIM_LIMIT}")),
    }
}

impl ModelDescription {
    /// Checks that the model takes the images of `dataset`, read from `path`.
    ///
    /// # Errors
    /// They are of another size.
    pub fn check_images(&self, dataset: &Dataset<'_>, path: &Path) -> Result<()> {
        let (expected, found) = ((self.image_height, self.image_width), (dataset.height, dataset.width));
        if expected == found {
            return Ok(());
        }
        let problem = format!(
            "expected images of {} × {} pixels, as the model was trained on, found {} × {}",
            expected.0, expected.1, found.0, found.1
        );
        Err(StoreError::invalid(path, problem, "use another dataset"))
    }
}

/// The full description of a classifier of latents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifierDescription {
    /// Values in a latent vector.
    pub latent_dim: u32,
    /// Classes.
    pub class_count: u32,
    /// Latent → class.
    pub layers: Vec<Layer>,
}

impl Document for ClassifierDescription {
    const KIND: &'static str = "a classifier description";

    fn check(&self) -> std::result::Result<(), String> {
        check_latent_dim(self.latent_dim)
    }
}

/// The full description of a reader: a classifier of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReaderDescription {
    /// Rows of an image.
    pub image_height: u32,
    /// Columns of an image.
    pub image_width: u32,
    /// Pixels 0..=255 are divided by this before they enter: into [0, 1].
    #[serde(deserialize_with = "pixel_divisor")]
    pub pixel_divisor: f64,
    /// Classes.
    pub class_count: u32,
    /// Image → class.
    pub layers: Vec<Layer>,
}

impl Document for ReaderDescription {
    const KIND: &'static str = "a reader's description";
}
