//! Programs ended at any moment.

use std::process::Child;

use pipeline_tests::Study;
use run_store::Stage;

use crate::campaign::{Draw, Tally, times};
use crate::ending::Ending;
use crate::step::{STEPS, Step};
use crate::subject::{OTHER_MODEL, Subject, of_each_run};

/// How often a step is hit, at most, before it may come to its end.
const LIVES: u64 = 3;

/// Sends the signal `name`, as a shell does.
fn signal(process: &mut Child, name: &str) {
    if name == "KILL" {
        // Without the time that another program takes to start.
        process.kill().unwrap();
    } else if process.try_wait().unwrap().is_none() {
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).output();
        // It may have ended meanwhile.
        let _ = sent.unwrap();
    }
}

/// Hits every step in turn with the signal `name` until `count` of them were stopped by it.
fn strike_steps(fault: &'static str, name: &str, count: u32) {
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    let subjects = STEPS.map(|step| {
        let subject = Subject::new();
        let time = subject.time_of(step);
        // Each has a project of its own: a report says what is in manifests, times among it, so these must not be made anew.
        (step, subject, time)
    });
    let mut turn = subjects.iter().cycle();
    while tally.of_kind("stopped") < count {
        let (step, subject, (until_work, time)) = turn.next().unwrap();
        let (step, earlier) = (*step, draw.coin());
        subject.prepare(step, earlier);
        for _ in 0..=draw.below(LIVES) {
            let mut process = subject.start(step, earlier);
            // Before it begins to write there is little to hit. At the end a result takes the place of the one before.
            std::thread::sleep(draw.between(*until_work / 2, *time * 21 / 20));
            signal(&mut process, name);
            let ending = Ending::of(process);
            assert!(!matches!(ending, Ending::Refused(_)), "{step:?}: {ending:?}");
            tally.count(&ending);
            subject.assert_whole(step, earlier);
        }
        subject.assert_recovers(step);
    }
}

#[test]
fn killed_at_any_moment() {
    strike_steps("SIGKILL", "KILL", times(20));
}

#[test]
fn terminated_at_any_moment() {
    strike_steps("SIGTERM", "TERM", times(6));
}

#[test]
fn interrupted_at_any_moment() {
    strike_steps("SIGINT (Ctrl-C)", "INT", times(6));
}

/// Two runs on one dataset at the same time, as `scripts/pipeline -j2` has them, each killed again and again.
#[test]
fn two_runs_killed_side_by_side() {
    let fault = "SIGKILL, two runs at once";
    let tally = std::sync::Mutex::new(Tally::of(fault));
    let subject = Subject::new();
    let other = subject.study.beside(OTHER_MODEL);
    let times_of = Step::stages().map(|stage| subject.time_of(Step::Stage(stage)).1).max().unwrap();
    for _ in 0..times(1) {
        for study in [&subject.study, &other] {
            std::fs::remove_dir_all(study.run().path()).unwrap();
        }
        let chain = |study: &Study, mut draw: Draw| {
            for stage in Step::stages().filter(|stage| of_each_run(*stage)) {
                let mut kills = draw.below(3);
                loop {
                    let mut process = Step::Stage(stage).command(study, false).spawn().unwrap();
                    if kills > 0 {
                        kills -= 1;
                        std::thread::sleep(draw.between(std::time::Duration::ZERO, times_of));
                        process.kill().unwrap();
                    }
                    let ending = Ending::of(process);
                    assert!(!matches!(ending, Ending::Refused(_)), "{stage}: {ending:?}");
                    tally.lock().unwrap().count(&ending);
                    if matches!(ending, Ending::Done) {
                        break;
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| chain(&subject.study, Draw::of("one")));
            scope.spawn(|| chain(&other, Draw::of("other")));
        });
        // Once more, so that what a kill left beside a whole result is cleared away.
        for study in [&subject.study, &other] {
            study.run_stages(&Stage::of_a_trained_run().collect::<Vec<_>>());
        }
        subject.assert_as_expected();
    }
}
