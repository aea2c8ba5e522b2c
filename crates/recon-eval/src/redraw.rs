//! Redraws the test images epoch by epoch, and lets the reader look at them.

use anyhow::{Context, ensure};
use autoencoders::{Autoencoder, Classifier, Mode, WeightsByEpoch};
use run_store::{LabelledImages, Reading, ReconstructionReading, Stage};
use stage_cli::Progress;
use tch::{Device, Kind, Tensor, no_grad};
use training::Batches;

use crate::quality::{StructuralSimilarity, binary_cross_entropy, mean_squared_error};

/// Images that are redrawn at once.
const BATCH_SIZE: i64 = 256;

/// What `reader` says of `images`, and of what `model` makes of them after each epoch of `weights`: ordered by epoch, then index.
///
/// # Errors
/// libtorch fails.
pub(crate) fn readings(
    reader: &Classifier,
    images: &LabelledImages<'_>,
    (model, weights): (&mut Autoencoder, &WeightsByEpoch),
    device: Device,
    progress: &mut dyn Progress,
) -> anyhow::Result<Vec<ReconstructionReading>> {
    let (height, width) = (model.description().image_height as usize, model.description().image_width as usize);
    let similarity = StructuralSimilarity::new(height, width);
    let count = images.len() as i64;
    let shape = [count, (height * width) as i64];
    let pixels = Tensor::f_from_data_size(images.pixels, &shape, Kind::Uint8)?.to_device(device);
    let batch_size = reader.at_once(model.at_once(BATCH_SIZE));
    let batches = || Batches::in_order(count, batch_size).zip(images.labels.chunks(batch_size as usize));

    let mut originals = Vec::new();
    for (batch, labels) in batches() {
        originals.extend(read(reader, &reader.preprocess(&batch.of(&pixels)), labels)?);
    }
    let mut rows = Vec::new();
    progress.begin("reconstructions", weights.epochs().count() as u64 * images.len() as u64, "images");
    for epoch in weights.epochs() {
        weights.restore(epoch, model.parameters_mut());
        let mut index = 0;
        for (batch, labels) in batches() {
            let images = model.preprocess(&batch.of(&pixels));
            let redrawn = no_grad(|| model.decode(&model.encode(&images, Mode::Inference).mean, Mode::Inference));
            let readings = read(reader, &redrawn, labels)?;
            for (position, (label, reconstruction)) in labels.iter().zip(readings).enumerate() {
                let original: Vec<f32> = Vec::try_from(images.get(position as i64))?;
                let redrawn: Vec<f32> = Vec::try_from(redrawn.get(position as i64))?;
                rows.push(ReconstructionReading {
                    epoch,
                    index,
                    label: *label,
                    original: *originals.get(index as usize).context("no reading of an original")?,
                    reconstruction,
                    mean_squared_error: mean_squared_error(&original, &redrawn),
                    binary_cross_entropy: binary_cross_entropy(&original, &redrawn),
                    structural_similarity: similarity.as_ref().map(|similarity| similarity.of(&original, &redrawn)),
                });
                index += 1;
            }
            progress.advance(batch.len() as u64);
        }
    }
    progress.end();
    Ok(rows)
}

/// What `reader` says of N × pixels `images` in [0, 1], whose true classes are `labels`.
fn read(reader: &Classifier, images: &Tensor, labels: &[u8]) -> anyhow::Result<Vec<Reading>> {
    no_grad(|| {
        let probabilities = reader.probabilities(images);
        let classes = Tensor::from_slice(labels).to_kind(Kind::Int64).to_device(images.device()).unsqueeze(1);
        let of_true_class: Vec<f32> = Vec::try_from(probabilities.gather(1, &classes, false).squeeze_dim(1))?;
        let predicted: Vec<u8> = Vec::try_from(probabilities.argmax(1, false).to_kind(Kind::Uint8))?;
        // Weights may be finite and yet too large to compute with.
        ensure!(
            of_true_class.iter().all(|probability| probability.is_finite()),
            "expected probabilities of the classes from the reader, found values that are not finite; make the reader anew with \
             `{} --force`, or the model with --force",
            Stage::ReaderTrain
        );
        let pairs = predicted.into_iter().zip(of_true_class);
        Ok(pairs.map(|(predicted, probability)| Reading { predicted, probability }).collect())
    })
}
