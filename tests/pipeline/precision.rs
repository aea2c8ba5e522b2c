//! Training in bfloat16: the same stages and files, weights in f32, and losses next to those of f32.

use std::path::PathBuf;

use pipeline_tests::{MODELS, Study, Tree, manifest, succeeded};
use run_store::{ModelKind, Stage, TrainMetrics, file, read_document};

const BF16: (&str, &str) = ("--precision", "bf16");

fn trained(model: ModelKind, changes: &[(&str, &str)]) -> Study {
    let study = Study::prepared(model);
    succeeded(study.command_with(Stage::AeTrain, changes));
    study
}

fn test_loss(study: &Study) -> f64 {
    read_document::<TrainMetrics>(&study.dir(Stage::AeTrain).file(file::METRICS)).unwrap().test_loss
}

#[test]
fn every_model_trains_in_bfloat16_to_nearly_the_same_loss() {
    for model in MODELS {
        let (full, half) = (trained(*model, &[]), trained(*model, &[BF16]));
        let (expected, found) = (test_loss(&full), test_loss(&half));
        assert!((found / expected - 1.0).abs() < 0.01, "{model}: expected about {expected}, found {found}");
        assert!(found != expected, "{model}: nothing was computed in bfloat16");
        // Later stages cannot tell: they read weights of the same kind, and compute in f32.
        half.run_stages(&[Stage::LatentExport]);
        assert_eq!(manifest(&half.dir(Stage::LatentExport)).environment.precision, "f32");
    }
}

#[test]
fn the_manifest_says_so_only_where_it_is_so() {
    let of = |changes: &[(&str, &str)]| manifest(&trained(ModelKind::Ae, changes).dir(Stage::AeTrain));
    let (full, half) = (of(&[]), of(&[BF16]));
    assert!(!full.parameters.contains_key("precision") && full.environment.precision == "f32");
    assert_eq!(half.parameters["precision"], "bf16");
    assert_eq!(half.environment.precision, "bf16");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let results = || Tree::read(trained(ModelKind::Cae, &[BF16]).run().path()).results();
    assert_eq!(results().differences(&results()), Vec::<PathBuf>::new());
}
