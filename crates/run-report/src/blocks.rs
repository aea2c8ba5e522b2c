//! What each table shows. How it looks is decided in [`table`](crate::table).

use std::collections::{BTreeMap, BTreeSet};

use run_store::{ReconstructionMetrics, Stage};
use serde_json::Value;

use crate::collect::stages_of;
use crate::figure::Figure;
use crate::spread::{Spread, Verdict};
use crate::stage::{StageRecord, StageState};
use crate::summary::{Compared, RunSummary, Summary};

/// Marks a figure above Keras'.
pub(crate) const ABOVE: char = '▲';
/// Marks a figure below Keras'.
pub(crate) const BELOW: char = '▼';
/// Marks a figure of the report that has a remark.
pub(crate) const REMARK: char = '*';
/// Stands where there is no figure.
pub(crate) const MISSING: &str = "–";
/// Stands where a figure cannot be read.
pub(crate) const UNREADABLE: &str = "!";

/// Figures with their headings.
type Shown = [(Figure, &'static str)];

const CLUSTERING: [(Figure, &str); 3] = [
    (Figure::MajorityAccuracyTrain, "majority %"),
    (Figure::OneToOneAccuracyTrain, "one-to-one %"),
    (Figure::NormalizedMutualInformationTrain, "NMI"),
];
const CLASSIFIER: [(Figure, &str); 2] =
    [(Figure::ClassifierAccuracyTrain, "train %"), (Figure::ClassifierAccuracyTest, "test %")];

/// One table.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub title: &'static str,
    pub columns: Vec<Column>,
    /// One row a run.
    pub rows: Vec<Vec<String>>,
    /// One row a group of runs that differ only by seed.
    pub group_rows: Vec<Vec<String>>,
    /// The first columns, this many, name the rows and stand in every part if the table is broken to fit a terminal; 0 if it
    /// is not to be.
    pub label_count: usize,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// What this column and those after it, up to the next with a heading, are about.
    pub heading: &'static str,
    pub name: String,
    pub is_number: bool,
}

impl Column {
    pub(crate) fn text(name: &str) -> Self {
        Self { heading: "", name: name.to_owned(), is_number: false }
    }

    pub(crate) fn number(heading: &'static str, name: &str) -> Self {
        Self { heading, name: name.to_owned(), is_number: true }
    }
}

/// The tables of a summary; one that would be empty is left out.
pub(crate) fn blocks(summary: &Summary) -> Vec<Block> {
    let autoencoder = [
        (Figure::LossTrain, "train loss"),
        (Figure::LossTest, "test loss"),
        (Figure::MeanSquaredErrorTest, "test MSE"),
    ];
    let bound = [
        (Figure::NegativeElboTrain, "train"),
        (Figure::NegativeElboTest, "test"),
        (Figure::ReconstructionNatsTest, "test: pixels"),
        (Figure::KlNatsTest, "test: latents"),
    ];
    let reconstructions = [
        (Figure::SheetReadable, "of the 16"),
        (Figure::ReadableShare, "of all %"),
        (Figure::BinaryCrossEntropyTest, "cross-entropy"),
        (Figure::PeakSignalToNoiseRatioTest, "PSNR dB"),
        (Figure::StructuralSimilarityTest, "SSIM"),
    ];
    let blocks = [
        Some(runs(summary)),
        figures(summary, "K-means on the latents: accuracy on the training images", &CLUSTERING),
        figures(summary, "Classifier on the latents: accuracy", &CLASSIFIER),
        figures(summary, "Autoencoder: reconstruction", &autoencoder),
        figures(summary, "Variational autoencoder: negative evidence lower bound in nats an image", &bound),
        figures(summary, "Redrawn test images: what a reader can still read, and how exact they are", &reconstructions),
        readable_by_epoch(summary),
        variants(summary, "Other clusterings of the same latents: training images", &CLUSTERING),
        variants(summary, "Other classifiers on the same latents", &CLASSIFIER),
        time_and_memory(summary),
    ];
    blocks.into_iter().flatten().collect()
}

fn runs(summary: &Summary) -> Block {
    let columns = vec![
        Column::text("run"),
        Column::text("model"),
        Column::number("", "latent size"),
        Column::text("dataset"),
        Column::number("", "seed"),
        Column::number("", "epochs"),
        Column::number("images", "train"),
        Column::number("", "test"),
        Column::text("study's protocol"),
    ];
    let rows = summary.runs.iter().map(|run| {
        let mut row = vec![run.name.clone()];
        match &run.training {
            Some(training) => row.extend([
                training.model.to_uppercase(),
                training.latent_dim.to_string(),
                training.dataset.clone(),
                training.seed.to_string(),
                training.epochs.to_string(),
                thousands(training.train_count.into()),
                thousands(training.test_count.into()),
                protocol(run),
            ]),
            None => row.extend(vec![absent(run, Stage::AeTrain).to_owned(); 8]),
        }
        row
    });
    Block { title: "Runs", rows: rows.collect(), columns, group_rows: Vec::new(), label_count: 0 }
}

/// Whether a run follows the study's protocol, or where it does not.
fn protocol(run: &RunSummary) -> String {
    /// Differences that are spelled out; the others are in `summary.json`.
    const SHOWN: usize = 3;
    let differences: Vec<String> = run
        .differences
        .iter()
        .map(|difference| {
            let stage = if difference.stage == Stage::LatentClassify { "classifier " } else { "" };
            let value = match &difference.value {
                Value::String(value) => value.clone(),
                Value::Null => "unknown".to_owned(),
                value => value.to_string(),
            };
            format!("{stage}{} {value}", difference.name)
        })
        .collect();
    match differences.split_at_checked(SHOWN) {
        _ if differences.is_empty() => "yes".to_owned(),
        Some((shown, more)) if !more.is_empty() => format!("no: {} and {} more", shown.join(", "), more.len()),
        _ => format!("no: {}", differences.join(", ")),
    }
}

/// A table of figures, each beside Keras' and the report's where any row has those.
fn figures(summary: &Summary, title: &'static str, shown: &Shown) -> Option<Block> {
    let stage = shown.first()?.0.stage();
    let model = |run: &RunSummary| run.training.as_ref().map(|training| training.model.clone());
    let runs: Vec<(&RunSummary, Option<String>)> = summary
        .runs
        .iter()
        .map(|run| (run, model(run)))
        .filter(|(_, model)| shown.iter().any(|(figure, _)| figure.is_of(model.as_deref())))
        .collect();
    let is_worth_a_table = |(run, _): &(&RunSummary, _)| {
        let state = run.stages.get(&stage).map(|stage| stage.state);
        matches!(state, Some(StageState::Finished | StageState::Unreadable))
    };
    if !runs.iter().any(is_worth_a_table) {
        return None;
    }
    let with_count = stage == Stage::ClusterEval;
    let mut columns = vec![Column::text("run")];
    if with_count {
        columns.push(Column::number("", "k"));
    }
    let mut layout = Vec::new();
    for (figure, heading) in shown {
        let any = |has: fn(&Compared) -> bool| runs.iter().any(|(run, _)| run.figures.get(figure).is_some_and(has));
        let (keras, report) = (any(|compared| compared.keras.is_some()), any(|compared| compared.report.is_some()));
        columns.push(Column::number(heading, "ours"));
        columns.extend(keras.then(|| Column::number("", "Keras")));
        columns.extend(report.then(|| Column::number("", "report")));
        layout.push((*figure, keras, report));
    }
    let row = |name: String,
               cluster_count: Option<u32>,
               figures: &BTreeMap<Figure, Compared>,
               (model, absent): (Option<&str>, &str)| {
        let mut row = vec![name];
        row.extend(with_count.then(|| cluster_count.map_or_else(|| absent.to_owned(), |count| count.to_string())));
        for (figure, keras, report) in &layout {
            let compared = figures.get(figure).cloned().unwrap_or_default();
            let absent = if figure.is_of(model) { absent } else { "" };
            row.push(ours(*figure, &compared).unwrap_or_else(|| absent.to_owned()));
            row.extend(keras.then(|| compared.keras.map_or_else(String::new, |keras| spread(*figure, &keras))));
            row.extend(report.then(|| published(*figure, &compared)));
        }
        row
    };
    let rows = runs.iter().map(|(run, model)| {
        row(run.name.clone(), run.cluster_count, &run.figures, (model.as_deref(), absent(run, stage)))
    });
    let groups = summary.groups.iter().filter_map(|group| {
        let (_, model) = runs.iter().find(|(run, _)| group.runs.contains(&run.name))?;
        Some(row(group.title(), group.cluster_count, &group.figures, (model.as_deref(), MISSING)))
    });
    Some(Block { title, columns, rows: rows.collect(), group_rows: groups.collect(), label_count: 0 })
}

/// How many of the sheet's digits can be read after each epoch that was kept.
fn readable_by_epoch(summary: &Summary) -> Option<Block> {
    let judged = || summary.runs.iter().filter_map(|run| Some((run, run.reconstructions.as_ref()?)));
    let epochs: BTreeSet<u32> = judged().flat_map(|(_, judged)| judged.epochs.iter().map(|row| row.epoch)).collect();
    let sheet_counts: BTreeSet<u32> = judged().map(|(_, judged)| judged.sheet_count).collect();
    let mut columns = vec![Column::text("run")];
    columns.extend(
        epochs.iter().enumerate().map(|(position, epoch)| {
            Column::number(if position == 0 { "after epoch" } else { "" }, &epoch.to_string())
        }),
    );
    columns.push(Column::number("", "originals"));
    columns.extend((sheet_counts.len() > 1).then(|| Column::number("", "of")));
    let readable = |judged: &ReconstructionMetrics, wanted: u32| {
        let row = judged.epochs.iter().find(|row| row.epoch == wanted)?;
        Some(f64::from(row.readable.sheet_readable))
    };
    let rows = judged().map(|(run, judged)| {
        let mut row = vec![run.name.clone()];
        let count = |epoch: &u32| readable(judged, *epoch).map_or_else(String::new, |count| count.to_string());
        row.extend(epochs.iter().map(count));
        row.push(judged.originals.sheet_readable.to_string());
        row.extend((sheet_counts.len() > 1).then(|| judged.sheet_count.to_string()));
        row
    });
    let rows: Vec<_> = rows.collect();
    let groups = summary.groups.iter().filter_map(|group| {
        let members: Vec<_> = judged().filter(|(run, _)| group.runs.contains(&run.name)).collect();
        let (_, first) = members.first()?;
        let mut row = vec![group.title()];
        row.extend(epochs.iter().map(|epoch| {
            let counts: Option<Vec<f64>> = members.iter().map(|(_, judged)| readable(judged, *epoch)).collect();
            let counts = counts.and_then(|counts| Spread::of(&counts));
            counts.map_or_else(String::new, |counts| spread(Figure::SheetReadable, &counts))
        }));
        row.push(first.originals.sheet_readable.to_string());
        row.extend((sheet_counts.len() > 1).then(|| first.sheet_count.to_string()));
        Some(row)
    });
    let group_rows = groups.collect();
    let title = "Readable digits of the first 16 test images, as they are redrawn";
    (!rows.is_empty()).then_some(Block { title, columns, rows, group_rows, label_count: 0 })
}

/// What stands where `stage` has left no figure.
fn absent(run: &RunSummary, stage: Stage) -> &'static str {
    absent_in(run.stages.get(&stage))
}

pub(crate) fn absent_in(stage: Option<&StageRecord>) -> &'static str {
    if stage.is_some_and(|stage| stage.state == StageState::Unreadable) { UNREADABLE } else { MISSING }
}

pub(crate) fn ours(figure: Figure, compared: &Compared) -> Option<String> {
    let text = spread(figure, &compared.ours?);
    Some(match compared.against_keras {
        Some(Verdict::Above) => format!("{ABOVE} {text}"),
        Some(Verdict::Below) => format!("{BELOW} {text}"),
        Some(Verdict::Within) | None => text,
    })
}

pub(crate) fn spread(figure: Figure, spread: &Spread) -> String {
    spread_with(figure, spread, figure.decimals())
}

/// A figure over runs, with so many digits after the point.
pub(crate) fn spread_with(figure: Figure, spread: &Spread, decimals: u8) -> String {
    let mean = figure.value_text(spread.mean, decimals);
    match spread.sd {
        Some(sd) => format!("{mean} ± {}", figure.text_with(sd, decimals)),
        None => mean,
    }
}

/// The report's figure with the digits it has there.
pub(crate) fn published(figure: Figure, compared: &Compared) -> String {
    let Some(report) = &compared.report else { return String::new() };
    let mark = if report.remark.is_some() { format!("{REMARK} ") } else { String::new() };
    let text = if figure.is_share() { format!("{:.2}", 100.0 * report.value) } else { format!("{:.4}", report.value) };
    mark + text.trim_end_matches('0').trim_end_matches('.')
}

/// A table of what lies beside the runs' own results.
fn variants(summary: &Summary, title: &'static str, shown: &Shown) -> Option<Block> {
    let stage = shown.first()?.0.stage();
    let with_count = stage == Stage::ClusterEval;
    let mut columns = vec![Column::text("run"), Column::text("tag")];
    columns.extend(with_count.then(|| Column::number("", "k")));
    columns.extend(shown.iter().map(|(_, name)| Column::number("", name)));
    columns.push(Column::number("", "seconds"));
    let variants = summary.runs.iter().flat_map(|run| run.variants.iter().map(move |variant| (run, variant)));
    let rows = variants.filter(|(_, variant)| variant.variant_of == stage).map(|(run, variant)| {
        let or_absent = |text: Option<String>| text.unwrap_or_else(|| absent_in(Some(&variant.stage)).to_owned());
        let value =
            |figure: Figure| variant.figures.get(&figure).map(|value| figure.value_text(*value, figure.decimals()));
        let mut row = vec![run.name.clone(), variant.tag.clone()];
        row.extend(with_count.then(|| or_absent(variant.cluster_count.map(|count| count.to_string()))));
        row.extend(shown.iter().map(|(figure, _)| or_absent(value(*figure))));
        row.push(or_absent(variant.stage.seconds.map(one_decimal)));
        row
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then_some(Block { title, columns, rows, group_rows: Vec::new(), label_count: 0 })
}

fn time_and_memory(summary: &Summary) -> Option<Block> {
    let ran = |stage: &StageRecord| stage.seconds.is_some();
    if !summary.runs.iter().any(|run| run.stages.values().any(ran)) {
        return None;
    }
    let timed = stages_of(summary.runs.iter().map(RunSummary::is_refined));
    let mut columns = vec![Column::text("run")];
    columns.extend(
        timed
            .iter()
            .enumerate()
            .map(|(position, stage)| Column::number(if position == 0 { "seconds" } else { "" }, stage.name())),
    );
    columns.push(Column::number("", "total"));
    columns.push(Column::number("peak", "MiB"));
    columns.push(Column::number("training", "threads"));
    columns.push(Column::text("device"));
    let rows = summary.runs.iter().map(|run| {
        let mut row = vec![run.name.clone()];
        row.extend(timed.iter().map(|stage| {
            let stage = match stage {
                Stage::AeTrain | Stage::AeRefine if run.is_refined() != (*stage == Stage::AeRefine) => {
                    return String::new();
                }
                // Whichever of the two it was, its record stands in the place of a training's.
                Stage::AeRefine => Stage::AeTrain,
                stage => *stage,
            };
            let seconds = run.stages.get(&stage).and_then(|stage| stage.seconds);
            seconds.map_or_else(|| absent(run, stage).to_owned(), one_decimal)
        }));
        row.push(one_decimal(run.stages.values().filter_map(|stage| stage.seconds).sum()));
        let peak = run.stages.values().filter_map(|stage| stage.peak_memory_mib).reduce(f64::max);
        row.push(peak.map_or_else(|| MISSING.to_owned(), |peak| format!("{peak:.0}")));
        let training = run.stages.get(&Stage::AeTrain);
        let or_absent = |text: Option<String>| text.unwrap_or_else(|| absent_in(training).to_owned());
        row.push(or_absent(training.and_then(|stage| stage.threads).map(|threads| threads.to_string())));
        let device =
            training.and_then(|stage| Some(format!("{}, {}", stage.device.as_ref()?, stage.precision.as_ref()?)));
        row.push(or_absent(device));
        row
    });
    Some(Block { title: "Time and memory", rows: rows.collect(), columns, group_rows: Vec::new(), label_count: 0 })
}

/// A count with its digits grouped: `20,000`.
pub(crate) fn thousands(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", thousands(count / 1000), count % 1000) }
}

fn one_decimal(value: f64) -> String {
    format!("{value:.1}")
}
