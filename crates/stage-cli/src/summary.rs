//! What a stage says at its end.

use run_store::{Document, StageDir, file, read_document};
use serde_json::{Value, json};

use crate::execute::Outcome;

/// A stage's result, for people and for scripts.
#[derive(Debug)]
pub struct Summary {
    /// `run/stage`.
    pub name: String,
    /// What happened.
    pub outcome: Outcome,
    /// Figures worth reading, as name and value.
    pub figures: Vec<(String, String)>,
    /// The stage's metrics, whole.
    pub metrics: Value,
}

impl Summary {
    /// The summary of the stage in `dir`, with `figures` of the metrics on disk, if there are any yet.
    ///
    /// # Errors
    /// The metrics cannot be read.
    pub fn of_stage<M: Document>(
        dir: &StageDir,
        outcome: Outcome,
        figures: impl FnOnce(&M) -> Vec<(String, String)>,
    ) -> anyhow::Result<Self> {
        let name = dir.title();
        if !outcome.is_finished() {
            return Ok(Self { name, outcome, figures: Vec::new(), metrics: Value::Null });
        }
        let metrics: M = read_document(&dir.file(file::METRICS))?;
        let figures = figures(&metrics);
        Ok(Self { name, outcome, figures, metrics: serde_json::to_value(&metrics)? })
    }

    /// The summary of the stage in `dir`, which has no metrics of its own, only `figures` of what it left, if anything yet.
    #[must_use]
    pub fn of_files(dir: &StageDir, outcome: Outcome, figures: Vec<(String, String)>) -> Self {
        let figures = if outcome.is_finished() { figures } else { Vec::new() };
        Self { name: dir.title(), outcome, figures, metrics: Value::Null }
    }

    /// One line on what happened, then the figures.
    #[must_use]
    pub fn text(&self) -> String {
        let width = self.figures.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let figures = self.figures.iter().map(|(name, value)| format!("\n  {name:<width$}  {value}"));
        format!("{}: {}", self.name, self.outcome.text()) + &figures.collect::<String>()
    }

    /// The same for scripts.
    #[must_use]
    pub fn json(&self) -> Value {
        let (outcome, reason, manifest) = match &self.outcome {
            Outcome::UpToDate(manifest) => ("up_to_date", None, Some(manifest)),
            Outcome::WouldRun(reason, _) => ("would_run", Some(reason.to_string()), None),
            Outcome::Done(manifest) => ("done", Some(manifest.reason.clone()), Some(manifest)),
        };
        let parameters = match &self.outcome {
            Outcome::WouldRun(_, parameters) => parameters,
            Outcome::UpToDate(manifest) | Outcome::Done(manifest) => &manifest.parameters,
        };
        json!({
            "name": self.name,
            "outcome": outcome,
            "reason": reason,
            "parameters": parameters,
            "fingerprint": manifest.map(|manifest| &manifest.fingerprint),
            "seconds": manifest.map(|manifest| manifest.seconds),
            "peak_memory_mib": manifest.and_then(|manifest| manifest.peak_memory_mib),
            "metrics": self.metrics,
        })
    }
}

/// A share in [0, 1] as a percentage.
#[must_use]
pub fn percent(share: f64) -> String {
    per_cent(share, 2) + " %"
}

/// A `share` in [0, 1] in per cent, with so many digits after the point; with more where these would say all or none of it, and it
/// is neither.
#[must_use]
pub fn per_cent(share: f64, decimals: u8) -> String {
    /// Of images nobody has so many that a share of them takes more.
    const MOST_DECIMALS: u8 = 15;
    let text = |decimals: u8| format!("{:.*}", usize::from(decimals), 100.0 * share);
    let says_all_or_none = |decimals: u8| text(decimals).parse::<f64>().is_ok_and(|read| read == 0.0 || read == 100.0);
    let is_part = share > 0.0 && share < 1.0;
    let longer = (decimals..MOST_DECIMALS).find(|decimals| !(is_part && says_all_or_none(*decimals)));
    text(longer.unwrap_or(MOST_DECIMALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_neither_all_nor_none() {
        let texts = |share: f64| [per_cent(share, 1), per_cent(share, 2)];
        assert_eq!(texts(0.528), ["52.8", "52.80"]);
        assert_eq!(texts(0.0), ["0.0", "0.00"]);
        assert_eq!(texts(1.0), ["100.0", "100.00"]);
        assert_eq!(texts(0.9996), ["99.96", "99.96"]);
        assert_eq!(texts(0.999_99), ["99.999", "99.999"]);
        assert_eq!(texts(0.0004), ["0.04", "0.04"]);
        assert_eq!(texts(1.0 / 60_000.0), ["0.002", "0.002"]);
        assert!(per_cent(1e-300, 1).starts_with("0.") && per_cent(f64::NAN, 1) == "NaN");
        assert_eq!(percent(0.9996), "99.96 %");
    }
}
