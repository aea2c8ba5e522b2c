//! Figures of runs that the stages left.

use std::fs;

use pipeline_tests::{FileStates, Study, Tree, error_text, stages, succeeded, workspace_root};
use run_store::{ArtifactsDir, ModelKind, Stage};

/// Every kind of figure but those of variational models alone, for a run of `model`.
fn expected(model: ModelKind) -> Vec<String> {
    let names = ["classifier", "cost", "losses", "readability", "task1"].map(str::to_owned).into_iter();
    let of_run = ["confusion", "latents", "prior", "uncertain"]
        .into_iter()
        .filter(|kind| *kind != "prior" || model.is_variational());
    let names = names.chain(of_run.map(|kind| format!("{kind}-{model}-2")));
    let mut files: Vec<String> = names.flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect();
    files.sort();
    files
}

#[test]
fn a_finished_run_has_every_figure() {
    for model in [ModelKind::Ae, ModelKind::Cvae] {
        let study = Study::finished(model);
        let run = format!("artifacts/{model}-2");
        let before = FileStates::of(study.run().path());
        let output = study.report(&["figures", &run]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !said.contains("note:"), "{said}");
        let folder = ArtifactsDir::new(study.path().join("artifacts")).figures();
        let drawn = Tree::read(folder.path());
        let mut files: Vec<String> = drawn.paths().map(|path| path.display().to_string()).collect();
        files.sort();
        assert_eq!(files, expected(model));
        before.assert_untouched();

        // Again, beside the figures that a shell's `artifacts/*` names too.
        let output = study.report(&["figures", &run, "artifacts/figures", "--out", "other"]).output().unwrap();
        assert!(output.status.success());
        assert!(!String::from_utf8(output.stderr).unwrap().contains("passed over"));
        assert_eq!(drawn.differences(&Tree::read(&study.path().join("other"))), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn growth_is_drawn_where_it_was_measured() {
    let study = Study::finished(ModelKind::Ae);
    let measured = workspace_root().join("crates/run-report/tests/data/growth.json");
    let artifacts = ArtifactsDir::new(study.path().join("artifacts"));
    fs::copy(&measured, artifacts.growth()).unwrap();
    let said = |arguments: &[&str]| {
        let output = study.report(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["figures", "artifacts/ae-2", "artifacts/growth.json"]).contains("growth.svg"));
    // Without runs it is the only figure, and lies beside what was measured.
    fs::remove_dir_all(artifacts.figures().path()).unwrap();
    succeeded(study.report(&["figures", "--growth", "artifacts/growth.json"]));
    let drawn = Tree::read(artifacts.figures().path());
    let mut files: Vec<String> = drawn.paths().map(|path| path.display().to_string()).collect();
    files.sort();
    assert_eq!(files, ["growth.png", "growth.svg"]);

    fs::write(artifacts.growth(), "{").unwrap();
    let line = said(&["figures", "artifacts/ae-2"]);
    assert!(line.contains("note: growth is not drawn: ") && line.contains("scripts/pipeline growth"), "{line}");
    assert!(line.contains("losses.png"), "{line}");
    let error = error_text(study.report(&["figures", "--growth", "artifacts/growth.json"]), 1);
    assert!(error.contains("growth.json") && error.contains("scripts/pipeline growth"), "{error}");
    let error = error_text(study.report(&["figures"]), 2);
    assert!(error.contains("<RUN"), "{error}");
}

#[test]
fn what_a_run_lacks_is_said_and_nothing_to_draw_is_an_error() {
    let study = Study::finished(ModelKind::Ae);
    fs::remove_dir_all(study.dir(Stage::ReconEval).path()).unwrap();
    let output = study.report(&["figures", "artifacts/ae-2"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let line = "note: ae-2 is left out of task1's counts, readability: recon-eval is not there; run `recon-eval --run \
                artifacts/ae-2`";
    assert!(said.lines().any(|said| said == line), "{said}");
    assert!(!study.path().join("artifacts/figures/readability.png").exists());

    for stage in stages().filter(|stage| !stage.is_of_dataset() && *stage != Stage::LatentExport) {
        let _ = fs::remove_dir_all(study.dir(stage).path());
    }
    fs::write(study.dir(Stage::LatentExport).file(run_store::file::MANIFEST), "{").unwrap();
    let error = error_text(study.report(&["figures", "artifacts/ae-2"]), 1);
    assert!(error.contains("error: none of the runs has what a figure shows"), "{error}");
}
