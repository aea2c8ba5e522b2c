//! What a variational model makes of latents from its prior, the Gaussian with independent coordinates of mean 0 and variance 1.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use autoencoders::{Autoencoder, Mode};
use run_store::{
    DecodedLatent, DecodedSheet, FinishedStage, ModelDescription, RunDir, file, read_document, replace_file,
};
use tch::{Kind, Tensor, no_grad};
use training::{DeviceChoice, Seed, prepare_process};

/// Draws that a training keeps.
pub(crate) const KEPT_SAMPLES: u32 = 64;
/// Images on a side of the decoded plane.
const GRID_SIDE: i64 = 20;
/// Latents that are decoded at once.
const BATCH_SIZE: i64 = 256;

/// Digits to draw.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// The run of a variational model.
    pub run: RunDir,
    /// How many.
    pub count: u32,
    /// The seed of the draw.
    pub seed: u64,
    /// The file to write.
    pub output: PathBuf,
}

/// Draws digits from the prior of a trained model, and writes them with their latents.
///
/// # Errors
/// The model is missing, broken, or has no prior; or the file cannot be written.
pub fn sample(sampling: &Sampling) -> anyhow::Result<()> {
    let trained = FinishedStage::open(sampling.run.model_stage())?;
    let (model_file, weights) = (trained.file(file::MODEL)?, trained.file(file::WEIGHTS)?);
    let description: ModelDescription = read_document(model_file.path())?;
    let kind = description.model;
    ensure!(
        kind.is_variational(),
        "{}: expected a variational model, as only such have a prior to draw from, found {kind}; \
         train one with `ae-train --model cvae`",
        model_file.path().display()
    );
    let (device, _) = prepare_process(DeviceChoice::Cpu, 1).map_err(anyhow::Error::msg)?;
    let model = Autoencoder::load(description, device, weights.path())
        .with_context(|| format!("{} and its weights", model_file.path().display()))?;
    let sheet = samples(&model, sampling.count, sampling.seed)?;
    Ok(replace_file(&sampling.output, |path| sheet.write(path))?)
}

/// `count` draws from the prior, decoded, in a sheet about as wide as it is high.
pub(crate) fn samples(model: &Autoencoder, count: u32, seed: u64) -> anyhow::Result<DecodedSheet> {
    // Training begins at epoch 1, so these numbers are no epoch's.
    let _ = Seed(seed).epoch(0);
    let latent_dim = i64::from(model.description().latent_dim);
    // Drawn on the processor, so that every device decodes the same.
    let latents = Tensor::randn([i64::from(count), latent_dim], (Kind::Float, tch::Device::Cpu));
    decode(model, &latents, count.isqrt() + u32::from(count.isqrt().pow(2) < count))
}

/// The plane of a model of two latent dimensions, decoded where the prior's quantiles cross, so that each image stands for an
/// equal share of the prior: the first dimension grows to the right, the second upwards.
pub(crate) fn grid(model: &Autoencoder) -> anyhow::Result<DecodedSheet> {
    let probabilities = (Tensor::arange(GRID_SIDE, (Kind::Double, tch::Device::Cpu)) + 0.5) / GRID_SIDE as f64;
    let quantiles = probabilities.special_ndtri().to_kind(Kind::Float);
    let across = quantiles.repeat([GRID_SIDE]);
    let upwards = quantiles.flip([0]).repeat_interleave_self_int(GRID_SIDE, 0, None);
    decode(model, &Tensor::stack(&[across, upwards], 1), u32::try_from(GRID_SIDE)?)
}

fn decode(model: &Autoencoder, latents: &Tensor, columns: u32) -> anyhow::Result<DecodedSheet> {
    let device = model.parameters().trainable().device();
    let mut rows = Vec::new();
    for batch in latents.split(model.at_once(BATCH_SIZE), 0) {
        let images = no_grad(|| model.decode(&batch.to_device(device), Mode::Inference));
        for row in 0..batch.size()[0] {
            rows.push(DecodedLatent { latent: Vec::try_from(batch.get(row))?, image: Vec::try_from(images.get(row))? });
        }
    }
    let description = model.description();
    Ok(DecodedSheet {
        height: description.image_height,
        width: description.image_width,
        latent_dim: description.latent_dim,
        columns,
        rows,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use autoencoders::describe;
    use run_store::ModelKind;

    use super::*;

    fn model(latent_dim: u32) -> Autoencoder {
        Autoencoder::new(describe(ModelKind::Cvae, latent_dim, 28, 28).unwrap(), tch::Device::Cpu, 1).unwrap()
    }

    #[test]
    fn draws_follow_the_seed_and_the_prior() {
        let model = model(3);
        let sheet = samples(&model, 1000, 7).unwrap();
        assert_eq!((sheet.rows.len(), sheet.columns), (1000, 32));
        assert_eq!(sheet, samples(&model, 1000, 7).unwrap());
        assert_ne!(sheet, samples(&model, 1000, 8).unwrap());
        let values: Vec<f64> = sheet.rows.iter().flat_map(|row| row.latent.iter().copied().map(f64::from)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.06 && (variance - 1.0).abs() < 0.08, "{mean}, {variance}");
    }

    #[test]
    fn the_grid_lies_at_the_quantiles() {
        let sheet = grid(&model(2)).unwrap();
        assert_eq!((sheet.rows.len(), sheet.columns), (400, 20));
        let latent = |row: usize, column: usize| &sheet.rows[20 * row + column].latent;
        // The normal distribution's quantile at 1/40 is −1.95996.
        assert!((latent(0, 0)[0] + 1.959_96).abs() < 1e-4 && (latent(0, 0)[1] - 1.959_96).abs() < 1e-4);
        assert!(latent(0, 1)[0] > latent(0, 0)[0] && latent(1, 0)[1] < latent(0, 0)[1]);
        assert_eq!(latent(0, 5)[1], latent(0, 0)[1]);
        assert_eq!(sheet.rows[0].image.len(), 784);
    }
}
