//! A verification as lines for people.

use run_store::{ContentHash, file, one_line};

use crate::text::counted;
use crate::verify::{Finding, FindingKind, Verification, VerifiedRun};

impl Verification {
    /// A line for each run that is as recorded; for others what does not hold, and what to run.
    #[must_use]
    pub fn terminal(&self) -> String {
        self.runs.iter().map(VerifiedRun::lines).collect()
    }
}

impl VerifiedRun {
    fn lines(&self) -> String {
        let mut counts = vec![counted(self.stage_count, "stage")];
        counts.extend((self.variant_count > 0).then(|| counted(self.variant_count, "variant")));
        counts.extend([counted(self.file_count, "file"), size(self.byte_count)]);
        let verdict = match self.findings.len() {
            0 => "as recorded".to_owned(),
            1 => "1 thing does not hold".to_owned(),
            count => format!("{count} things do not hold"),
        };
        let gone = match self.gone_input_count {
            0 => String::new(),
            1 => "; 1 input is no longer where it was read".to_owned(),
            count => format!("; {count} inputs are no longer where they were read"),
        };
        let path = one_line(&self.path.display().to_string());
        let mut lines = format!("{path}: {}: {verdict}{gone}\n", counts.join(", "));
        for finding in &self.findings {
            lines += &format!("  {}\n", one_line(&finding.text()));
        }
        let mut commands: Vec<&String> = self.findings.iter().filter_map(|finding| finding.command.as_ref()).collect();
        commands.dedup();
        if !commands.is_empty() {
            lines += "  run again, with the options it had:\n";
        }
        for command in commands {
            lines += &format!("    {}\n", one_line(command));
        }
        lines
    }
}

impl Finding {
    /// The finding in a sentence.
    fn text(&self) -> String {
        let Self { stage, file, .. } = self;
        let short = |content: &Option<ContentHash>| content.as_ref().map_or("nothing", ContentHash::short).to_owned();
        let (expected, found) = (short(&self.expected), short(&self.found));
        let problem = self.problem.as_deref().unwrap_or("no reason known");
        match self.kind {
            FindingKind::Changed => {
                let found = if self.found.is_some() { found.as_str() } else { problem };
                format!("{stage}/{file} changed: expected content {expected}, found {found}")
            }
            FindingKind::Missing => format!("{stage}/{file} is missing"),
            FindingKind::Unrecorded => format!("{stage}/{file} is in no manifest: no stage wrote it; move it away"),
            FindingKind::Unreadable => format!("{stage} cannot be read: {problem}"),
            FindingKind::Unfinished => format!("{stage} is unfinished: it has no {file}"),
            FindingKind::Misplaced => format!("{stage}/{file} is that of {problem}: the folder was copied or renamed"),
            FindingKind::Edited => {
                format!("{stage}/{file} was edited: its fingerprint is not that of its parameters and inputs")
            }
            FindingKind::InputReplaced => {
                format!("{stage} is outdated: its input {file} was {expected} when it was read, and is {found} now")
            }
            FindingKind::InputChanged => format!(
                "{file}, which {stage} read, changed: expected content {expected}, as the {} beside it says, found {found}",
                file::MANIFEST
            ),
        }
    }
}

/// A length as people read it.
pub(super) fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        _ if bytes < 1e6 => format!("{:.0} kB", (bytes / 1e3).ceil()),
        _ if bytes < 1e7 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.0} MB", bytes / 1e6),
    }
}
