//! Training where there is a graphics processor, and a clear answer where there is none.

use pipeline_tests::{Study, error_text, manifest, succeeded};
use run_store::{ModelKind, Stage};

#[test]
fn a_graphics_processor_is_used_or_said_to_be_missing() {
    let study = Study::prepared(ModelKind::Cae);
    let cuda = || study.command_with(Stage::AeTrain, &[("--device", "cuda:0")]);
    if cuda().output().unwrap().status.success() {
        assert_eq!(manifest(&study.dir(Stage::AeTrain)).environment.device, "cuda:0");
        for stage in [Stage::LatentExport, Stage::LatentClassify] {
            succeeded(study.command_with(stage, &[("--device", "cuda:0")]));
            assert_eq!(manifest(&study.dir(stage)).environment.device, "cuda:0");
        }
        return;
    }
    println!("skipped: libtorch sees no graphics processor here");
    let error = error_text(cuda(), 1);
    assert!(error.contains("device cuda:0 is not available") && error.contains("use --device cpu"), "{error}");
    assert!(!study.dir(Stage::AeTrain).path().exists());
}

#[test]
fn a_graphics_processor_that_is_not_there_is_refused() {
    let study = Study::prepared(ModelKind::Ae);
    let error = error_text(study.command_with(Stage::AeTrain, &[("--device", "cuda:999")]), 1);
    assert!(error.contains("device cuda:999 is not available"), "{error}");
}
