//! What training loops share: where they compute, in which order they see the data, and how an optimizer moves the values.
//!
//! Everything random follows from the run's seed: [`Seed::epoch`] starts the generators anew at each epoch, so an epoch's
//! numbers do not depend on how training came to it.
//!
//! No model's layers, no stage's files, no command line.

mod augmentation;
mod batches;
mod classification;
mod contrast;
mod device;
mod images;
mod kept_epochs;
mod loss;
mod not_finite;
mod optimizer;
mod preset;
mod schedule;
mod seed;
mod state;
mod step;

pub use augmentation::Augmentation;
pub use batches::{Batch, Batches};
pub use classification::{Answers, Examples, Lesson, judge_classifier, train_classifier};
pub use contrast::Contrast;
pub use device::{DeviceChoice, prepare_process};
pub use images::{Images, ImagesError, mean_loss, sum};
pub use kept_epochs::KeptEpochs;
pub use loss::{Loss, LossValue, mean_squared_error};
pub use not_finite::{EpochLosses, NotFinite, Remedy};
pub use optimizer::{Optimizer, OptimizerRule};
pub use preset::{Preset, REPORT_COUNTS};
pub use schedule::Schedule;
pub use seed::Seed;
pub use state::{StateError, TrainingState};
