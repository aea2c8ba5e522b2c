//! What a reader has to know below the tables: what the signs mean, and what is missing.

use std::collections::BTreeMap;

use run_store::Stage;

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
    if measured(Figure::NegativeElboTest) {
        legend.push(
            "negative evidence lower bound: binary cross-entropy of an image summed over its pixels, given one draw of its \
             latent, and the Kullback–Leibler divergence of the latent's Gaussian from the prior."
                .to_owned(),
        );
    }
    let judged: Vec<_> = summary.runs.iter().filter_map(|run| run.reconstructions.as_ref()).collect();
    if let Some(first) = judged.first() {
        let accuracies: Vec<String> =
            judged.iter().map(|judged| format!("{:.1} %", 100.0 * judged.reader_test_accuracy)).collect();
        let same = accuracies.iter().all(|accuracy| *accuracy == accuracies[0]);
        let accuracy =
            if same { format!(" and reads {} of the test images right", accuracies[0]) } else { String::new() };
        legend.push(format!(
            "readable: a reader, a convolutional network that learnt from other images{accuracy}, gives the true digit a \
             probability of at least {}. PSNR: peak signal-to-noise ratio; SSIM: structural similarity, −1 to 1; both means over \
             images.",
            first.readable_probability
        ));
    }
    legend
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
