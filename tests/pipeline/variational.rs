//! What only a variational model has: a lower bound in two parts, log variances, a prior.

use pipeline_tests::{FileStates, Study, error_text, said, succeeded};
use run_store::{DecodedSheet, History, Latents, ModelKind, Split, Stage, TrainMetrics, TrainingEpoch, file};

#[test]
fn the_bound_is_the_sum_of_its_parts() {
    let study = Study::finished(ModelKind::Cvae);
    let history = TrainingEpoch::read(&study.dir(Stage::AeTrain).file(file::HISTORY)).unwrap();
    assert_eq!(history.len(), 2);
    for row in &history {
        let elbo = row.elbo.unwrap();
        for (loss, parts) in [(row.train_loss, elbo.train), (row.test_loss, elbo.test)] {
            let sum = parts.reconstruction_nats + parts.kl_nats;
            assert!((loss - sum).abs() < 1e-4 * loss && parts.kl_nats >= 0.0, "{loss} of {parts:?}");
            // 784 pixels at about ln 2 each, as nothing is learnt yet: nats an image, not a pixel.
            assert!((100.0..1000.0).contains(&loss), "{loss}");
        }
    }
    let metrics: TrainMetrics = run_store::read_document(&study.dir(Stage::AeTrain).file(file::METRICS)).unwrap();
    assert_eq!(metrics.elbo, history[1].elbo);
}

#[test]
fn latents_are_means_and_log_variances_come_on_request() {
    let study = Study::finished(ModelKind::Cvae);
    let path = study.dir(Stage::LatentExport).file(Split::Test.latents_file());
    let plain = Latents::read(&path).unwrap();
    let mut command = study.command(Stage::LatentExport);
    command.arg("--with-logvar");
    said(command, "(rerun: with_logvar false → true)");
    // The same means, and what builds on them reads the file as before.
    assert_eq!(Latents::read(&path).unwrap(), plain);
    for stage in [Stage::ClusterEval, Stage::LatentClassify] {
        said(study.command(stage), "done in");
    }
    let ae = Study::finished(ModelKind::Ae);
    let before = FileStates::of(ae.path());
    let mut command = ae.command(Stage::LatentExport);
    command.arg("--with-logvar");
    let error = error_text(command, 1);
    assert!(error.contains("model.json") && error.contains("leave out --with-logvar"), "{error}");
    before.assert_untouched();
}

#[test]
fn digits_are_drawn_from_the_prior() {
    let study = Study::finished(ModelKind::Cvae);
    let before = FileStates::of(study.run().path());
    let draw = |seed: &str, output: &str| {
        let arguments = ["sample", "--run", "artifacts/cvae-2", "--count", "64", "--seed", seed, "--output", output];
        said(study.bare_command(Stage::AeTrain, &arguments), &format!("{output}: 64 digits drawn"));
        DecodedSheet::read(&study.path().join(output)).unwrap()
    };
    let kept = DecodedSheet::read(&study.dir(Stage::AeTrain).file(file::PRIOR_SAMPLES)).unwrap();
    // The run's own are those of its seed.
    assert_eq!(draw("0", "same.parquet"), kept);
    assert_ne!(draw("1", "other.parquet"), kept);
    assert!(kept.rows.iter().all(|row| row.image.iter().all(|pixel| (0.0..=1.0).contains(pixel))));
    before.assert_untouched();
}

#[test]
fn a_model_without_a_prior_says_so() {
    let study = Study::finished(ModelKind::Ae);
    let arguments = ["sample", "--run", "artifacts/ae-2", "--output", "out.parquet"];
    let error = error_text(study.bare_command(Stage::AeTrain, &arguments), 1);
    assert!(error.contains("expected a variational model") && error.contains("found ae"), "{error}");
    assert!(!study.path().join("out.parquet").exists());
}

#[test]
fn a_plane_is_decoded_for_two_dimensions_only() {
    let study = Study::prepared(ModelKind::Cvae);
    succeeded(study.command_with(Stage::AeTrain, &[("--latent-dim", "3")]));
    let dir = study.dir(Stage::AeTrain);
    assert!(dir.file(file::PRIOR_SAMPLES).exists() && !dir.file(file::PRIOR_GRID).exists());
}

#[test]
fn a_loss_that_does_not_suit_the_model_is_refused() {
    for (model, loss, advice) in
        [(ModelKind::Cvae, "bce", "leave out --loss"), (ModelKind::Cae, "elbo", "--model cvae")]
    {
        let study = Study::prepared(model);
        let error = error_text(study.command_with(Stage::AeTrain, &[("--loss", loss)]), 1);
        assert!(error.contains(advice), "{error}");
        assert!(!study.run().path().exists());
    }
}
