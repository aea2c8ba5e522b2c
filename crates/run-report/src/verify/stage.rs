//! One stage folder against its manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use run_store::{ContentHash, FileRecord, InputRecord, Manifest, RunDir, StageDir, StoreError, file, read_document};

use crate::text::full;
use crate::verify::{Contents, Finding, FindingKind, VerifiedRun};

impl Finding {
    fn new(kind: FindingKind, dir: &StageDir, file: &str) -> Self {
        let command = match kind {
            FindingKind::Unrecorded => None,
            FindingKind::Unreadable | FindingKind::Misplaced => Some(format!("{} --force", dir.command())),
            _ => Some(dir.command()),
        };
        let (stage, file) = (dir.name(), file.to_owned());
        Self { kind, stage, file, expected: None, found: None, problem: None, command }
    }

    fn expected(self, content: &ContentHash) -> Self {
        Self { expected: Some(content.clone()), ..self }
    }

    fn found(self, content: ContentHash) -> Self {
        Self { found: Some(content), ..self }
    }

    fn problem(self, problem: impl ToString) -> Self {
        Self { problem: Some(problem.to_string()), ..self }
    }
}

impl VerifiedRun {
    /// Adds what is to be said of the folder `dir`.
    pub(super) fn check(&mut self, dir: &StageDir, contents: &mut Contents) {
        let path = dir.file(file::MANIFEST);
        if !path.exists() {
            return self.findings.push(Finding::new(FindingKind::Unfinished, dir, file::MANIFEST));
        }
        let manifest: Manifest = match read_document(&path) {
            Ok(manifest) => manifest,
            Err(error) => {
                let finding = Finding::new(FindingKind::Unreadable, dir, file::MANIFEST);
                return self.findings.push(finding.problem(full(&error)));
            }
        };
        if (manifest.stage, manifest.tag.as_deref()) != (dir.stage(), dir.tag()) {
            let tag = manifest.tag.as_ref().map_or_else(String::new, |tag| format!("@{tag}"));
            let finding = Finding::new(FindingKind::Misplaced, dir, file::MANIFEST);
            self.findings.push(finding.problem(format!("{}{tag}", manifest.stage)));
        }
        if !manifest.has_its_fingerprint() {
            self.findings.push(Finding::new(FindingKind::Edited, dir, file::MANIFEST));
        }
        for (name, record) in &manifest.outputs {
            self.file_count += 1;
            self.check_output(dir, name, record, contents);
        }
        match names(&dir.path()) {
            Ok(names) => {
                let is_known = |name: &&String| *name == file::MANIFEST || manifest.outputs.contains_key(*name);
                let unrecorded = names.iter().filter(|name| !is_known(name));
                self.findings.extend(unrecorded.map(|name| Finding::new(FindingKind::Unrecorded, dir, name)));
            }
            Err(error) => self.findings.push(Finding::new(FindingKind::Unreadable, dir, "").problem(full(&error))),
        }
        for input in manifest.inputs.values() {
            self.check_input(dir, input, contents);
        }
    }

    fn check_output(&mut self, dir: &StageDir, name: &str, record: &FileRecord, contents: &mut Contents) {
        let path = dir.file(name);
        if !path.exists() {
            return self.findings.push(Finding::new(FindingKind::Missing, dir, name));
        }
        let changed = || Finding::new(FindingKind::Changed, dir, name);
        let outcome = record.mismatch_at(&path).and_then(|mismatch| match mismatch {
            Some(mismatch) => Ok(Some(changed().expected(&record.blake3).problem(mismatch))),
            None => {
                let (found, bytes) = contents.of(&path)?;
                self.byte_count += bytes;
                Ok((found != record.blake3).then(|| changed().expected(&record.blake3).found(found)))
            }
        });
        match outcome {
            Ok(finding) => self.findings.extend(finding),
            Err(error) => self.findings.push(Finding::new(FindingKind::Unreadable, dir, name).problem(full(&error))),
        }
    }

    fn check_input(&mut self, dir: &StageDir, input: &InputRecord, contents: &mut Contents) {
        let path = dir.run().join(&input.path);
        if !path.exists() {
            self.gone_input_count += 1;
            return;
        }
        let name = input.path.display().to_string();
        let (found, _) = match contents.of(&path) {
            Ok(content) => content,
            Err(error) => {
                return self.findings.push(Finding::new(FindingKind::Unreadable, dir, &name).problem(full(&error)));
            }
        };
        if found == input.blake3 {
            return;
        }
        let damaged = producer(&path, contents).filter(|producer| producer.content == input.blake3);
        let finding = match damaged {
            // Said of the stage that wrote it, or of another one that read it.
            Some(_) if is_of_run(&input.path) || self.is_known_to_have_changed(&name) => return,
            Some(producer) => {
                Finding { command: Some(producer.command), ..Finding::new(FindingKind::InputChanged, dir, &name) }
            }
            None => Finding::new(FindingKind::InputReplaced, dir, &name),
        };
        self.findings.push(finding.expected(&input.blake3).found(found));
    }

    fn is_known_to_have_changed(&self, input: &str) -> bool {
        self.findings.iter().any(|finding| finding.kind == FindingKind::InputChanged && finding.file == input)
    }
}

/// What wrote a file.
struct Producer {
    /// The content that it wrote.
    content: ContentHash,
    /// The command that writes it again.
    command: String,
}

/// What wrote the file at `path`, if there is a manifest beside it that knows it.
fn producer(path: &Path, contents: &mut Contents) -> Option<Producer> {
    let manifest = contents.manifest(path.parent()?)?;
    let content = manifest.outputs.get(path.file_name()?.to_str()?)?.blake3.clone();
    let command = RunDir::of_file(path)?.stage(manifest.stage, manifest.tag.as_deref()).command();
    Some(Producer { content, command })
}

/// Whether an input lies in the run itself, as `stage/file`.
fn is_of_run(path: &Path) -> bool {
    path.components().all(|component| matches!(component, Component::Normal(_)))
}

/// Every file below `folder`, by its path there, in order. A link is a file: what it leads to lies elsewhere.
fn names(folder: &Path) -> Result<BTreeSet<String>, StoreError> {
    let mut names = BTreeSet::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        let unreadable = || StoreError::io("read", &folder);
        for entry in fs::read_dir(&folder).map_err(unreadable())? {
            let entry = entry.map_err(unreadable())?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(unreadable())?.is_dir() {
                waiting.push((entry.path(), format!("{name}/")));
            } else {
                names.insert(name);
            }
        }
    }
    Ok(names)
}
