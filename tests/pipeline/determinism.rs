//! The same seed and threads give the same bytes.

use std::path::{Path, PathBuf};

use pipeline_tests::{MODELS, Study, Tree, stages, succeeded};
use run_store::{ModelKind, Stage, file};

/// The results of a study that went through every stage, training with `changes`.
fn results(model: ModelKind, changes: &[(&str, &str)]) -> Tree {
    let study = Study::prepared(model);
    succeeded(study.command(Stage::ReaderTrain));
    succeeded(study.command_with(Stage::AeTrain, changes));
    let is_next = |stage: &Stage| !stage.is_of_dataset() && *stage != Stage::AeTrain;
    study.run_stages(&stages().filter(is_next).collect::<Vec<_>>());
    Tree::read(study.run().path()).results()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for model in MODELS {
        let first = Tree::read(Study::finished(*model).run().path()).results();
        assert!(first.paths().any(|path| path.ends_with(file::WEIGHTS)));
        assert_eq!(first.differences(&results(*model, &[])), Vec::<PathBuf>::new());
    }
}

#[test]
fn shuffling_draws_the_same_order_from_the_same_seed() {
    let shuffled = || results(ModelKind::Cae, &[("--shuffle", "true")]);
    let first = shuffled();
    assert_eq!(first.differences(&shuffled()), Vec::<PathBuf>::new());
    let in_order = Tree::read(Study::finished(ModelKind::Cae).run().path()).results();
    assert!(first.differences(&in_order).contains(&Path::new("ae-train").join(file::WEIGHTS)));
}

#[test]
fn another_seed_gives_other_results() {
    let study = Study::finished(ModelKind::Ae);
    let before = Tree::read(study.run().path()).results();
    succeeded(study.command_with(Stage::AeTrain, &[("--seed", "1")]));
    study.run_stages(&[Stage::LatentExport]);
    for stage in [Stage::ClusterEval, Stage::LatentClassify] {
        succeeded(study.command_with(stage, &[("--seed", "1")]));
    }
    study.run_stages(&[Stage::ReconEval]);
    let differing = before.differences(&Tree::read(study.run().path()).results());
    // What was designed, not drawn, stays: the architectures.
    let same: Vec<&Path> = before.paths().filter(|path| !differing.iter().any(|other| other == path)).collect();
    assert_eq!(same, [Path::new("ae-train/model.json"), Path::new("latent-classify/model.json")]);
}
