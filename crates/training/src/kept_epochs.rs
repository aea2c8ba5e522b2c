//! What a training leaves of the epochs that it keeps.

use std::collections::BTreeSet;
use std::path::PathBuf;

use autoencoders::{Autoencoder, Mode, WeightsByEpoch};
use run_store::{Checkpoint, REDRAWN_COUNT, Reconstruction, Reconstructions, StoreError, file};
use tch::{Tensor, no_grad};

use crate::images::Images;
use crate::state::StateError;

/// The model's values after some epochs, and what it made of the first test images then.
#[derive(Debug, Default)]
pub struct KeptEpochs {
    weights: WeightsByEpoch,
    reconstructions: Vec<Reconstruction>,
}

impl KeptEpochs {
    /// Keeps `model` as it is after `epoch`, and what it makes of the first test images.
    pub fn keep(&mut self, epoch: u32, model: &Autoencoder, images: &Images<'_>) {
        self.weights.keep(epoch, model.parameters());
        self.reconstructions.extend(redraw(model, images, epoch));
    }

    /// Whether `epoch` is among them.
    #[must_use]
    pub fn has(&self, epoch: u32) -> bool {
        self.reconstructions.iter().any(|row| row.epoch == epoch)
    }

    /// The epochs of `wanted` that `checkpoint` has not kept.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn missing_in(checkpoint: &Checkpoint, wanted: impl Iterator<Item = u32>) -> Result<Vec<u32>, StoreError> {
        let rows = Reconstructions::read(&checkpoint.file(file::RECONSTRUCTIONS))?.rows;
        Ok(wanted.filter(|epoch| rows.iter().all(|row| row.epoch != *epoch)).collect())
    }

    /// What `checkpoint` has kept of the epochs that are `wanted`, for a model such as `model`.
    ///
    /// # Errors
    /// It cannot be read, or is of another model.
    pub fn restore(
        checkpoint: &Checkpoint,
        model: &Autoencoder,
        wanted: impl Fn(u32) -> bool,
    ) -> Result<Self, StateError> {
        let path = checkpoint.file(file::RECONSTRUCTIONS);
        let read = Reconstructions::read(&path)?;
        let (expected, found) =
            ((model.description().image_height, model.description().image_width), (read.height, read.width));
        let last = read.rows.iter().map(|row| row.epoch).max().unwrap_or(0);
        if expected != found || last > checkpoint.epoch {
            let problem = format!(
                "expected images of {} × {} pixels after at most {} epochs, found {} × {} after {last}",
                expected.0, expected.1, checkpoint.epoch, found.0, found.1
            );
            return Err(StoreError::invalid(&path, problem, "start over with --force").into());
        }
        let mut reconstructions = read.rows;
        reconstructions.retain(|row| wanted(row.epoch));
        let path = checkpoint.file(file::WEIGHTS_BY_EPOCH);
        let mut weights = WeightsByEpoch::read(&path, model.parameters())?;
        weights.retain(|epoch| epoch <= checkpoint.epoch && wanted(epoch));
        let redrawn: BTreeSet<u32> = reconstructions.iter().map(|row| row.epoch).collect();
        let kept: BTreeSet<u32> = weights.epochs().collect();
        if redrawn != kept {
            let problem =
                format!("expected weights of the epochs {redrawn:?}, whose reconstructions were kept, found {kept:?}");
            return Err(StoreError::invalid(&path, problem, "start over with --force").into());
        }
        Ok(Self { weights, reconstructions })
    }

    /// Writes both files; `place` says where a file of this name goes.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, model: &Autoencoder, place: impl Fn(&str) -> PathBuf) -> Result<(), StateError> {
        self.weights.write(&place(file::WEIGHTS_BY_EPOCH), model.parameters())?;
        let (height, width) = (model.description().image_height, model.description().image_width);
        let table = Reconstructions { height, width, rows: self.reconstructions.clone() };
        Ok(table.write(&place(file::RECONSTRUCTIONS))?)
    }
}

/// The first test images as the model redraws them after `epoch`.
fn redraw(model: &Autoencoder, images: &Images<'_>, epoch: u32) -> Vec<Reconstruction> {
    let count = REDRAWN_COUNT.min(u32::try_from(images.test.size()[0]).unwrap_or(u32::MAX));
    no_grad(|| {
        let originals = model.preprocess(&images.test.narrow(0, 0, i64::from(count)));
        let redrawn = model.decode(&model.encode(&originals, Mode::Inference).mean, Mode::Inference);
        let pixels = |all: &Tensor, row: u32| -> Vec<f32> {
            Vec::try_from(all.get(i64::from(row)).reshape([-1])).unwrap_or_default()
        };
        (0..count)
            .zip(images.test_labels)
            .map(|(row, label)| Reconstruction {
                epoch,
                index: row,
                label: *label,
                original: pixels(&originals, row),
                reconstruction: pixels(&redrawn, row),
            })
            .collect()
    })
}
