//! What is done one after the other: `contrast:3,imsat:10,imsat+aspc:4`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::objective::Objective;

/// Some epochs that lower the sum of some objectives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What is lowered, at least one.
    pub objectives: Vec<Objective>,
    /// For how many epochs, at least one.
    pub epochs: u32,
}

/// The phases of a refinement, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    phases: Vec<Phase>,
}

/// An epoch's place in a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub phase: &'a Phase,
    /// From 1, within the phase.
    pub epoch: u32,
}

impl Place<'_> {
    pub(crate) fn is_first(&self) -> bool {
        self.epoch == 1
    }

    pub(crate) fn is_last(&self) -> bool {
        self.epoch == self.phase.epochs
    }
}

impl Default for Recipe {
    /// The chain that works best on digits; how it was found is in the README.
    fn default() -> Self {
        let phase = |objectives: &[Objective], epochs| Phase { objectives: objectives.to_vec(), epochs };
        let student = || phase(&[Objective::Student], 12);
        let last = [Objective::Prototypes, Objective::Aspc, Objective::Reconstruction];
        let heads = [phase(&[Objective::Contrast], 3), phase(&[Objective::Imsat], 10)];
        let phases = heads.into_iter().chain((0..4).map(|_| student())).chain([phase(&last, 10)]).collect();
        Self { phases }
    }
}

impl Recipe {
    /// `phases`, one after the other.
    pub(crate) fn of(phases: Vec<Phase>) -> Self {
        Self { phases }
    }

    /// The phases, in order.
    #[must_use]
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// The epochs of all phases.
    #[must_use]
    pub fn epochs(&self) -> u32 {
        self.phases.iter().fold(0, |sum, phase| sum.saturating_add(phase.epochs))
    }

    /// Where `epoch`, from 1, stands.
    pub(crate) fn place(&self, epoch: u32) -> Option<Place<'_>> {
        let mut before = 0;
        for phase in &self.phases {
            if epoch > before && epoch - before <= phase.epochs {
                return Some(Place { phase, epoch: epoch - before });
            }
            before += phase.epochs;
        }
        None
    }

    /// Whether any phase lowers `objective`.
    #[must_use]
    pub fn has(&self, objective: Objective) -> bool {
        self.phases.iter().any(|phase| phase.has(objective))
    }
}

impl Phase {
    /// Whether it lowers `objective`.
    #[must_use]
    pub fn has(&self, objective: Objective) -> bool {
        self.objectives.contains(&objective)
    }

    /// Whether any of its objectives moves the model.
    pub(crate) fn moves_model(&self) -> bool {
        self.objectives.iter().any(|objective| objective.moves_model())
    }

    /// Whether any of them moves heads or centroids.
    pub(crate) fn moves_heads(&self) -> bool {
        self.objectives.iter().any(|objective| objective.moves_heads())
    }

    /// Whether any of them pulls latents to centroids.
    pub(crate) fn has_centroids(&self) -> bool {
        self.objectives.iter().any(|objective| objective.has_centroids())
    }

    /// Whether any of them has centres that stay where they are.
    pub(crate) fn has_fixed_centres(&self) -> bool {
        self.objectives.iter().any(|objective| objective.has_fixed_centres())
    }

    /// Its objectives in one word.
    #[must_use]
    pub fn name(&self) -> String {
        self.objectives.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (names, epochs) = text
            .split_once(':')
            .ok_or_else(|| format!("expected OBJECTIVE[+OBJECTIVE…]:EPOCHS, such as imsat:10, found {text}"))?;
        let epochs = epochs.parse().ok().filter(|epochs| (1..=10_000).contains(epochs));
        let epochs = epochs.ok_or_else(|| format!("expected 1 to 10000 epochs behind the colon, found {text}"))?;
        let mut objectives: Vec<Objective> = Vec::new();
        for name in names.split('+') {
            let objective = name.parse()?;
            if objectives.contains(&objective) {
                return Err(format!("expected each objective once in a phase, found {text}"));
            }
            objectives.push(objective);
        }
        Ok(Self { objectives, epochs })
    }
}

/// The most phases of a recipe: the model is kept after each.
const PHASE_LIMIT: usize = 100;

impl FromStr for Recipe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let phases = text.split(',').map(str::parse).collect::<Result<Vec<Phase>, String>>()?;
        if phases.len() > PHASE_LIMIT {
            return Err(format!("expected at most {PHASE_LIMIT} phases, found {}", phases.len()));
        }
        if phases.last().is_some_and(|last| !last.moves_model()) {
            return Err(format!(
                "expected a phase behind the last student, such as aspc+reconstruction:5, as a student only names images and leaves \
                 the model as it is, found {text}"
            ));
        }
        Ok(Self { phases })
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases: Vec<String> =
            self.phases.iter().map(|phase| format!("{}:{}", phase.name(), phase.epochs)).collect();
        formatter.pad(&phases.join(","))
    }
}

impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn recipes_are_read_and_written() {
        let text = "contrast:3,imsat:10,imsat+aspc:4";
        let recipe: Recipe = text.parse().unwrap();
        assert_eq!(recipe.to_string(), text);
        assert_eq!(recipe.epochs(), 17);
        let places: Vec<(String, u32)> =
            (1..=17).map(|epoch| recipe.place(epoch).unwrap()).map(|at| (at.phase.name(), at.epoch)).collect();
        assert_eq!(places[2..4], [("contrast".to_owned(), 3), ("imsat".to_owned(), 1)]);
        assert_eq!(places[16], ("imsat+aspc".to_owned(), 4));
        assert!(recipe.place(0).is_none() && recipe.place(18).is_none());
    }

    #[test]
    fn a_recipe_has_an_end() {
        let of = |phases: usize| vec!["dec:1"; phases].join(",").parse::<Recipe>();
        assert!(of(PHASE_LIMIT).is_ok());
        assert_eq!(of(PHASE_LIMIT + 1).unwrap_err(), "expected at most 100 phases, found 101");
    }

    #[test]
    fn the_default_is_a_recipe_as_any_other() {
        let recipe = Recipe::default();
        assert_eq!(recipe.to_string().parse(), Ok(recipe));
    }

    #[test]
    fn what_is_no_recipe_is_refused() {
        for (text, expected) in [
            ("", "such as imsat:10"),
            ("imsat", "such as imsat:10"),
            ("imsat:0", "1 to 10000 epochs"),
            ("imsat:x", "1 to 10000 epochs"),
            ("guess:3", "expected contrast"),
            ("imsat+imsat:3", "each objective once"),
            ("imsat:3,student:2", "a phase behind the last student"),
            ("imsat:3,,dec:1", "such as imsat:10"),
        ] {
            let error = text.parse::<Recipe>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
