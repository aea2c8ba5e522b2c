//! Every reason to run again, and no other.

use std::fs;

use pipeline_tests::{MODELS, Study, correct_manifest, edit_manifest, said, stages};
use run_store::{ModelKind, Stage, file};

/// Checks what a dry run of `stage` says, with `changes` of its parameters.
#[track_caller]
fn would_say(study: &Study, stage: Stage, changes: &[(&str, &str)], expected: &str) {
    let mut command = study.command_with(stage, changes);
    command.arg("--dry-run");
    said(command, expected);
}

#[test]
fn a_changed_parameter_is_a_reason() {
    let study = Study::finished(ModelKind::Ae);
    let cases = [
        (Stage::MnistData, ("--name", "other"), "name mnist → other"),
        (Stage::AeTrain, ("--epochs", "3"), "epochs 2 → 3"),
        (Stage::AeTrain, ("--latent-dim", "32"), "latent_dim 2 → 32"),
        (Stage::AeTrain, ("--shuffle", "true"), "shuffle false → true"),
        (Stage::AeTrain, ("--loss", "mse"), "loss bce → mse"),
        (Stage::AeTrain, ("--keep-epochs", "0,2"), "keep_epochs [0,1,5,10,15,20] → [0,2]"),
        (Stage::LatentExport, ("--test-count", "10"), "test_count 64 → 10"),
        (Stage::ClusterEval, ("--k", "20"), "k none → 20"),
        (Stage::ClusterEval, ("--seed", "1"), "seed 0 → 1"),
        (Stage::LatentClassify, ("--learning-rate", "0.5"), "learning_rate 0.001 → 0.5"),
    ];
    for (stage, change, expected) in cases {
        would_say(&study, stage, &[change], &format!(": would run (rerun: {expected})"));
    }
    would_say(&study, Stage::AeTrain, &[("--epochs", "3"), ("--seed", "1")], "(rerun: epochs 2 → 3, seed 0 → 1)");
}

#[test]
fn threads_are_no_reason() {
    let study = Study::finished(ModelKind::Ae);
    let arguments = ["--run", "artifacts/ae-2", "--threads", "2"];
    for stage in [Stage::LatentExport, Stage::ClusterEval] {
        let mut command = study.bare_command(stage, &arguments);
        if stage == Stage::ClusterEval {
            command.args(["--restarts", "3"]);
        }
        said(command, "up to date");
    }
}

#[test]
fn a_changed_input_is_a_reason_down_the_chain() {
    for model in MODELS {
        let study = Study::finished(*model);
        said(study.command_with(Stage::AeTrain, &[("--seed", "1")]), "done in");
        said(study.command(Stage::LatentExport), "(rerun: input weights changed)");
        for stage in [Stage::ClusterEval, Stage::LatentClassify] {
            said(study.command(stage), "(rerun: input test.parquet changed, input train.parquet changed)");
        }
    }
}

#[test]
fn an_unchanged_input_made_again_is_no_reason() {
    let study = Study::finished(ModelKind::Ae);
    for stage in [Stage::MnistData, Stage::AeTrain] {
        let mut command = study.command(stage);
        command.arg("--force");
        said(command, "(rerun: forced)");
    }
    for stage in stages() {
        would_say(&study, stage, &[], "up to date");
    }
}

#[test]
fn an_output_that_is_not_as_written_is_a_reason() {
    let study = Study::finished(ModelKind::Ae);
    for stage in stages() {
        for name in stage.outputs() {
            let path = study.dir(stage).file(name);
            let content = fs::read(&path).unwrap();
            fs::write(&path, "other").unwrap();
            would_say(&study, stage, &[], &format!("(rerun: output {name} changed since it was written)"));
            fs::remove_file(&path).unwrap();
            would_say(&study, stage, &[], &format!("(rerun: output {name} is missing)"));
            fs::write(&path, content).unwrap();
        }
    }
}

#[test]
fn a_manifest_that_is_not_as_written_is_a_reason() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::ClusterEval);
    let path = dir.file(file::MANIFEST);
    let whole = fs::read(&path).unwrap();

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    would_say(&study, Stage::ClusterEval, &[], "(rerun: its manifest is damaged)");
    fs::remove_file(&path).unwrap();
    would_say(&study, Stage::ClusterEval, &[], "(rerun: the earlier result is unfinished)");
    fs::write(&path, &whole).unwrap();
    edit_manifest(&dir, |manifest| manifest["format_version"] = 0.into());
    would_say(
        &study,
        Stage::ClusterEval,
        &[],
        &format!("(rerun: the stage's format 0 → {})", Stage::ClusterEval.format_version()),
    );
    fs::write(&path, &whole).unwrap();
    edit_manifest(&dir, |manifest| drop(manifest["outputs"].as_object_mut().unwrap().remove(file::KMEANS)));
    would_say(&study, Stage::ClusterEval, &[], "(rerun: output kmeans.bin is missing)");
    correct_manifest(&dir, file::KMEANS);
    would_say(&study, Stage::ClusterEval, &[], "up to date");

    // Any of these is mended by simply running.
    fs::write(&path, "{}").unwrap();
    said(study.command(Stage::ClusterEval), "(rerun: its manifest is damaged)");
    would_say(&study, Stage::ClusterEval, &[], "up to date");
}
