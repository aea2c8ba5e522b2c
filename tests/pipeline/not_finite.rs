//! Trainings whose numbers cease to be finite.

use std::fs;
use std::path::PathBuf;

use pipeline_tests::{Study, Tree, error_text, leftovers, succeeded};
use run_store::{ModelKind, Stage, file};

/// The message of a stage that has to refuse.
fn message(study: &Study, stage: Stage, changes: &[(&str, &str)]) -> String {
    let said = error_text(study.command_with(stage, changes), 1);
    said.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// The epoch that a message promises the checkpoint of.
fn kept_epoch(message: &str) -> u32 {
    let (_, rest) = message.split_once("the checkpoint after epoch ").unwrap_or_else(|| panic!("{message}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn every_training_names_the_epoch_the_batch_and_the_rate() {
    let study = Study::finished(ModelKind::Ae);
    for stage in [Stage::ReaderTrain, Stage::AeTrain, Stage::AeRefine, Stage::LatentClassify] {
        let message = message(&study, stage, &[("--learning-rate", "1e30"), ("--batch-size", "64")]);
        for part in
            [" is not finite (", " in epoch 1, batch ", " at a learning rate of ", "; use a lower --learning-rate"]
        {
            assert!(message.contains(part), "{stage}: expected `{part}` in {message}");
        }
        assert_eq!(leftovers(study.dir(stage).run()), Vec::<String>::new(), "{stage}");
    }
}

/// The losses of an autoencoder do not show it, since a sigmoid stands behind: what could not be read again is not kept.
#[test]
fn a_variance_that_is_not_finite_is_named() {
    let study = Study::finished(ModelKind::Cae);
    let message = message(&study, Stage::AeTrain, &[("--learning-rate", "1e4")]);
    assert!(message.contains("running_var is not finite after epoch 1, at a learning rate of 1.000e4"), "{message}");
}

/// Its rate rises with each step.
const RISING: &[(&str, &str)] = &[("--epochs", "20"), ("--warmup-steps", "1000"), ("--learning-rate", "400")];

#[test]
fn the_last_good_checkpoint_is_kept_and_ends_a_shorter_training() {
    let study = Study::finished(ModelKind::Ae);
    fs::remove_dir_all(study.dir(Stage::AeTrain).path()).unwrap();
    let first = message(&study, Stage::AeTrain, RISING);
    let epoch = kept_epoch(&first).to_string();
    assert!(first.ends_with(&format!("the checkpoint after epoch {epoch} is kept, and --epochs {epoch} takes it")));
    // The same command goes on from it, and comes to the same end.
    let output = study.command_with(Stage::AeTrain, RISING).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("continuing after epoch {epoch}\n")) && said.contains(&first), "{said}");

    let shorter = [&[("--epochs", epoch.as_str())], &RISING[1..]].concat();
    let output = study.command_with(Stage::AeTrain, &shorter).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains(&format!("continuing after epoch {epoch}\n")), "{said}");
    let undisturbed = Study::prepared(ModelKind::Ae);
    succeeded(undisturbed.command_with(Stage::AeTrain, &shorter));
    let results = |study: &Study| Tree::read(&study.dir(Stage::AeTrain).path()).results();
    assert_eq!(results(&undisturbed).differences(&results(&study)), Vec::<PathBuf>::new());
}

#[test]
fn nothing_is_promised_that_the_parameters_do_not_allow() {
    // An epoch of a falling rate is a part of no shorter training, nor is one of a recipe.
    let study = Study::finished(ModelKind::Ae);
    let falling = [RISING, &[("--schedule", "cosine")]].concat();
    let refined = [("--recipe", "contrast:3,imsat:4"), ("--learning-rate", "1e4")];
    for (stage, changes) in [(Stage::AeTrain, falling.as_slice()), (Stage::AeRefine, &refined)] {
        let message = message(&study, stage, changes);
        let epoch = kept_epoch(&message);
        assert!(message.ends_with("is kept, but belongs to this one"), "{message}");
        let partial = study.dir(stage).run().join(format!(".{stage}.partial"));
        assert!(partial.join(file::CHECKPOINT).join(format!("epoch-{epoch:05}")).exists(), "{stage}");
        // A lower rate is another training: it begins anew, and leaves nothing of this one.
        let lower = [&changes[..changes.len() - 1], &[("--learning-rate", "1e-3")]].concat();
        let lower: Vec<_> =
            lower.into_iter().filter(|(name, value)| *name != "--learning-rate" || *value == "1e-3").collect();
        let output = study.command_with(stage, &lower).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !said.contains("continuing"), "{said}");
        assert_eq!(leftovers(study.dir(stage).run()), Vec::<String>::new());
    }
}
