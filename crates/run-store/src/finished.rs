//! What earlier stages left, and files from outside: everything that a stage reads goes through here.

use std::path::{Path, PathBuf};

use crate::document::read_document;
use crate::error::{Result, StoreError};
use crate::hash::{ContentHash, hash_file};
use crate::layout::{RunDir, Stage, StageDir, file, input, prepared_dataset};
use crate::manifest::Manifest;
use crate::metrics::{RefineMetrics, TrainMetrics};
use crate::opened::is_there;

/// A stage folder whose manifest was read: the only door to another stage's outputs.
#[derive(Clone, Debug)]
pub struct FinishedStage {
    dir: StageDir,
    manifest: Manifest,
}

impl FinishedStage {
    /// Opens the finished folder `dir`.
    ///
    /// # Errors
    /// The stage has not run to its end, or its manifest cannot be read, or is another stage's.
    pub fn open(dir: StageDir) -> Result<Self> {
        crate::work::recover(&dir)?;
        let path = dir.file(file::MANIFEST);
        if !is_there(&path)? {
            return Err(StoreError::Missing { path, advice: format!("run `{}` first", dir.command()) });
        }
        let manifest: Manifest = read_document(&path)?;
        if manifest.stage != dir.stage() {
            let problem = format!("expected the manifest of {}, found that of {}", dir.stage(), manifest.stage);
            return Err(StoreError::invalid(&path, problem, remake(&dir)));
        }
        Ok(Self { dir, manifest })
    }

    /// The run that the folder is in.
    #[must_use]
    pub fn run_dir(&self) -> RunDir {
        RunDir::new(self.dir.run())
    }

    /// The folder's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// One of the folder's files that a stage leaves of some models only, as [`file`](Self::file) gives it; none where the manifest
    /// lists none.
    ///
    /// # Errors
    /// Likewise.
    pub fn file_if_any(&self, name: &str) -> Result<Option<VerifiedFile>> {
        self.manifest.outputs.contains_key(name).then(|| self.file(name)).transpose()
    }

    /// One of the folder's files, its content checked against the manifest.
    ///
    /// # Errors
    /// The file is missing, unreadable, or not as it was written.
    pub fn file(&self, name: &str) -> Result<VerifiedFile> {
        let path = self.dir.file(name);
        let advice = || remake(&self.dir);
        let Some(record) = self.manifest.outputs.get(name) else {
            let problem = format!("expected `{name}` among the outputs, found it not listed");
            return Err(StoreError::invalid(&self.dir.file(file::MANIFEST), problem, advice()));
        };
        if !is_there(&path)? {
            return Err(StoreError::Missing { path, advice: advice() });
        }
        match record.hash_at(&path)? {
            Ok(hash) => Ok(VerifiedFile { path, hash }),
            Err(found) => {
                let problem = format!("expected content {} as its manifest says, found {found}", record.blake3.short());
                Err(StoreError::invalid(&path, problem, advice()))
            }
        }
    }

    /// The prepared dataset that the stage read, or the one that is `given` in its place. A run may have been moved away from its
    /// dataset: then one of the same name and content serves, where the project keeps them.
    ///
    /// # Errors
    /// There is none, or none of that content where none is given.
    pub fn dataset(&self, given: Option<&RunDir>) -> Result<Self> {
        let Some(data) = given.cloned().or_else(|| self.source_run(input::DATASET)) else {
            let problem = "expected to be told which dataset the run was trained on, found no such input";
            let advice = format!("run `{} --force`, or say where one is with --data", self.dir.command());
            return Err(StoreError::invalid(&self.dir.file(file::MANIFEST), problem, advice));
        };
        let opened = Self::open(data.stage(Stage::MnistData, None));
        if given.is_some() || opened.as_ref().is_ok_and(|found| self.read_dataset(found)) {
            return opened;
        }
        match (opened, self.same_dataset(&data.name())) {
            (Ok(_) | Err(StoreError::Missing { .. }), Some(same)) => Ok(same),
            (Ok(found), None) => Err(self.another_dataset(&found)),
            (error, _) => error,
        }
    }

    /// The prepared dataset `name` of the project, if it is the one that the stage read.
    fn same_dataset(&self, name: &str) -> Option<Self> {
        let found = Self::open(prepared_dataset(name).stage(Stage::MnistData, None)).ok()?;
        self.read_dataset(&found).then_some(found)
    }

    /// That `found` is not the dataset that the stage read.
    fn another_dataset(&self, found: &Self) -> StoreError {
        let short = |content: Option<&ContentHash>| content.map_or("none", ContentHash::short).to_owned();
        let problem = format!(
            "expected the dataset that {} read, {}, found {}",
            self.dir.stage(),
            short(self.manifest.inputs.get(input::DATASET).map(|input| &input.blake3)),
            short(found.manifest.outputs.get(file::DATASET).map(|output| &output.blake3))
        );
        let advice = format!("bring that dataset back, or {}", remake(&self.dir));
        StoreError::invalid(&found.dir.file(file::DATASET), problem, advice)
    }

    /// Whether the prepared dataset `found` is the one that the stage read.
    fn read_dataset(&self, found: &Self) -> bool {
        let content = found.manifest.outputs.get(file::DATASET).map(|output| &output.blake3);
        content.is_some() && content == self.manifest.inputs.get(input::DATASET).map(|input| &input.blake3)
    }

    /// Of a stage that gives a run its model: the first of the training images that this, or what it was refined from, learnt from.
    ///
    /// # Errors
    /// Its figures cannot be read.
    pub fn seen_count(&self) -> Result<u32> {
        let metrics = self.file(file::METRICS)?;
        if self.dir.stage() == Stage::AeRefine {
            let refined: RefineMetrics = read_document(metrics.path())?;
            return Ok(refined.seen_count.unwrap_or(refined.training.train_count));
        }
        Ok(read_document::<TrainMetrics>(metrics.path())?.train_count)
    }

    /// The run that the input `name` was read from, if it came from one.
    #[must_use]
    pub fn source_run(&self, name: &str) -> Option<RunDir> {
        let input = self.manifest.inputs.get(name)?;
        let path = self.dir.run().join(&input.path);
        // The manifest may be anybody's. What it says leads to other runs, and to nothing else.
        let folder = path.parent()?.file_name()?.to_str()?;
        let stage = folder.split_once('@').map_or(folder, |(stage, _)| stage);
        Stage::ALL.iter().any(|known| known.name() == stage).then(|| RunDir::of_file(&path))?
    }
}

/// How to make the folder `dir` again. Its command alone would make another, by the stage's defaults.
fn remake(dir: &StageDir) -> String {
    format!("run `{} --force`, with the options it had, to make it again", dir.command())
}

/// A file whose content is known.
#[derive(Clone, Debug)]
pub struct VerifiedFile {
    pub(crate) path: PathBuf,
    pub(crate) hash: ContentHash,
}

impl VerifiedFile {
    /// A file from outside any run, taken as it is.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn external(path: &Path) -> Result<Self> {
        let (hash, _) = hash_file(path)?;
        Ok(Self { path: path.to_owned(), hash })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content.
    #[must_use]
    pub fn hash(&self) -> &ContentHash {
        &self.hash
    }
}
