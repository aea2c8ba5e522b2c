//! What only the tuned preset does: a second loss, a schedule, other layers.

use pipeline_tests::{Study, Tree, error_text, manifest, said, succeeded};
use run_store::{Layer, ModelDescription, ModelKind, Stage, file, read_document};

const TUNED: (&str, &str) = ("--preset", "tuned");

fn trained(changes: &[(&str, &str)]) -> Study {
    let study = Study::prepared(ModelKind::Cae);
    succeeded(study.command_with(Stage::AeTrain, &[&[TUNED], changes].concat()));
    study
}

#[test]
fn the_manifest_says_what_departs_from_the_report_and_nothing_else() {
    let tuned = manifest(&trained(&[]).dir(Stage::AeTrain)).parameters;
    for name in ["schedule", "warmup_steps", "linear_latent", "plain_output", "output_bias", "contrast"] {
        assert!(tuned.contains_key(name), "{name} is not in {tuned:?}");
    }
    let plain = trained(&[("--contrast", "0"), ("--schedule", "constant"), ("--warmup-steps", "0")]);
    let plain = manifest(&plain.dir(Stage::AeTrain)).parameters;
    for name in ["schedule", "warmup_steps", "contrast"] {
        assert!(!plain.contains_key(name), "{name} is in {plain:?}");
    }
}

#[test]
fn the_latent_is_linear_and_the_output_is_not_normalised() {
    let description: ModelDescription = read_document(&trained(&[]).dir(Stage::AeTrain).file(file::MODEL)).unwrap();
    assert_eq!(description.encoder.last(), Some(&Layer::Dense { units: 2 }));
    assert!(matches!(description.decoder[..], [.., Layer::ConvTranspose2d { .. }, Layer::Sigmoid]));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let results = || Tree::read(trained(&[]).run().path()).results();
    assert_eq!(results().differences(&results()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_only_a_second_loss_has_is_refused_without_one() {
    let study = Study::prepared(ModelKind::Cae);
    for (option, value) in [("--rotation", "10"), ("--neighbour-share", "0.5"), ("--contrast-end", "0")] {
        for preset in ["reference", "tuned"] {
            let changes = [("--preset", preset), ("--contrast", "0"), (option, value)];
            let message = error_text(study.command_with(Stage::AeTrain, &changes), 2);
            assert!(message.contains(option) && message.contains("--contrast"), "{message}");
        }
    }
    let message = error_text(study.command_with(Stage::AeTrain, &[TUNED, ("--neighbour-share", "1.5")]), 2);
    assert!(message.contains("from 0 to 1"), "{message}");
}

/// Its step sizes and weights fall towards the last epoch, so a longer training is another from its first step on.
#[test]
fn a_longer_training_starts_over_and_an_interrupted_one_goes_on() {
    let study = trained(&[]);
    let longer = study.command_with(Stage::AeTrain, &[TUNED, ("--epochs", "3")]).output().unwrap();
    let notes = String::from_utf8(longer.stderr).unwrap();
    assert!(longer.status.success() && !notes.contains("continuing"), "{notes}");
    // The same training, told to keep one epoch less, goes on from where it ended.
    let again =
        study.command_with(Stage::AeTrain, &[TUNED, ("--epochs", "3"), ("--keep-epochs", "0")]).output().unwrap();
    let notes = String::from_utf8(again.stderr).unwrap();
    assert!(notes.contains("continuing after epoch 3"), "{notes}");
}

#[test]
fn a_variational_model_takes_no_second_loss() {
    let study = Study::prepared(ModelKind::Cvae);
    said(study.command_with(Stage::AeTrain, &[TUNED]), "done in");
    let error = error_text(study.command_with(Stage::AeTrain, &[TUNED, ("--contrast", "0.1")]), 1);
    assert!(error.contains("use --contrast 0"), "{error}");
}

#[test]
fn the_classifier_has_the_preset_too() {
    let study = Study::finished(ModelKind::Cae);
    said(study.command_with(Stage::LatentClassify, &[TUNED]), "(rerun: shuffle false → true)");
}
