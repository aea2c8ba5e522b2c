//! Conditions on differences, such as `cluster.accuracy < -1.0`: what a script fails on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::compare::{Comparison, Side};
use crate::figure::Figure;
use crate::stage::StageState;

const EXPECTED: &str = "expected FIGURE OPERATOR NUMBER, such as `cluster.accuracy < -1.0`, with one of < <= > >=";

/// A condition on how much a figure of one side is above that of the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The figure.
    pub figure: Figure,
    /// How its difference is held against the limit.
    pub operator: Operator,
    /// The limit, in the unit that people read the figure in: percentage points for a share.
    pub limit: f64,
}

/// How a difference is held against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It is below.
    Less,
    /// It is below or the same.
    LessOrEqual,
    /// It is above.
    Greater,
    /// It is above or the same.
    GreaterOrEqual,
}

/// What became of a condition on one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The condition.
    pub condition: String,
    /// The side that is judged.
    pub side: String,
    /// The first side, which it is held against.
    pub against: String,
    /// The difference in the condition's unit, percentage points for a share; `null` where there is none.
    pub difference: Option<f64>,
    /// Whether the condition holds.
    pub outcome: Outcome,
    /// Why it cannot be told, and what to do.
    pub problem: Option<String>,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does.
    Holds,
    /// It does not.
    DoesNotHold,
    /// A figure is missing.
    CannotBeTold,
}

impl Operator {
    /// The longer ones first, as the shorter ones are their beginnings.
    const ALL: [Self; 4] = [Self::LessOrEqual, Self::GreaterOrEqual, Self::Less, Self::Greater];

    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
        }
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let start = text.find(['<', '>']).ok_or(EXPECTED)?;
        let (name, rest) = text.split_at(start);
        let found =
            Operator::ALL.into_iter().find_map(|operator| Some((operator, rest.strip_prefix(operator.sign())?)));
        let (operator, limit) = found.ok_or(EXPECTED)?;
        let figure = Figure::named(name.trim())?;
        match limit.trim().parse::<f64>() {
            Ok(limit) if limit.is_finite() => Ok(Self { figure, operator, limit }),
            _ => Err(format!("`{}` is no number; {EXPECTED}", limit.trim())),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.figure.name(), self.operator.sign(), self.limit)
    }
}

impl Condition {
    /// What becomes of the condition on every side after the first.
    pub(crate) fn judge(&self, comparison: &Comparison) -> Vec<Judgement> {
        let Some((first, later)) = comparison.sides.split_first() else { return Vec::new() };
        later.iter().map(|side| self.judge_side(comparison, first, side)).collect()
    }

    fn judge_side(&self, comparison: &Comparison, first: &Side, side: &Side) -> Judgement {
        // Without the dust of a subtraction: 0.52 - 0.51 is a little more than a hundredth.
        let difference = side.difference(first, self.figure);
        let difference = difference.map(|difference| (self.figure.as_read(difference) * 1e9).round() / 1e9);
        let outcome = match difference {
            Some(difference) if self.operator.holds(difference, self.limit) => Outcome::Holds,
            Some(_) => Outcome::DoesNotHold,
            None => Outcome::CannotBeTold,
        };
        let lacking = [first, side].into_iter().find(|side| !side.figures.contains_key(&self.figure));
        Judgement {
            condition: self.to_string(),
            side: side.title(),
            against: first.title(),
            difference,
            outcome,
            problem: lacking.map(|side| self.problem(comparison, side)),
        }
    }

    /// Why `side` does not have the figure.
    fn problem(&self, comparison: &Comparison, side: &Side) -> String {
        let (name, stage) = (self.figure.name(), self.figure.stage());
        let run = comparison.first_run(side);
        let model = run.and_then(|run| run.training.as_ref()).map(|training| training.model.as_str());
        let what = format!("{} has no {name}", side.title());
        let Some(record) = run.and_then(|run| run.stages.get(&stage)) else { return what };
        match record.state {
            StageState::Finished if !self.figure.is_of(model) => {
                format!("{what}: a model of kind {} has none", model.unwrap_or("unknown"))
            }
            StageState::Finished => format!("{what}: {stage} did not measure it"),
            state => {
                let state = match state {
                    StageState::Outdated => "is outdated",
                    StageState::Unreadable => "cannot be read",
                    StageState::Finished | StageState::Missing => "is not there",
                };
                format!("{what}, as {stage} {state}: run `{}`", record.command)
            }
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { condition, side, against, .. } = self;
        match (self.outcome, self.difference) {
            (Outcome::Holds, Some(difference)) => {
                write!(formatter, "{condition} holds for {side}: {difference:+} from {against}")
            }
            (Outcome::DoesNotHold, Some(difference)) => {
                write!(formatter, "{condition} does not hold for {side}: {difference:+} from {against}")
            }
            _ => {
                let problem = self.problem.as_deref().unwrap_or("a figure is missing");
                write!(formatter, "cannot tell whether {condition} holds for {side}: {problem}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn conditions_are_read_with_and_without_spaces() {
        let read = |text: &str| text.parse::<Condition>().unwrap();
        let expected = Condition { figure: Figure::MajorityAccuracyTrain, operator: Operator::Less, limit: -1.0 };
        for text in ["cluster.accuracy < -1.0", "cluster.accuracy<-1", "  cluster.accuracy  <  -1e0 "] {
            assert_eq!(read(text), expected);
        }
        assert_eq!(read("test.mse >= 0.001").operator, Operator::GreaterOrEqual);
        assert_eq!(read("test.mse>0.001").operator, Operator::Greater);
        assert_eq!(read("elbo.test_kl <= 0").to_string(), "elbo.test_kl <= 0");
    }

    #[test]
    fn what_is_no_condition_is_said() {
        let error = |text: &str| text.parse::<Condition>().unwrap_err();
        for text in ["", "cluster.accuracy", "cluster.accuracy -1", "cluster.accuracy = 1", "cluster.accuracy == 1"] {
            assert!(error(text).contains("FIGURE OPERATOR NUMBER"), "{text}");
        }
        for (text, wrong) in [("test.mse < ", "``"), ("test.mse < one", "`one`"), ("test.mse < NaN", "`NaN`")] {
            assert!(error(text).contains(&format!("{wrong} is no number")), "{text}");
        }
        assert!(error("test.mse =< 1").contains("no figure `test.mse =`"), "{}", error("test.mse =< 1"));
        assert!(error("test.mse << 1").contains("`< 1` is no number"));
        assert!(error("accuracy < 1").contains("cluster.accuracy, cluster.one_to_one"));
    }
}
