//! Which figures differ, by how much, and which is better.

use run_store::{Stage, parameter};
use serde::{Deserialize, Serialize};

use crate::collect::Run;
use crate::compare::Side;
use crate::compare::sides::Members;
use crate::figure::Figure;
use crate::figure_name::Direction;
use crate::spread::{Spread, Verdict};

/// A figure that is not the same on all sides that have it, or that only one has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedFigure {
    /// The figure.
    pub figure: Figure,
    /// What it is called in conditions.
    pub name: String,
    /// Which way it is better; `null` where neither is, as between losses of two kinds.
    pub better: Option<Direction>,
    /// Its value on each side; `null` where it was not measured.
    pub values: Vec<Option<Spread>>,
    /// The positions of the sides where it is best, from 0.
    pub best: Vec<usize>,
    /// Every later side minus the first; `null` where one of the two was not measured.
    pub differences: Vec<Option<f64>>,
    /// How every later side stands to the first, beyond what seeds explain; `null` where no side has several runs.
    pub verdicts: Vec<Option<Verdict>>,
}

/// The figures that differ between `sides` or are on one of them only, and how many are the same.
pub(crate) fn compare(sides: &[Side], members: &[Members<'_>]) -> (Vec<ComparedFigure>, usize) {
    let (mut different, mut same_count) = (Vec::new(), 0);
    for figure in Figure::ALL {
        let values: Vec<Option<Spread>> = sides.iter().map(|side| side.figures.get(&figure).copied()).collect();
        let measured: Vec<Spread> = values.iter().flatten().copied().collect();
        let Some(first) = measured.first() else { continue };
        // What a side lacks is named below the tables; it makes no difference of figures that agree.
        let is_alone = measured.len() == 1 && values.len() > 1;
        if !is_alone && measured.iter().all(|value| is_equal(value.mean, first.mean)) {
            same_count += 1;
            continue;
        }
        let better = figure.direction().filter(|_| is_one_measure(figure, members));
        let later = || sides.iter().skip(1).zip(values.iter().skip(1));
        let (differences, verdicts) = match sides.first() {
            Some(first) => (
                later().map(|(side, _)| side.difference(first, figure)).collect(),
                later().map(|(_, value)| value.as_ref()?.against(first.figures.get(&figure)?, 0.0)).collect(),
            ),
            None => (Vec::new(), Vec::new()),
        };
        let best = if is_alone { Vec::new() } else { best(&values, better) };
        let name = figure.name().to_owned();
        different.push(ComparedFigure { figure, name, better, values, best, differences, verdicts });
    }
    (different, same_count)
}

/// Whether the figure measures the same thing on all sides: one that does not in a single run has no better one.
fn is_one_measure(figure: Figure, members: &[Members<'_>]) -> bool {
    if !figure.is_of_loss() {
        return true;
    }
    let with_loss = |run: &&&Run| run.figures.contains_key(&figure);
    let runs = members.iter().flat_map(|side| &side.runs).filter(with_loss);
    let mut measures = runs.filter_map(|run| run.measure(figure));
    let first = measures.next();
    measures.all(|measure| Some(measure) == first)
}

fn best(values: &[Option<Spread>], better: Option<Direction>) -> Vec<usize> {
    let means = || values.iter().flatten().map(|value| value.mean);
    let best = match better {
        Some(Direction::Higher) => means().reduce(f64::max),
        Some(Direction::Lower) => means().reduce(f64::min),
        None => None,
    };
    let Some(best) = best else { return Vec::new() };
    let is_best = |value: &Option<Spread>| value.is_some_and(|value| is_equal(value.mean, best));
    values.iter().enumerate().filter(|(_, value)| is_best(value)).map(|(position, _)| position).collect()
}

/// Equality but for the dust of a mean.
fn is_equal(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 * one.abs().max(other.abs())
}

/// The loss that refining reports of reconstructions, whatever it lowers beside it, as trainings call it.
const OF_REFINED: &str = "bce";

impl Run {
    /// The loss of reconstructions that the run reports: of a training the one that it was told to lower.
    pub(crate) fn loss(&self) -> Option<&str> {
        if self.refinement().is_some() {
            return Some(OF_REFINED);
        }
        self.manifests.get(&Stage::AeTrain)?.parameters.get(parameter::LOSS)?.as_str()
    }

    /// When, and of which images, the loss of training images was taken: before each step of the last epoch, or after it.
    pub(crate) fn train_loss_taken(&self) -> &'static str {
        match self.refinement() {
            Some(_) => "after the last epoch, of the first images",
            None => "in the last epoch, while it trained",
        }
    }

    /// What `figure` measures where that is not the same in every run: values of different measures are not better or worse.
    pub(crate) fn measure(&self, figure: Figure) -> Option<String> {
        let loss = self.loss().filter(|_| figure.is_of_loss())?;
        Some(if figure == Figure::LossTrain { format!("{loss} {}", self.train_loss_taken()) } else { loss.to_owned() })
    }
}
