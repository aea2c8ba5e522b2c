//! Wrong usage exits 2, says what is wrong, and writes nothing.

use pipeline_tests::{Study, error_text};
use run_store::{ModelKind, Stage};

#[test]
fn wrong_usage_exits_2() {
    let study = Study::empty(ModelKind::Ae);
    let run = ["--run", "run"];
    for stage in Stage::ALL {
        assert!(error_text(study.bare_command(stage, &[]), 2).contains("--run <DIR>"), "{stage}");
        for wrong in [&["--no-such-option"][..], &["--threads", "0"], &["--threads", "1025"], &["word"]] {
            let error = error_text(study.bare_command(stage, &[&run, wrong].concat()), 2);
            assert!(error.starts_with("error: ") && error.contains(wrong[0]), "{stage}: {error}");
        }
    }
    let cases: &[(Stage, &[&str])] = &[
        (Stage::MnistData, &["--train-images", "a"]),
        (Stage::MnistData, &["--source", "a", "--train-images", "b"]),
        (Stage::AeTrain, &["--model", "vae"]),
        (Stage::AeTrain, &["--latent-dim", "0"]),
        (Stage::AeTrain, &["--latent-dim", "513"]),
        (Stage::AeTrain, &["--epochs", "0"]),
        (Stage::AeTrain, &["--batch-size", "1.5"]),
        (Stage::AeTrain, &["--learning-rate", "0"]),
        (Stage::AeTrain, &["--learning-rate", "NaN"]),
        (Stage::AeTrain, &["--optimizer", "sgd"]),
        (Stage::AeTrain, &["--loss", "l1"]),
        (Stage::AeTrain, &["--preset", "mine"]),
        (Stage::AeTrain, &["--shuffle", "maybe"]),
        (Stage::AeTrain, &["--keep-epochs", "1,x"]),
        (Stage::AeTrain, &["--device", "gpu"]),
        (Stage::LatentExport, &["--train-count", "0"]),
        (Stage::ClusterEval, &["--k", "0"]),
        (Stage::ClusterEval, &["--tolerance", "0"]),
        (Stage::ClusterEval, &["--tag", "a/b"]),
        (Stage::ClusterEval, &["--tag", ""]),
        (Stage::LatentClassify, &["--learning-rate", "inf"]),
    ];
    for (stage, wrong) in cases {
        let error = error_text(study.bare_command(*stage, &[&run, *wrong].concat()), 2);
        assert!(error.contains(wrong[0]), "{stage} {wrong:?}: {error}");
    }
    let error = error_text(study.bare_command(Stage::ClusterEval, &["predict", "--run", "run"]), 2);
    assert!(error.contains("--latents <FILE>") && error.contains("cluster-eval predict"), "{error}");
    assert_eq!(std::fs::read_dir(study.path()).unwrap().count(), 0);
}
