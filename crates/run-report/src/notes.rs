//! What a reader has to know below the tables: what the signs mean, and what is missing.

use std::collections::BTreeMap;

use run_store::{ReconstructionMetrics, Stage};
use stage_cli::per_cent;

use crate::blocks::{ABOVE, BELOW, MISSING, REMARK, UNREADABLE};
use crate::compare::Comparison;
use crate::figure::Figure;
use crate::stage::{StageRecord, StageState};
use crate::summary::{Compared, RunSummary, Summary};

/// Something that keeps a run from being whole.
#[derive(Debug)]
pub(crate) struct Problem {
    pub text: String,
    /// What to run, in order.
    pub commands: Vec<String>,
}

/// The words and signs of the tables, each only if it occurs.
pub(crate) fn legend(summary: &Summary) -> Vec<String> {
    let compared = || {
        let runs = summary.runs.iter().flat_map(|run| &run.figures);
        runs.chain(summary.groups.iter().flat_map(|group| &group.figures))
    };
    let any = |has: fn(&Compared) -> bool| compared().any(|(_, compared)| has(compared));
    let measured = |wanted: Figure| compared().any(|(figure, compared)| *figure == wanted && compared.ours.is_some());
    let mut legend = Vec::new();
    if summary.runs.iter().any(|run| !problems_of(run).is_empty()) {
        legend.push(format!("{MISSING} not there; {UNREADABLE} cannot be read; see \"Not complete\" below."));
    }
    if any(|compared| compared.keras.is_some()) {
        legend.push(format!("Keras: {}.", summary.sources.keras));
    }
    if any(|compared| compared.report.is_some()) {
        legend.push(format!("report: {}.", summary.sources.report));
    }
    let mut remarks: Vec<&str> =
        compared().filter_map(|(_, compared)| compared.report.as_ref()?.remark.as_deref()).collect();
    remarks.dedup();
    legend.extend(remarks.first().map(|remark| format!("{REMARK} {remark}.")));
    if any(|compared| compared.against_keras.is_some()) {
        legend.push(format!(
            "{ABOVE} {BELOW} ours is above or below Keras' by more than seeds explain: a two-sample t test at the 5 % level, \
             with Keras' spread for a single run. Of figures that agree, about one in twenty is marked."
        ));
    }
    if !summary.groups.is_empty() {
        legend.push("(n = …) our mean ± sample standard deviation over n runs that differ only by seed.".to_owned());
    }
    if measured(Figure::MajorityAccuracyTrain) {
        legend.push(
            "majority: each cluster is named after its most common digit, as in the report; one-to-one: each digit names \
             one cluster; NMI: normalized mutual information, 0 to 1."
                .to_owned(),
        );
    }
    if measured(Figure::LossTrain) {
        legend.push(
            "train loss: mean over the last epoch as it trained, with dropout; test loss and MSE, the mean squared error of pixels in \
             [0, 1]: after it, without."
                .to_owned(),
        );
    }
    let refined = || summary.runs.iter().filter(|run| run.is_refined());
    let has_loss = |run: &RunSummary| run.figures.get(&Figure::LossTrain).is_some_and(|loss| loss.ours.is_some());
    if refined().any(has_loss) {
        legend.push(
            "train loss of a refined model: mean over as many of the first training images as there are test images, after the last \
             epoch and without dropout; its losses are of reconstructions, which refining does not lower alone."
                .to_owned(),
        );
    }
    if measured(Figure::NegativeElboTest) {
        legend.push(
            "negative evidence lower bound: binary cross-entropy of an image summed over its pixels, given one draw of its \
             latent, and the Kullback–Leibler divergence of the latent's Gaussian from the prior."
                .to_owned(),
        );
    }
    let judged: Vec<&ReconstructionMetrics> =
        summary.runs.iter().filter_map(|run| run.reconstructions.as_ref()).collect();
    if let Some(first) = judged.first() {
        let accuracy = first.reader_test_accuracy;
        let accuracy = match judged.iter().all(|judged| judged.reader_test_accuracy == accuracy) {
            true => format!(" and reads {} % of the test images right", per_cent(accuracy, 1)),
            false => String::new(),
        };
        legend.push(format!(
            "readable: a reader, a convolutional network that learnt from other images{accuracy}, gives the true digit a \
             probability of {}. PSNR: peak signal-to-noise ratio; SSIM: structural similarity, −1 to 1; both means over \
             images.",
            readable_from(judged.iter().copied())
        ));
    }
    if refined().any(|run| run.reconstructions.is_some()) {
        legend.push(
            "after epoch 0 of a refined model: as it was before refining; its epochs are those of refining.".to_owned(),
        );
    }
    legend
}

/// Which probability of the true digit makes an image readable: `at least 0.5`.
pub(crate) fn readable_from<'a>(judged: impl Iterator<Item = &'a ReconstructionMetrics>) -> String {
    let limits = (f64::INFINITY, f64::NEG_INFINITY);
    let (least, most) = judged
        .map(|judged| judged.readable_probability)
        .fold(limits, |(least, most), limit| (least.min(limit), most.max(limit)));
    if least < most { format!("at least {least} to {most}, by run") } else { format!("at least {least}") }
}

/// What is missing, outdated or unreadable, run by run.
pub(crate) fn problems(summary: &Summary) -> Vec<Problem> {
    summary.runs.iter().flat_map(problems_of).collect()
}

/// The same, of the stages that a comparison is about.
pub(crate) fn problems_compared(comparison: &Comparison) -> Vec<Problem> {
    comparison.runs.iter().flat_map(|run| problems_among(&run.name, &run.named_stages())).collect()
}

/// Whether any of `stages` is missing, outdated or unreadable.
pub(crate) fn has_problems(stages: &BTreeMap<Stage, StageRecord>) -> bool {
    stages.values().any(|record| record.state != StageState::Finished)
}

fn problems_of(run: &RunSummary) -> Vec<Problem> {
    let variants = run.variants.iter();
    let variants = variants.map(|variant| (format!("{}@{}", variant.variant_of, variant.tag), &variant.stage));
    let stages = run.stages.iter().map(|(stage, record)| (stage.to_string(), record));
    problems_among(&run.name, &stages.chain(variants).collect::<Vec<_>>())
}

fn problems_among(run: &str, all: &[(String, &StageRecord)]) -> Vec<Problem> {
    let with = |state: StageState| all.iter().filter(move |(_, record)| record.state == state);
    let commands = |state| with(state).map(|(_, record)| record.command.clone()).collect();
    let names = |state| with(state).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");

    let mut problems = Vec::new();
    if with(StageState::Missing).next().is_some() {
        let text = format!("{run}: not there yet: {}", names(StageState::Missing));
        problems.push(Problem { text, commands: commands(StageState::Missing) });
    }
    if with(StageState::Outdated).next().is_some() {
        let text = format!(
            "{run}: left out, as made from an earlier result of the stage before it: {}; run again, with the options it had",
            names(StageState::Outdated)
        );
        problems.push(Problem { text, commands: commands(StageState::Outdated) });
    }
    problems.extend(with(StageState::Unreadable).map(|(name, record)| Problem {
        text: format!("{run}: cannot read {name}: {}", record.problem.as_deref().unwrap_or("no reason known")),
        commands: vec![format!("{} --force", record.command)],
    }));
    problems
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::ModelKind;

    use super::*;
    use crate::blocks::blocks;
    use crate::collect::collect;
    use crate::collect::refined::refine;
    use crate::testing::Example;

    fn cae(folder: &Path, name: &str) -> Example {
        Example::new(folder, name, ModelKind::Cae, 32)
    }

    fn summary(folder: &Path, names: &[&str]) -> Summary {
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        Summary::of(collect(&paths).unwrap().runs)
    }

    #[test]
    fn what_is_otherwise_of_refined_models_is_said_where_there_are_some() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "cae-32").all();
        refine(cae(folder.path(), "cae-32+refined").all(), "cae-32");
        let told = |names: &[&str]| {
            let legend = legend(&summary(folder.path(), names)).join("\n");
            ["train loss of a refined model", "after epoch 0 of a refined model"].map(|said| legend.contains(said))
        };
        assert_eq!(told(&["cae-32"]), [false, false]);
        assert_eq!(told(&["cae-32", "cae-32+refined"]), [true, true]);
    }

    #[test]
    fn time_is_that_of_the_stage_that_took_it() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "cae-32").all();
        refine(cae(folder.path(), "cae-32+refined").all(), "cae-32");
        let timed = |names: &[&str]| {
            let mut blocks = blocks(&summary(folder.path(), names));
            let block = blocks.pop().unwrap();
            assert_eq!(block.title, "Time and memory");
            let columns: Vec<String> = block.columns.iter().map(|column| column.name.clone()).collect();
            (columns, block.rows)
        };
        let (columns, rows) = timed(&["cae-32", "cae-32+refined"]);
        assert_eq!(columns[1..4], ["ae-train", "ae-refine", "latent-export"]);
        assert_eq!([&rows[0][1..3], &rows[1][1..3]], [["12.0", ""], ["", "12.0"]]);
        let (columns, rows) = timed(&["cae-32+refined"]);
        assert_eq!((columns[1].as_str(), rows[0][1].as_str()), ("ae-refine", "12.0"));
        assert_eq!(timed(&["cae-32"]).0[1..3], ["ae-train", "latent-export"]);
    }

    #[test]
    fn readers_are_one_where_they_read_the_same() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "cae-32").all();
        cae(folder.path(), "cae-32-seed1").seed(1).all();
        let mut summary = summary(folder.path(), &["cae-32", "cae-32-seed1"]);
        let said = |summary: &Summary| legend(summary).into_iter().find(|line| line.starts_with("readable:")).unwrap();
        let alike = said(&summary);
        assert!(alike.contains("reads 99.2 % of the test images right") && alike.contains("at least 0.5."), "{alike}");
        let other = summary.runs[1].reconstructions.as_mut().unwrap();
        // The same to one digit after the point.
        (other.reader_test_accuracy, other.readable_probability) = (0.992_04, 0.9);
        let apart = said(&summary);
        assert!(!apart.contains("99.2 %") && apart.contains("at least 0.5 to 0.9, by run."), "{apart}");
    }
}
