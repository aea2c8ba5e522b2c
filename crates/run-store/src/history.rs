//! Training histories in Parquet: one row for each epoch. They hold no times, so that equal trainings give equal bytes.

use std::path::Path;

use polars::prelude::Column;
use serde::{Deserialize, Serialize};

use crate::bounds::not_negative;
use crate::error::Result;
use crate::table::{Metadata, Table, write_table};

/// A row of a history.
pub trait History: Sized {
    /// Writes the rows to `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    fn write(path: &Path, rows: &[Self]) -> Result<()>;

    /// Reads the rows at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or is no such history.
    fn read(path: &Path) -> Result<Vec<Self>>;

    /// The row's epoch, from 1.
    fn epoch(&self) -> u32;
}

/// The two parts of a negative evidence lower bound (Kingma & Welling 2014), whose sum it is: in nats an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElboParts {
    /// Binary cross-entropy of the image given one draw of its latent, summed over pixels.
    #[serde(deserialize_with = "not_negative")]
    pub reconstruction_nats: f64,
    /// Kullback–Leibler divergence of the latent's Gaussian from the prior.
    #[serde(deserialize_with = "not_negative")]
    pub kl_nats: f64,
}

/// The parts of an epoch's losses, where the loss is a negative evidence lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElboEpoch {
    /// Those of `train_loss`.
    pub train: ElboParts,
    /// Those of `test_loss`.
    pub test: ElboParts,
}

/// One epoch of an autoencoder's training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingEpoch {
    /// From 1.
    pub epoch: u32,
    /// Mean loss over the epoch's images while it trained: dropout on, each batch before its own step.
    pub train_loss: f64,
    /// Mean loss over the test images after the epoch, in inference mode.
    pub test_loss: f64,
    /// What the losses are made of, if they are negative evidence lower bounds: all rows of a history have it, or none.
    pub elbo: Option<ElboEpoch>,
}

/// What a refinement's history is called where something else lies in its place.
const REFINEMENT: &str = "a refinement's history";

/// The names of all objectives there are take 61 bytes.
const OBJECTIVES_BYTES: usize = 96;

/// The columns of an [`ElboEpoch`], in the order of [`ElboEpoch::values`].
const ELBO_COLUMNS: [&str; 4] =
    ["train_reconstruction_nats", "train_kl_nats", "test_reconstruction_nats", "test_kl_nats"];

impl ElboEpoch {
    fn values(&self) -> [f64; 4] {
        let Self { train, test } = self;
        [train.reconstruction_nats, train.kl_nats, test.reconstruction_nats, test.kl_nats]
    }

    fn of([train_reconstruction, train_kl, test_reconstruction, test_kl]: [f64; 4]) -> Self {
        let parts = |reconstruction_nats, kl_nats| ElboParts { reconstruction_nats, kl_nats };
        Self { train: parts(train_reconstruction, train_kl), test: parts(test_reconstruction, test_kl) }
    }
}

impl TrainingEpoch {
    /// Those epochs of a refinement, whose history lies at `path`, after which its losses are known.
    ///
    /// # Errors
    /// As of [`History::read`].
    pub fn of_refinement(path: &Path) -> Result<Vec<Self>> {
        let table = Table::read(path, REFINEMENT)?;
        let losses = table.optional_f64("train_loss")?.into_iter().zip(table.optional_f64("test_loss")?);
        let known = |(epoch, (train_loss, test_loss)): (u32, (Option<f64>, Option<f64>))| {
            Some(Self { epoch, train_loss: train_loss?, test_loss: test_loss?, elbo: None })
        };
        Ok(epochs(&table)?.into_iter().zip(losses).filter_map(known).collect())
    }
}

impl History for TrainingEpoch {
    fn write(path: &Path, rows: &[Self]) -> Result<()> {
        let mut columns = vec![
            column("epoch", rows, |row| row.epoch),
            column_f64("train_loss", rows, |row| row.train_loss),
            column_f64("test_loss", rows, |row| row.test_loss),
        ];
        let elbo: Option<Vec<[f64; 4]>> = rows.iter().map(|row| Some(row.elbo?.values())).collect();
        if let Some(elbo) = elbo.filter(|elbo| !elbo.is_empty()) {
            let parts = ELBO_COLUMNS.iter().enumerate();
            columns.extend(parts.map(|(part, name)| column_f64(name, &elbo, |values| values[part])));
        }
        write_table(path, columns, Metadata::new())
    }

    fn read(path: &Path) -> Result<Vec<Self>> {
        let table = Table::read(path, "a training history")?;
        let (train, test) = (table.f64("train_loss")?, table.f64("test_loss")?);
        let mut elbo = Vec::new();
        if table.column_names().contains(&ELBO_COLUMNS[0]) {
            elbo.resize(table.height(), [0.0; 4]);
            for (part, name) in ELBO_COLUMNS.iter().enumerate() {
                elbo.iter_mut().zip(table.f64(name)?).for_each(|(values, value)| values[part] = value);
            }
        }
        let elbo = elbo.into_iter().map(|values| Some(ElboEpoch::of(values))).chain(std::iter::repeat(None));
        let rows = epochs(&table)?.into_iter().zip(train).zip(test).zip(elbo);
        Ok(rows.map(|(((epoch, train_loss), test_loss), elbo)| Self { epoch, train_loss, test_loss, elbo }).collect())
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }
}

/// One epoch of a refinement. Its losses are columns of the same names as a training's, so that both can be drawn alike.
#[derive(Clone, Debug, PartialEq)]
pub struct RefinementEpoch {
    /// From 1.
    pub epoch: u32,
    /// What was lowered: the names of objectives, joined by `+`.
    pub objectives: String,
    /// Its mean over the epoch's images while it was lowered; one phase's is not another's.
    pub objective: f64,
    /// Mean binary cross-entropy of reconstructions after the epoch, in inference mode: of as many of the first training images as
    /// there are test images. None within several starts, of which most come to nothing; where the last of them ends, that of the one
    /// that goes on.
    pub train_loss: Option<f64>,
    /// The same of the test images.
    pub test_loss: Option<f64>,
    /// Share of the heads' weighted votes that went to the clusters they chose together, in [0, 1]; none where there are no heads.
    pub head_agreement: Option<f64>,
    /// Share of images that a student, at the end of its phase, names otherwise than it was taught, in [0, 1]; none elsewhere.
    pub renamed: Option<f64>,
}

impl History for RefinementEpoch {
    fn write(path: &Path, rows: &[Self]) -> Result<()> {
        let objectives: Vec<&str> = rows.iter().map(|row| row.objectives.as_str()).collect();
        let with_gaps = |name: &str, value: fn(&Self) -> Option<f64>| {
            Column::new(name.into(), rows.iter().map(value).collect::<Vec<Option<f64>>>())
        };
        let columns = vec![
            column("epoch", rows, |row| row.epoch),
            Column::new("objectives".into(), objectives),
            column_f64("objective", rows, |row| row.objective),
            with_gaps("train_loss", |row| row.train_loss),
            with_gaps("test_loss", |row| row.test_loss),
            with_gaps("head_agreement", |row| row.head_agreement),
            with_gaps("renamed", |row| row.renamed),
        ];
        write_table(path, columns, Metadata::new())
    }

    fn read(path: &Path) -> Result<Vec<Self>> {
        let table = Table::read(path, REFINEMENT)?;
        let objective = table.f64("objective")?;
        let (train, test) = (table.optional_f64("train_loss")?, table.optional_f64("test_loss")?);
        let names = table.strings("objectives", OBJECTIVES_BYTES)?;
        let shares = table.optional_f64("head_agreement")?.into_iter().zip(table.optional_f64("renamed")?);
        let losses = objective.into_iter().zip(train).zip(test);
        let rows = epochs(&table)?.into_iter().zip(names).zip(losses).zip(shares);
        Ok(rows
            .map(|(((epoch, objectives), ((objective, train_loss), test_loss)), (head_agreement, renamed))| Self {
                epoch,
                objectives,
                objective,
                train_loss,
                test_loss,
                head_agreement,
                renamed,
            })
            .collect())
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }
}

/// One epoch of a classifier's training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassifierEpoch {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the epoch's latents while it trained.
    pub train_loss: f64,
    /// Share of the epoch's latents that were classified right while it trained, in [0, 1].
    pub train_accuracy: f64,
    /// Mean cross-entropy over the test latents after the epoch.
    pub test_loss: f64,
    /// Share of the test latents that are classified right after the epoch, in [0, 1].
    pub test_accuracy: f64,
}

impl History for ClassifierEpoch {
    fn write(path: &Path, rows: &[Self]) -> Result<()> {
        let columns = vec![
            column("epoch", rows, |row| row.epoch),
            column_f64("train_loss", rows, |row| row.train_loss),
            column_f64("train_accuracy", rows, |row| row.train_accuracy),
            column_f64("test_loss", rows, |row| row.test_loss),
            column_f64("test_accuracy", rows, |row| row.test_accuracy),
        ];
        write_table(path, columns, Metadata::new())
    }

    fn read(path: &Path) -> Result<Vec<Self>> {
        let table = Table::read(path, "a classifier history")?;
        let train = table.f64("train_loss")?.into_iter().zip(table.f64("train_accuracy")?);
        let test = table.f64("test_loss")?.into_iter().zip(table.f64("test_accuracy")?);
        let rows = epochs(&table)?.into_iter().zip(train).zip(test);
        Ok(rows
            .map(|((epoch, (train_loss, train_accuracy)), (test_loss, test_accuracy))| Self {
                epoch,
                train_loss,
                train_accuracy,
                test_loss,
                test_accuracy,
            })
            .collect())
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }
}

/// The rows' epochs, which are 1, 2, 3, …: a training goes on after the last of them.
fn epochs(table: &Table) -> Result<Vec<u32>> {
    let epochs = table.u32("epoch")?;
    match epochs.iter().zip(1..).find(|(found, expected)| *found != expected) {
        None => Ok(epochs),
        Some((found, expected)) => {
            Err(table
                .invalid(format!("expected one row for each epoch from 1, found {found} in the place of {expected}")))
        }
    }
}

fn column<T>(name: &str, rows: &[T], value: impl Fn(&T) -> u32) -> Column {
    Column::new(name.into(), rows.iter().map(value).collect::<Vec<u32>>())
}

fn column_f64<T>(name: &str, rows: &[T], value: impl Fn(&T) -> f64) -> Column {
    Column::new(name.into(), rows.iter().map(value).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.parquet");
        let elbo = ElboEpoch::of([100.0, 5.0, 110.0, 6.0]);
        for elbo in [Some(elbo), None] {
            let rows = [1, 2].map(|epoch| TrainingEpoch { epoch, train_loss: 0.5, test_loss: 0.25, elbo });
            TrainingEpoch::write(&path, &rows).unwrap();
            assert_eq!(TrainingEpoch::read(&path).unwrap(), rows);
        }
        for (epochs, expected) in [([2, 3], "found 2 in the place of 1"), ([1, u32::MAX], "found 4294967295 in")] {
            let rows = epochs.map(|epoch| TrainingEpoch { epoch, train_loss: 0.5, test_loss: 0.25, elbo: None });
            TrainingEpoch::write(&path, &rows).unwrap();
            let error = TrainingEpoch::read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let rows =
            [(1, None, Some(0.01)), (2, Some(0.75), None)].map(|(epoch, head_agreement, renamed)| RefinementEpoch {
                epoch,
                objectives: "imsat+aspc".to_owned(),
                objective: -1.5,
                train_loss: head_agreement.map(|_| 0.2),
                test_loss: head_agreement.map(|_| 0.3),
                head_agreement,
                renamed,
            });
        RefinementEpoch::write(&path, &rows).unwrap();
        assert_eq!(RefinementEpoch::read(&path).unwrap(), rows);
        // What draws a training's losses draws a refinement's.
        let known = TrainingEpoch { epoch: 2, train_loss: 0.2, test_loss: 0.3, elbo: None };
        assert_eq!(TrainingEpoch::of_refinement(&path).unwrap(), [known]);
        // A training's own has no gaps.
        assert!(TrainingEpoch::read(&path).unwrap_err().to_string().contains("train_loss"));
        assert!(ClassifierEpoch::read(&path).is_err());
    }
}
