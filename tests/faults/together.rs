//! Several programs at once.

use std::process::Child;

use pipeline_tests::{Study, error_text};
use run_store::{ModelKind, RunDir, Stage};

use crate::campaign::{Draw, Tally, times};
use crate::ending::Ending;
use crate::step::{STEPS, Step};
use crate::subject::Subject;

const CROWD: usize = 8;

#[test]
fn eight_of_the_same_step_at_once() {
    let fault = "8 of one step at once";
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    for step in STEPS {
        let subject = Subject::new();
        for _ in 0..times(1) {
            let earlier = draw.coin();
            subject.prepare(step, earlier);
            let crowd: Vec<Child> = (0..CROWD).map(|_| subject.start(step, earlier)).collect();
            let endings: Vec<Ending> = crowd.into_iter().map(Ending::of).collect();
            assert!(endings.iter().any(|ending| matches!(ending, Ending::Done)), "{step:?}: {endings:?}");
            for ending in &endings {
                if let Ending::Refused(message) = ending {
                    assert!(message.contains("is being written by another process"), "{step:?}: {message}");
                }
                tally.count(ending);
            }
            subject.assert_recovers(step);
        }
    }
}

#[test]
fn two_stages_of_a_run_at_once() {
    let fault = "two stages of a run at once";
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    let subject = Subject::new();
    let stages: Vec<Stage> = Step::stages().collect();
    for _ in 0..times(6) {
        let mut drawn = || Step::Stage(stages[draw.below(stages.len() as u64) as usize]);
        let (one, other) = (drawn(), drawn());
        let both = [one, other].map(|step| subject.start(step, true));
        both.map(Ending::of).iter().for_each(|ending| tally.count(ending));
        // Whoever was refused because an input changed is in order again once it is run again.
        subject.study.run_stages(&stages);
        subject.assert_as_expected();
    }
}

/// A run is trained or refined. Two who do not know of each other both find it empty.
#[test]
fn training_and_refining_one_run_at_once() {
    let mut tally = Tally::of("training and refining a run at once");
    let study = Study::finished(ModelKind::Ae);
    let run = RunDir::new(study.path().join("artifacts/both"));
    let arguments = |stage| {
        let mut arguments = vec!["--run", "artifacts/both", "--train-count", "128", "--test-count", "32"];
        let of_stage: &[&str] = match stage {
            Stage::AeTrain => &["--epochs", "1", "--model", "ae"],
            _ => &["--recipe", "reconstruction:1", "--from", "artifacts/ae-2"],
        };
        arguments.extend(of_stage);
        arguments
    };
    for _ in 0..times(2) {
        let start = |stage| {
            let mut process = study.bare_process(stage);
            process.args(arguments(stage)).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
            process.spawn().unwrap()
        };
        let stages = [Stage::AeTrain, Stage::AeRefine];
        let endings = stages.map(start).map(Ending::of);
        endings.iter().for_each(|ending| tally.count(ending));
        let is_there = stages.map(|stage| run.stage(stage, None).path().exists());
        assert!(is_there[0] != is_there[1], "{endings:?}");
        let loser = stages[usize::from(is_there[0])];
        let error = error_text(study.bare_command(loser, &arguments(loser)), 1);
        assert!(error.contains("another --run"), "{error}");
        std::fs::remove_dir_all(run.path()).unwrap();
    }
}
