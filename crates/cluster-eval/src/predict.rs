//! Assigning new latents to the clusters of a fitted model.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use run_store::{AssignmentsWriter, FinishedStage, KMeansModel, LatentsFile, RunDir, Stage, file, replace_file};

use crate::source::assigned_rows;

/// What to assign, and where it goes.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The run whose clusters are used.
    pub run: RunDir,
    /// The variant whose clusters are used.
    pub tag: Option<String>,
    /// Latents of the same encoder.
    pub latents: PathBuf,
    /// The file to write.
    pub output: PathBuf,
}

/// Assigns the latents, without fitting anything, and writes the assignments: a piece at a time, so that all need not fit into
/// memory. Returns how many there are.
///
/// # Errors
/// The model or the latents are missing, broken, or of different encoders; or the file cannot be written.
pub fn predict(prediction: &Prediction) -> anyhow::Result<usize> {
    let fitted = FinishedStage::open(prediction.run.stage(Stage::ClusterEval, prediction.tag.as_deref()))?;
    let model_file = fitted.file(file::KMEANS)?;
    let model = KMeansModel::read(model_file.path())?;
    let latents = LatentsFile::open(&prediction.latents)?;
    check(&model, model_file.path(), &latents, &prediction.latents)?;
    let of_file = |path: &Path| path.canonicalize().ok();
    ensure!(
        of_file(&prediction.output).is_none_or(|output| of_file(&prediction.latents) != Some(output)),
        "{}: expected another file to write than the latents that are read, found the same; name another with --output",
        prediction.output.display()
    );
    replace_file(&prediction.output, |partial| {
        let mut writer = AssignmentsWriter::create(partial)?;
        for piece in latents.pieces() {
            writer.write(&assigned_rows(&piece?, &model.centroids, &model.majority_names))?;
        }
        writer.finish()
    })?;
    Ok(latents.count())
}

fn check(model: &KMeansModel, model_path: &Path, latents: &LatentsFile, latents_path: &Path) -> anyhow::Result<()> {
    ensure!(
        latents.dimensions() == model.dimensions as usize,
        "{}: expected latents of {} dimensions, as {} was fitted on, found {}; export them with the same model",
        latents_path.display(),
        model.dimensions,
        model_path.display(),
        latents.dimensions()
    );
    ensure!(
        latents.header().model_fingerprint == model.model_fingerprint,
        "{}: expected latents of the encoder that {} was fitted on, found another training's; \
         export them with the same model, or run cluster-eval again",
        latents_path.display(),
        model_path.display()
    );
    let class_count = latents.header().class_count;
    let names = model.majority_names.iter().chain(&model.one_to_one_names).flatten();
    if let Some(name) = names.into_iter().find(|name| u32::from(**name) >= class_count) {
        bail!(
            "{}: expected clusters named after one of {class_count} classes, found {name}; run cluster-eval again with --force",
            model_path.display()
        );
    }
    Ok(())
}
