//! Clocks that jump: files dated in a time to come, or long ago.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use pipeline_tests::{edit_manifest, said};

use crate::campaign::{Draw, Tally, times};
use crate::ending::Ending;
use crate::step::Step;
use crate::subject::Subject;

/// Dates everything below `folder`.
fn date(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            date(&path, time);
        }
        File::open(path).unwrap().set_modified(time).unwrap();
    }
}

#[test]
fn files_of_another_time() {
    let fault = "clock years ahead or behind";
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    let ahead = SystemTime::now() + Duration::from_secs(70 * 365 * 86_400);
    let subject = Subject::new();
    let dates = [(ahead, "2096-01-01T00:00:00Z"), (SystemTime::UNIX_EPOCH, "1970-01-01T00:00:00Z")];
    for stage in Step::stages() {
        let step = Step::Stage(stage);
        let (until_work, whole) = subject.time_of(step);
        for (time, started) in dates {
            edit_manifest(&subject.study.dir(stage), |manifest| manifest["started"] = started.into());
            date(subject.study.path(), time);
            said(subject.study.command(stage), "up to date");
            // What a kill left is of that time too: a lock, work, checkpoints.
            for _ in 0..times(1) {
                let mut process = subject.start(step, true);
                std::thread::sleep(draw.between(until_work, whole * 21 / 20));
                process.kill().unwrap();
                tally.count(&Ending::of(process));
                date(subject.study.path(), time);
                subject.assert_recovers(step);
            }
        }
    }
}
