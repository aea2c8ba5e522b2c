//! Disks that are full, and files that may not grow.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pipeline_tests::Tree;

use crate::campaign::{Draw, Tally, not_tried, times};
use crate::ending::Ending;
use crate::step::{STEPS, Step};
use crate::subject::{Subject, litter};

/// What a disk holds: the project several times over.
const DISK_BYTES: u64 = 256 << 20;

/// A small file system of its own, in memory.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// None where this user may mount none.
    fn mounted() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_BYTES}");
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path());
        let is_mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        is_mounted.then_some(Self { folder })
    }

    fn filler(&self) -> PathBuf {
        self.folder.path().join("filler")
    }

    /// Leaves `room` bytes free, rounded up to whole blocks.
    fn fill_but(&self, room: u64) {
        let mut file = File::create(self.filler()).unwrap();
        for piece in [1 << 20, 1 << 12] {
            while file.write_all(&vec![0; piece]).is_ok() {}
        }
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(room)).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

/// The lengths of the files that `step` made.
fn lengths(subject: &Subject, step: Step) -> Vec<u64> {
    let files = step.products(&subject.study).into_iter().flat_map(|path| match path.is_dir() {
        true => Tree::read(&path).paths().map(|below| path.join(below)).collect(),
        false => vec![path],
    });
    files.map(|path| fs::metadata(path).unwrap().len()).collect()
}

/// Checks what a step left that found no room.
#[track_caller]
fn assert_clean(subject: &Subject, step: Step, earlier: bool, ending: &Ending) {
    subject.assert_whole(step, earlier);
    // A training keeps its checkpoints to go on from, and nothing else.
    let is_kept = |path: &PathBuf| matches!(step, Step::Stage(stage) if stage.is_resumable() && path.ends_with(format!(".{stage}.partial")));
    let left: Vec<PathBuf> = litter(subject.study.path()).into_iter().filter(|path| !is_kept(path)).collect();
    assert!(left.is_empty(), "{step:?}, {ending:?}, left {left:?}");
}

#[test]
fn a_full_disk() {
    let fault = "disk full";
    let Some(disk) = Disk::mounted() else {
        return not_tried(fault, "this user may mount no small disk");
    };
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    for step in STEPS {
        let subject = Subject::below(disk.folder.path());
        let bytes: u64 = lengths(&subject, step).iter().sum();
        for _ in 0..times(2) {
            let earlier = draw.coin();
            subject.prepare(step, earlier);
            disk.fill_but(draw.below(2 * bytes));
            let ending = Ending::of(subject.start(step, earlier));
            assert_clean(&subject, step, earlier, &ending);
            tally.count(&ending);
            disk.empty();
            subject.assert_recovers(step);
        }
    }
}

/// `command`, none of whose files may grow beyond `bytes`: a write then fails as on a full disk, where it reaches that length.
fn limited(command: &Command, bytes: u64) -> Command {
    let mut limited = Command::new("sh");
    // Blocks of 512 bytes; in some shells of 1024.
    let blocks = (bytes / 512).to_string();
    limited.args(["-c", "trap '' XFSZ; ulimit -f $0; exec \"$@\"", &blocks]).arg(command.get_program());
    limited.args(command.get_args()).current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
    limited.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    limited
}

#[test]
fn files_that_may_not_grow() {
    let fault = "file too large";
    let (mut tally, mut draw) = (Tally::of(fault), Draw::of(fault));
    for step in STEPS {
        let subject = Subject::new();
        let longest = lengths(&subject, step).into_iter().max().unwrap_or(0);
        for _ in 0..times(1) {
            let earlier = draw.coin();
            subject.prepare(step, earlier);
            let command = step.command(&subject.study, earlier);
            let ending = Ending::of(limited(&command, draw.below(longest)).spawn().unwrap());
            assert_clean(&subject, step, earlier, &ending);
            tally.count(&ending);
            subject.assert_recovers(step);
        }
    }
}
