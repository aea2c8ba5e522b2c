//! The report's architectures, as data.

use run_store::{ClassifierDescription, LATENT_DIM_LIMIT, Layer, ModelDescription, ModelKind, ReaderDescription};

use crate::error::{ModelError, Result};

const LEAKY_RELU: Layer = Layer::LeakyRelu { slope: 0.2 };
const DROPOUT: Layer = Layer::Dropout { rate: 0.5 };
/// Keras' defaults.
const BATCH_NORM: Layer = Layer::BatchNorm { momentum: 0.99, epsilon: 1e-3 };
const MAX_POOL: Layer = Layer::MaxPool2d { size: 2 };
const PIXEL_DIVISOR: f64 = 255.0;
const DENSE_UNITS: [u32; 4] = [512, 256, 128, 64];
const FILTERS: [u32; 2] = [32, 64];
const CLASSIFIER_UNITS: u32 = 64;
const STUDENT_UNITS: u32 = 256;
/// A student lives for a few epochs, on few images for a few steps, in which Keras' momentum would not come to know the images.
const STUDENT_MOMENTUM: f64 = 0.9;
const READER_FILTERS: [u32; 3] = [32, 64, 64];
const READER_UNITS: u32 = 128;

/// Where a model departs from the report's layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Departures {
    /// The latent layer has no activation.
    pub linear_latent: bool,
    /// Nothing normalises what the last layer's sigmoid takes.
    pub plain_output: bool,
    /// Nothing is dropped while training.
    pub no_dropout: bool,
}

/// The report's autoencoder `model` for images of `height` × `width` grey pixels.
///
/// # Errors
/// The latent size is out of range, or the model cannot take images of this size.
pub fn describe(model: ModelKind, latent_dim: u32, height: u32, width: u32) -> Result<ModelDescription> {
    describe_departing(model, latent_dim, height, width, Departures::default())
}

/// As [`describe`], with `departures` from the report's layers.
///
/// # Errors
/// As there.
pub fn describe_departing(
    model: ModelKind,
    latent_dim: u32,
    height: u32,
    width: u32,
    departures: Departures,
) -> Result<ModelDescription> {
    if !(1..=LATENT_DIM_LIMIT).contains(&latent_dim) {
        let problem = format!("expected a latent size in 1..={LATENT_DIM_LIMIT}, found {latent_dim}");
        return Err(ModelError::Architecture(problem));
    }
    let (mut encoder, mut decoder) = match model {
        ModelKind::Ae => ae(latent_dim, height, width),
        ModelKind::Cae => {
            let latent = [Layer::Dense { units: latent_dim }, LEAKY_RELU];
            convolutional(model, &latent, height, width)?
        }
        ModelKind::Cvae => convolutional(model, &[Layer::GaussianHeads { units: latent_dim }], height, width)?,
    };
    if departures.linear_latent {
        encoder.pop_if(|last| matches!(last, Layer::LeakyRelu { .. }));
    }
    if departures.plain_output && matches!(decoder[..], [.., Layer::BatchNorm { .. }, Layer::Sigmoid]) {
        decoder.remove(decoder.len() - 2);
    }
    if departures.no_dropout {
        for layers in [&mut encoder, &mut decoder] {
            layers.retain(|layer| !matches!(layer, Layer::Dropout { .. }));
        }
    }
    Ok(ModelDescription {
        model,
        latent_dim,
        image_height: height,
        image_width: width,
        pixel_divisor: PIXEL_DIVISOR,
        encoder,
        decoder,
    })
}

fn ae(latent_dim: u32, height: u32, width: u32) -> (Vec<Layer>, Vec<Layer>) {
    let hidden = |units: u32| [Layer::Dense { units }, LEAKY_RELU, DROPOUT];
    let mut encoder = vec![Layer::Flatten];
    encoder.extend(DENSE_UNITS.into_iter().flat_map(hidden));
    encoder.extend([Layer::Dense { units: latent_dim }, LEAKY_RELU]);
    let mut decoder: Vec<Layer> = DENSE_UNITS.into_iter().rev().flat_map(hidden).collect();
    decoder.extend([
        Layer::Dense { units: height * width },
        Layer::Reshape { height, width, channels: 1 },
        Layer::Sigmoid,
    ]);
    (encoder, decoder)
}

/// The convolutional trunk with `latent` as the encoder's last layers, and its mirror.
fn convolutional(model: ModelKind, latent: &[Layer], height: u32, width: u32) -> Result<(Vec<Layer>, Vec<Layer>)> {
    let shrink = 1 << FILTERS.len();
    if !height.is_multiple_of(shrink) || !width.is_multiple_of(shrink) {
        return Err(ModelError::Architecture(format!(
            "expected images whose sides are multiples of {shrink}, as {model} halves them {} times, found {height} × {width}; \
             use --model ae, or pad the images",
            FILTERS.len()
        )));
    }
    let [_, channels] = FILTERS;
    let (height, width) = (height / shrink, width / shrink);
    let mut encoder = trunk();
    encoder.extend(latent);
    let transpose = |filters| Layer::ConvTranspose2d { filters, kernel: 3, stride: 2 };
    let mut decoder = vec![
        Layer::Dense { units: height * width * channels },
        LEAKY_RELU,
        Layer::Reshape { height, width, channels },
        transpose(channels),
        BATCH_NORM,
        LEAKY_RELU,
        transpose(1),
    ];
    decoder.extend((!model.is_variational()).then_some(BATCH_NORM));
    decoder.push(Layer::Sigmoid);
    Ok((encoder, decoder))
}

/// The convolutional encoder up to its features.
fn trunk() -> Vec<Layer> {
    let mut layers: Vec<Layer> = FILTERS
        .into_iter()
        .flat_map(|filters| [Layer::Conv2d { filters, kernel: 3 }, BATCH_NORM, LEAKY_RELU, MAX_POOL])
        .collect();
    layers.push(Layer::Flatten);
    layers
}

/// A student of `clusters` names: the convolutional encoder's trunk, a third convolution, two dense layers. What it makes of names
/// that are partly wrong depends on the normalisation between these: without, it believes more of them.
pub(crate) fn student_layers(clusters: u32) -> Vec<Layer> {
    let mut layers = trunk();
    // The trunk ends in being flattened, which can wait.
    layers.pop();
    let [_, filters] = FILTERS;
    layers.extend([Layer::Conv2d { filters, kernel: 3 }, BATCH_NORM, LEAKY_RELU, Layer::Flatten]);
    layers.extend([Layer::Dense { units: STUDENT_UNITS }, BATCH_NORM, Layer::Relu, Layer::Dense { units: clusters }]);
    for layer in &mut layers {
        if let Layer::BatchNorm { momentum, .. } = layer {
            *momentum = STUDENT_MOMENTUM;
        }
    }
    layers
}

/// The report's classifier of latents.
#[must_use]
pub fn describe_classifier(latent_dim: u32, class_count: u32) -> ClassifierDescription {
    ClassifierDescription {
        latent_dim,
        class_count,
        layers: vec![
            Layer::Dense { units: CLASSIFIER_UNITS },
            Layer::Relu,
            Layer::Dense { units: class_count },
            Layer::Softmax,
        ],
    }
}

/// The reader of `height` × `width` images that judges reconstructions: three convolutions, two dense layers, on images whose
/// brightness and contrast are taken out, as the eye does. It shares nothing with the autoencoders but kinds of layers.
#[must_use]
pub fn describe_reader(height: u32, width: u32, class_count: u32) -> ReaderDescription {
    // Contrasts of a few hundredths, which the eye takes for none, are left as they are.
    let mut layers = vec![Layer::Standardize { epsilon: 1e-3 }];
    for filters in READER_FILTERS {
        layers.extend([Layer::Conv2d { filters, kernel: 3 }, BATCH_NORM, Layer::Relu, MAX_POOL]);
    }
    // The last convolution sees a quarter of the image at each of its places, and is not pooled.
    layers.pop();
    layers.extend([
        Layer::Flatten,
        Layer::Dense { units: READER_UNITS },
        Layer::Relu,
        DROPOUT,
        Layer::Dense { units: class_count },
        Layer::Softmax,
    ]);
    ReaderDescription { image_height: height, image_width: width, pixel_divisor: PIXEL_DIVISOR, class_count, layers }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn impossible_models_are_refused() {
        let error = |model, latent, side| describe(model, latent, side, 28).unwrap_err().to_string();
        assert!(error(ModelKind::Ae, 0, 28).contains("1..=512, found 0"));
        assert!(error(ModelKind::Ae, 513, 28).contains("found 513"));
        assert!(error(ModelKind::Cae, 2, 30).contains("multiples of 4"));
        assert!(describe(ModelKind::Ae, 2, 30, 17).is_ok());
    }

    #[test]
    fn departures_are_those_asked_for_and_no_other() {
        let all = Departures { linear_latent: true, plain_output: true, no_dropout: true };
        for model in ModelKind::ALL {
            let (plain, departing) =
                (describe(*model, 3, 28, 28).unwrap(), describe_departing(*model, 3, 28, 28, all).unwrap());
            let is_kept = |layer: &Layer| !matches!(layer, Layer::Dropout { .. });
            let mut encoder: Vec<Layer> = plain.encoder.into_iter().filter(is_kept).collect();
            if !model.is_variational() {
                assert_eq!(encoder.pop(), Some(LEAKY_RELU));
            }
            assert_eq!(departing.encoder, encoder);
            let mut decoder: Vec<Layer> = plain.decoder.into_iter().filter(is_kept).collect();
            if *model == ModelKind::Cae {
                assert_eq!(decoder.remove(decoder.len() - 2), BATCH_NORM);
            }
            assert_eq!(departing.decoder, decoder);
        }
    }
}
