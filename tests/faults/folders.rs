//! Run folders that vanish, give way to others, or can no longer be written, while a stage is at work in them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use pipeline_tests::{FileStates, Tree};

use crate::campaign::{Draw, Tally, not_tried, times};
use crate::ending::Ending;
use crate::step::Step;
use crate::subject::{Subject, remove};

/// Starts every stage in turn, `count` times, and has `hurt` do something to the folder of its run when it is at work; what
/// `prepare` made before is there for it.
fn at_work<T>(fault: &'static str, count: u32, prepare: impl Fn(&Path) -> T, hurt: impl Fn(&Path, T, Child) -> Ending) {
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    for stage in Step::stages() {
        let (subject, step) = (Subject::new(), Step::Stage(stage));
        let run = subject.study.dir(stage).run().to_owned();
        let (until_work, time) = subject.time_of(step);
        for _ in 0..count {
            let earlier = draw.coin();
            subject.prepare(step, earlier);
            let prepared = prepare(&run);
            let mut process = subject.start(step, earlier);
            subject.wait_for_work(step, &mut process);
            std::thread::sleep(draw.between(Duration::ZERO, time.saturating_sub(until_work) / 2));
            tally.count(&hurt(&run, prepared, process));
            subject.assert_whole(step, earlier);
            subject.assert_recovers(step);
        }
    }
}

fn beside(run: &Path, purpose: &str) -> PathBuf {
    run.with_extension(purpose)
}

#[test]
fn a_run_deleted_under_a_stage() {
    let prepare = |run: &Path| Tree::read(run).results_and_manifests();
    at_work("run deleted", times(1), prepare, |run, copy, process| {
        // In one step, which its files then follow.
        let away = beside(run, "away");
        fs::rename(run, &away).unwrap();
        remove(&away);
        let ending = Ending::of(process);
        assert!(!run.exists(), "{} came back: {ending:?}", run.display());
        copy.write(run);
        ending
    });
}

#[test]
fn a_run_that_gives_way_to_another() {
    // One with the same files, so that nothing but the folder tells the two apart.
    let prepare = |run: &Path| {
        let stand_in = beside(run, "other");
        // Before the first stage there is nothing in it.
        fs::create_dir_all(&stand_in).unwrap();
        Tree::read(run).results_and_manifests().write(&stand_in);
        stand_in
    };
    at_work("run swapped", times(1), prepare, |run, stand_in, process| {
        let away = beside(run, "away");
        fs::rename(run, &away).unwrap();
        fs::rename(&stand_in, run).unwrap();
        let states = FileStates::of(run);
        let ending = Ending::of(process);
        states.assert_untouched();
        remove(run);
        fs::rename(&away, run).unwrap();
        ending
    });
}

/// A folder in which nothing can be made, renamed or removed while this lives.
struct Frozen<'a>(&'a Path);

impl<'a> Frozen<'a> {
    /// None where nothing keeps this user from writing.
    fn new(folder: &'a Path) -> Option<Self> {
        let frozen = Self(folder);
        let allows = || {
            let probe = folder.join("probe");
            fs::write(&probe, "").is_ok_and(|()| fs::remove_file(probe).is_ok())
        };
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        if allows() {
            // Permissions mean nothing to root.
            let _ = Command::new("chattr").arg("+i").arg(folder).output();
        }
        (!allows()).then_some(frozen)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg("-i").arg(self.0).output();
        let _ = fs::set_permissions(self.0, fs::Permissions::from_mode(0o755));
    }
}

#[test]
fn a_run_that_can_no_longer_be_written() {
    let fault = "run unwritable";
    let folder = tempfile::tempdir().unwrap();
    if Frozen::new(folder.path()).is_none() {
        return not_tried(fault, "nothing keeps this user from writing");
    }
    at_work(
        fault,
        times(1),
        |_| (),
        |run, (), process| {
            let frozen = Frozen::new(run).unwrap();
            let ending = Ending::of(process);
            drop(frozen);
            ending
        },
    );
}
