//! What a page opens with: each model beside the report and Keras.

use std::collections::{BTreeMap, BTreeSet};

use run_store::{Stage, input, one_line};

use super::tables::{Heading, Table, spans};
use crate::blocks::{MISSING, ours, published, spread, thousands};
use crate::collect::{Run, Training};
use crate::figure::Figure;
use crate::spread::Spread;
use crate::summary::{Compared, RunSummary, Summary};

/// The figures of the answer, and what they are called there.
const FIGURES: [(Figure, &str); 6] = [
    (Figure::MajorityAccuracyTrain, "K-means, majority names %"),
    (Figure::OneToOneAccuracyTrain, "K-means, one-to-one names %"),
    (Figure::ClassifierAccuracyTest, "classifier, test %"),
    (Figure::SheetReadable, "readable of the 16"),
    (Figure::ReadableShare, "readable, test %"),
    (Figure::MeanSquaredErrorTest, "squared error"),
];

/// Of these the best is named in words: the figure, and how a sentence about it begins.
const HEADLINES: [(Figure, &str); 3] = [
    (Figure::OneToOneAccuracyTrain, "Clusters come closest to digits in"),
    (Figure::ClassifierAccuracyTest, "Digits are told apart best from the latents of"),
    (Figure::ReadableShare, "Most redrawn test images can still be read of"),
];

/// A model: runs that differ only by seed, or one that stands alone.
struct Line<'a> {
    name: String,
    /// The first of its runs: the others were trained and judged on the same.
    first: &'a RunSummary,
    /// The reader that judged it, if one did.
    reader: Option<&'a str>,
    figures: &'a BTreeMap<Figure, Compared>,
}

impl Line<'_> {
    fn dataset(&self) -> Option<&str> {
        self.first.training.as_ref().map(|training| training.dataset.as_str())
    }

    /// What `figure` was measured on and by: only figures of one basis can be held against each other.
    fn basis(&self, figure: Figure) -> Basis {
        let training = self.first.training.as_ref();
        let count = |of: fn(&Training) -> u32| training.map_or(0, of);
        let images = match figure {
            Figure::OneToOneAccuracyTrain => {
                format!("{} training images", thousands(count(|run| run.train_count).into()))
            }
            _ => format!("{} test images", thousands(count(|run| run.test_count).into())),
        };
        let reader = self.reader.filter(|_| figure.stage() == Stage::ReconEval);
        [
            self.dataset().unwrap_or(MISSING).to_owned(),
            images,
            reader.map_or_else(String::new, |reader| format!("reader {reader}")),
        ]
    }
}

/// Dataset, images, and reader, each in words.
type Basis = [String; 3];

/// A model and a figure of it.
type Measured<'a> = (&'a Line<'a>, &'a Spread);

/// The models, in the order of their first runs; `runs` are those of `summary`, in the same order.
fn lines<'a>(summary: &'a Summary, runs: &'a [Run]) -> Vec<Line<'a>> {
    let mut known = BTreeSet::new();
    let mut lines = Vec::new();
    for (first, run) in summary.runs.iter().zip(runs) {
        let group = summary.groups.iter().enumerate().find(|(_, group)| group.runs.contains(&first.name));
        // What groups are called is no help: it comes of their runs' names.
        if group.is_some_and(|(position, _)| !known.insert(position)) {
            continue;
        }
        let manifest = run.manifests.get(&Stage::ReconEval);
        let reader = manifest.and_then(|manifest| Some(manifest.inputs.get(input::READER_WEIGHTS)?.blake3.short()));
        let (name, figures) = match group {
            Some((_, group)) => (group.title(), &group.figures),
            None => (first.name.clone(), &first.figures),
        };
        lines.push(Line { name, first, reader, figures });
    }
    lines
}

/// The table of `summary`, which is of `runs`, in the same order.
pub(super) fn table(summary: &Summary, runs: &[Run]) -> Table {
    let lines = lines(summary, runs);
    let has = |figure: Figure, has: fn(&Compared) -> bool| {
        lines.iter().any(|line| line.figures.get(&figure).is_some_and(has))
    };
    let mut headings = vec![("", Heading { name: "model".to_owned(), is_number: false })];
    let mut cells: Vec<Vec<String>> = lines.iter().map(|line| vec![one_line(&line.name)]).collect();
    if lines.iter().any(|line| line.dataset() != lines[0].dataset()) {
        headings.push(("", Heading { name: "dataset".to_owned(), is_number: false }));
        for (row, line) in cells.iter_mut().zip(&lines) {
            row.push(one_line(line.dataset().unwrap_or(MISSING)));
        }
    }
    for (figure, title) in FIGURES {
        if !has(figure, |compared| compared.ours.is_some()) {
            continue;
        }
        let mut heading = title;
        let mut add = |name: &str, text: &dyn Fn(&Compared) -> Option<String>| {
            headings.push((heading, Heading { name: name.to_owned(), is_number: true }));
            heading = "";
            for (row, line) in cells.iter_mut().zip(&lines) {
                let text = line.figures.get(&figure).and_then(text);
                row.push(text.unwrap_or_else(|| if name == "ours" { MISSING.to_owned() } else { String::new() }));
            }
        };
        add("ours", &|compared| ours(figure, compared));
        if has(figure, |compared| compared.keras.is_some()) {
            add("Keras", &|compared| Some(spread(figure, &compared.keras?)));
        }
        if has(figure, |compared| compared.report.is_some()) {
            add("report", &|compared| Some(published(figure, compared)));
        }
    }
    Table {
        title: "Every model beside the study".to_owned(),
        headings: spans(headings.iter().map(|(heading, _)| *heading)),
        columns: headings.into_iter().map(|(_, column)| column).collect(),
        rows: cells,
        group_rows: Vec::new(),
    }
}

/// The best model by each of some figures, in words: among those that were measured on the same and by the same.
pub(super) fn headlines(summary: &Summary, runs: &[Run]) -> Vec<String> {
    let lines = lines(summary, runs);
    HEADLINES.into_iter().flat_map(|headline| best(headline, &lines)).collect()
}

/// A sentence for each basis on which the figure of a headline was measured of two models or more, one of which is best.
fn best((figure, beginning): (Figure, &str), lines: &[Line<'_>]) -> Vec<String> {
    let mut bases: Vec<(Basis, Vec<Measured<'_>>)> = Vec::new();
    for line in lines {
        let Some(ours) = line.figures.get(&figure).and_then(|compared| compared.ours.as_ref()) else { continue };
        let basis = line.basis(figure);
        match bases.iter_mut().find(|(known, _)| *known == basis) {
            Some((_, measured)) => measured.push((line, ours)),
            None => bases.push((basis, vec![(line, ours)])),
        }
    }
    let differs = |part: usize| bases.iter().any(|(basis, _)| basis[part] != bases[0].0[part]);
    let sentence = |(basis, measured): &(Basis, Vec<Measured<'_>>)| {
        let (line, ours) = measured.iter().max_by(|one, other| one.1.mean.total_cmp(&other.1.mean))?;
        // Of one model, and of two that read the same, none is the best.
        let text = |spread: &Spread| figure.value_text(spread.mean, figure.decimals());
        if measured.len() < 2 || measured.iter().filter(|(_, other)| text(other) == text(ours)).count() > 1 {
            return None;
        }
        let named = basis.iter().enumerate().filter(|(part, text)| differs(*part) && !text.is_empty());
        let on: Vec<&str> = named.map(|(_, text)| text.as_str()).collect();
        let on = if on.is_empty() { String::new() } else { format!(" ({})", on.join(", ")) };
        let unit = figure.unit().trim_start_matches('%');
        Some(one_line(&format!("{beginning} {}: {} %{unit}{on}.", line.name, spread(figure, ours))))
    };
    bases.iter().filter_map(sentence).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::ModelKind;

    use super::*;
    use crate::collect::collect;
    use crate::summary::order;
    use crate::testing::Example;

    fn cae(folder: &Path, name: &str) -> Example {
        Example::new(folder, name, ModelKind::Cae, 32)
    }

    /// The runs `names` in `folder`, in the order of the page, and their summary.
    fn read(folder: &Path, names: &[&str]) -> (Summary, Vec<Run>) {
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        let mut runs = collect(&paths).unwrap().runs;
        order(&mut runs);
        (Summary::of(runs.clone()), runs)
    }

    /// The first cells of the table.
    fn models(folder: &Path, names: &[&str]) -> Vec<String> {
        let (summary, runs) = read(folder, names);
        table(&summary, &runs).rows.into_iter().map(|mut row| row.remove(0)).collect()
    }

    fn said(folder: &Path, names: &[&str]) -> Vec<String> {
        let (summary, runs) = read(folder, names);
        headlines(&summary, &runs)
    }

    #[test]
    fn groups_whose_runs_are_called_alike_are_two_models() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seed, epochs) in
            [("cae-seed1", 1, 25), ("cae-seed2", 2, 25), ("cae-seed3", 3, 5), ("cae-seed4", 4, 5)]
        {
            cae(folder.path(), name).seed(seed).epochs(epochs).all();
        }
        let names = ["cae-seed1", "cae-seed2", "cae-seed3", "cae-seed4"];
        assert_eq!(models(folder.path(), &names), ["cae-seed1 … (n = 2)", "cae-seed3 … (n = 2)"]);
        assert_eq!(models(folder.path(), &names[..3]), ["cae (n = 2)", "cae-seed3"]);
    }

    #[test]
    fn the_best_is_that_of_one_dataset_and_one_reader() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "a").all();
        cae(folder.path(), "b").epochs(5).all().cluster(None, 10, 0.7).classify(None, 25, 0.8);
        assert_eq!(
            said(folder.path(), &["a", "b"]),
            [
                "Clusters come closest to digits in b: 67.0 % of training images, one to one.",
                "Digits are told apart best from the latents of a: 92.4 % of test images.",
            ]
        );
        // As much can be read of both, so that none of them is the best; nor is one that is alone.
        assert!(said(folder.path(), &["a"]).is_empty());
        // Digits of another dataset may be easier to tell apart: each has its own best.
        cae(folder.path(), "c").dataset("clothes").all().cluster(None, 10, 0.9);
        cae(folder.path(), "d").dataset("clothes").epochs(5).all();
        let names = ["a", "b", "c", "d"];
        assert_eq!(
            said(folder.path(), &names),
            [
                "Clusters come closest to digits in c: 87.0 % of training images, one to one (clothes).",
                "Clusters come closest to digits in b: 67.0 % of training images, one to one (mnist).",
                "Digits are told apart best from the latents of a: 92.4 % of test images (mnist).",
            ]
        );
        let (summary, runs) = read(folder.path(), &names);
        let table = table(&summary, &runs);
        assert_eq!(table.columns[1].name, "dataset");
        let datasets: Vec<&str> = table.rows.iter().map(|row| row[1].as_str()).collect();
        assert_eq!(datasets, ["clothes", "clothes", "mnist", "mnist"]);
    }

    #[test]
    fn what_is_readable_is_held_against_what_the_same_reader_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, epochs, reader) in [("a", 25, "strict"), ("b", 5, "lenient")] {
            cae(folder.path(), name).epochs(epochs).all().input(Stage::ReconEval, input::READER_WEIGHTS, reader);
        }
        let (summary, runs) = read(folder.path(), &["a", "b"]);
        let lines = lines(&summary, &runs);
        let is_one = |figure: Figure| lines[0].basis(figure) == lines[1].basis(figure);
        assert!(!is_one(Figure::ReadableShare));
        assert!(is_one(Figure::ClassifierAccuracyTest) && is_one(Figure::OneToOneAccuracyTrain));
    }
}
