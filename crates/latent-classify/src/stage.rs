//! The stage around the training: what it reads, what it writes.

use std::collections::BTreeMap;

use autoencoders::{Classifier, Weights, describe_classifier};
use run_store::{
    ClassifierEpoch, ClassifyMetrics, FinishedStage, History, LatentSplits, Plan, Split, Stage, file, write_document,
};
use stage_cli::{Options, Progress, Summary, execute, latest_checkpoint, percent};
use training::{Optimizer, TrainingState, judge_classifier, prepare_process};

use crate::config::Config;
use crate::scores::score;
use crate::train::{examples, train};

/// Trains the classifier, unless it is up to date.
///
/// # Errors
/// The latents are missing, broken, or disagree; the loss ceases to be finite; or the destination cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::LatentClassify, config.tag.as_deref());
    let exported = FinishedStage::open(config.run.stage(Stage::LatentExport, None))?;
    let (train_file, test_file) = (exported.file(file::TRAIN_LATENTS)?, exported.file(file::TEST_LATENTS)?);
    let plan = Plan::new(dir.clone(), &config.protocol)?
        .input(file::TRAIN_LATENTS, &train_file)
        .input(file::TEST_LATENTS, &test_file)
        .resumed_across(&["epochs"]);
    let outcome = execute(plan, options, progress, |work, progress| {
        let (device, environment) = prepare_process(config.device, options.threads).map_err(anyhow::Error::msg)?;
        let latents = LatentSplits::read(&exported, [&train_file, &test_file])?;
        let class_count = latents.class_count();
        let description = describe_classifier(u32::try_from(latents.train.dimensions)?, class_count);
        let mut classifier = Classifier::new(&description, device, config.protocol.seed)?;
        let splits = [(Split::Train, &latents.train), (Split::Test, &latents.test)];
        let [train_examples, test_examples] = splits.map(|(_, latents)| examples(latents, device));
        let protocol = &config.protocol;
        let values = classifier.parameters().trainable();
        let mut state = TrainingState::new(Optimizer::new(protocol.optimizer, protocol.learning_rate, values));
        let checkpoints = work.checkpoints();
        options.interrupt.listen();
        if let Some(checkpoint) = latest_checkpoint(&checkpoints, protocol.epochs, progress, |_| Ok(())) {
            state.restore(&mut classifier, &checkpoint)?;
        }
        let both = (&train_examples, &test_examples);
        train(&classifier, &mut state, protocol, both, &checkpoints, (options, progress))?;
        let mut metrics = ClassifyMetrics { epochs: config.protocol.epochs, splits: BTreeMap::new() };
        for ((split, latents), examples) in splits.into_iter().zip([&train_examples, &test_examples]) {
            let answers = judge_classifier(&classifier, examples)?;
            let scores = score(&answers.predictions, &latents.labels, class_count as usize, answers.loss);
            metrics.splits.insert(split.to_string(), scores);
        }
        classifier.save(&work.file(file::WEIGHTS)?)?;
        write_document(&work.file(file::MODEL)?, &description)?;
        ClassifierEpoch::write(&work.file(file::HISTORY)?, &state.history)?;
        write_document(&work.file(file::METRICS)?, &metrics)?;
        Ok(environment)
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

fn figures(metrics: &ClassifyMetrics) -> Vec<(String, String)> {
    metrics
        .splits
        .iter()
        .rev()
        .flat_map(|(split, scores)| {
            [
                (format!("{split} accuracy"), percent(scores.accuracy)),
                (format!("{split} loss"), format!("{:.4}", scores.loss)),
            ]
        })
        .collect()
}
