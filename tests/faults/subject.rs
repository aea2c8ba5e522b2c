//! A project that has been through every step, to be hurt and looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pipeline_tests::{Study, Tree, leftovers};
use run_store::{FinishedStage, ModelKind, Stage, file};

use crate::ending::Ending;
use crate::step::{STEPS, Step};

/// The model of the run that is hurt, and of one beside it.
const MODEL: ModelKind = ModelKind::Ae;
pub const OTHER_MODEL: ModelKind = ModelKind::Cae;

/// A copy of the project.
pub struct Subject {
    pub study: Study,
    expected: Tree,
}

/// The project, undisturbed: two runs, one of them refined too, and what is reported of it.
fn whole() -> &'static Tree {
    static WHOLE: OnceLock<Tree> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let study = Study::finished(MODEL);
        let other = study.beside(OTHER_MODEL);
        other.run_stages(&Step::stages().filter(|stage| of_each_run(*stage)).collect::<Vec<_>>());
        for step in STEPS.into_iter().filter(|step| !matches!(step, Step::Stage(stage) if *stage != Stage::AeRefine)) {
            let ending = Ending::of(step.command(&study, false).spawn().unwrap());
            assert!(matches!(ending, Ending::Done), "{step:?}: {ending:?}");
        }
        Tree::read(study.path())
    })
}

/// Whether a trained run has a folder of `stage`.
pub fn of_each_run(stage: Stage) -> bool {
    Stage::of_a_trained_run().any(|other| other == stage)
}

impl Subject {
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// One whose project lies somewhere below `folder`.
    pub fn below(folder: &Path) -> Self {
        Self { study: Study::holding(whole(), folder, MODEL), expected: whole().clone().results() }
    }

    /// Removes what `step` made, if it is not to find an `earlier` result.
    pub fn prepare(&self, step: Step, earlier: bool) {
        for path in step.products(&self.study).into_iter().filter(|_| !earlier) {
            remove(&path);
        }
    }

    pub fn start(&self, step: Step, forced: bool) -> Child {
        step.command(&self.study, forced).spawn().unwrap()
    }

    /// How long `step` takes until it begins to write, and in all.
    pub fn time_of(&self, step: Step) -> (Duration, Duration) {
        let began = Instant::now();
        let mut process = self.start(step, true);
        let mut until_work = None;
        while process.try_wait().unwrap().is_none() {
            if until_work.is_none() && self.is_at_work(step) {
                until_work = Some(began.elapsed());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        assert!(matches!(Ending::of(process), Ending::Done), "{step:?}");
        (until_work.unwrap_or_default(), began.elapsed())
    }

    /// Waits until `process` begins to write, or ends.
    pub fn wait_for_work(&self, step: Step, process: &mut Child) {
        while !self.is_at_work(step) && process.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn is_at_work(&self, step: Step) -> bool {
        step.products(&self.study).iter().any(|path| !leftovers(path.parent().unwrap()).is_empty())
    }

    /// Checks that all results are as they were, but for that of `step` if it had none: that is whole, or not there.
    #[track_caller]
    pub fn assert_whole(&self, step: Step, earlier: bool) {
        let products = step.products(&self.study);
        let found = Tree::read(self.study.path()).results();
        let differing = self.expected.differences(&found).into_iter().map(|path| self.study.path().join(path));
        let is_missing = |path: &PathBuf| !path.exists() && products.iter().any(|product| path.starts_with(product));
        let differing: Vec<PathBuf> = differing.filter(|path| earlier || !is_missing(path)).collect();
        assert!(differing.is_empty(), "{step:?} left other files: {differing:?}");
        if let (Step::Stage(_), [folder]) = (step, products.as_slice()) {
            assert_eq!(folder.exists(), folder.join(file::MANIFEST).exists(), "{step:?} left half a result");
        }
        // What is there is what its manifest says.
        if let (Step::Stage(stage), true) = (step, products.iter().all(|folder| folder.exists())) {
            let finished = FinishedStage::open(self.study.dir(stage)).unwrap();
            finished.manifest().outputs.keys().for_each(|name| drop(finished.file(name).unwrap()));
        }
    }

    /// Checks that the next start of `step` ends well, as if nothing had happened, and clears away what was left.
    #[track_caller]
    pub fn assert_recovers(&self, step: Step) {
        let ending = Ending::of(self.start(step, false));
        assert!(matches!(ending, Ending::Done), "{step:?} does not start again: {ending:?}");
        self.assert_as_expected();
    }

    /// Checks that every result is there and no litter beside it.
    #[track_caller]
    pub fn assert_as_expected(&self) {
        let differing = self.expected.differences(&Tree::read(self.study.path()).results());
        assert!(differing.is_empty(), "not as in an undisturbed project: {differing:?}");
        assert_eq!(litter(self.study.path()), Vec::<PathBuf>::new());
    }
}

/// Removes a file or a folder, if it is there.
pub fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

/// Everything below `folder` that is hidden and no lock.
pub fn litter(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = leftovers(folder).into_iter().map(|name| folder.join(name)).collect();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !found.contains(&path) {
            found.extend(litter(&path));
        }
    }
    found
}
