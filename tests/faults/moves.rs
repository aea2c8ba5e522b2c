//! Runs in another place than the one they were made in.

use std::fs;
use std::path::Path;

use pipeline_tests::{FileStates, Study, Tree, said, succeeded};
use run_store::Stage;

use crate::campaign::Tally;
use crate::ending::Ending;
use crate::step::Step;
use crate::subject::Subject;

/// Checks that the runs of `study` are as recorded and up to date where they now lie.
fn assert_at_home(study: &Study, tally: &mut Tally) {
    let before = FileStates::of(study.path());
    let runs = [Stage::MnistData, Stage::AeTrain, Stage::AeRefine].map(|stage| study.dir(stage).run().to_owned());
    let mut verify = study.report(&["verify"]);
    verify.args(&runs);
    let text = succeeded(verify);
    assert_eq!(text.matches(": as recorded").count(), runs.len(), "{text}");
    for stage in Step::stages() {
        said(study.command(stage), ": up to date");
        tally.count(&Ending::Done);
    }
    before.assert_untouched();
}

#[test]
fn runs_moved_and_copied() {
    let mut tally = Tally::of("run moved or copied");
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("disk");
    for place in [Path::new("archive"), Path::new("archive/of/2026"), &outside] {
        let study = Subject::new().study;
        let target = study.path().join(place);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let artifacts = study.path().join("artifacts");
        // Copied, not renamed: that also goes from one disk to another.
        Tree::read(&artifacts).results_and_manifests().write(&target);
        fs::remove_dir_all(artifacts).unwrap();
        assert_at_home(&study.with_artifacts(place), &mut tally);
    }
}

/// A whole project somewhere else, as after a clone or a mount.
#[test]
fn projects_moved() {
    let mut tally = Tally::of("project moved");
    let study = Subject::new().study;
    assert_at_home(&study.copy(), &mut tally);
}
