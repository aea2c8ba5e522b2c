//! Starts with other heads and other draws, of which one goes on. Which clusters heads fall into is chance. Clusters that are of a
//! kind are soon learnt: what a network that knows nothing yet still gets wrong, as it sees each image for the first time, is the length
//! of what would have to be said to tell the names to someone who has the images (prequential coding: Dawid 1984; Blier & Ollivier
//! 2018, "The description length of deep learning models"). The names that take least are the better ones; that needs no label.

use std::path::Path;

use anyhow::ensure;
use autoencoders::{Autoencoder, ClusterHeads, ClusterStudent, Parameters, read_tensors, write_tensors};
use run_store::RefinementEpoch;
use tch::Tensor;
use training::Seed;

use crate::config::Protocol;
use crate::objective::Objective;
use crate::recipe::{Phase, Recipe};

/// Epochs of the student that judges them: in the first each image is new to it.
const JUDGING_EPOCHS: u32 = 1;

/// Checks that starts can be compared, and that none has to know what the one before it found.
///
/// # Errors
/// There is no phase of `imsat`, or objectives that need names come before its end.
pub(crate) fn check(protocol: &Protocol) -> anyhow::Result<()> {
    let needs_names = |phase: &Phase| phase.has(Objective::Student) || phase.has_fixed_centres();
    let is_alone = up_to_heads(&protocol.recipe).is_some_and(|(start, _)| !start.iter().any(needs_names));
    ensure!(
        protocol.restarts == 1 || is_alone,
        "--restarts {}: expected a recipe with imsat, whose clusters are judged, and before its end no student, aspc or prototypes, \
         which would need what it finds; found {}; leave --restarts out, or say another --recipe",
        protocol.restarts,
        protocol.recipe
    );
    Ok(())
}

/// The phases up to the first of `imsat`, that one included, and the rest.
fn up_to_heads(recipe: &Recipe) -> Option<(&[Phase], &[Phase])> {
    let heads = recipe.phases().iter().position(|phase| phase.has(Objective::Imsat))?;
    recipe.phases().split_at_checked(heads + 1)
}

/// Several starts, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Starts {
    /// How many, at least 2.
    count: u32,
    /// What each does.
    each: Recipe,
}

/// What is done from the first epoch to the last: the recipe; of several starts, each by itself what comes up to the heads and a student
/// of what they found, and then the rest of the recipe, on the names that were judged. The starts are none where there is one, or no
/// phase to compare them by.
pub(crate) fn course(protocol: &Protocol) -> (Recipe, Option<Starts>) {
    let (recipe, count) = (&protocol.recipe, protocol.restarts);
    let Some((start, rest)) = up_to_heads(recipe).filter(|_| count > 1) else {
        return (recipe.clone(), None);
    };
    let judging = Phase { objectives: vec![Objective::Student], epochs: JUDGING_EPOCHS };
    let each: Vec<Phase> = start.iter().cloned().chain([judging]).collect();
    let starts = (0..count).flat_map(|_| each.iter().cloned());
    (Recipe::of(starts.chain(rest.iter().cloned()).collect()), Some(Starts { count, each: Recipe::of(each) }))
}

impl Starts {
    /// What each does.
    pub(crate) fn each(&self) -> &Recipe {
        &self.each
    }

    /// The last epoch of the last of them.
    fn last_epoch(&self) -> u32 {
        self.count.saturating_mul(self.each.epochs())
    }

    /// Whether one begins in `epoch` that is not the first.
    fn begins(&self, epoch: u32) -> bool {
        epoch > 1 && epoch <= self.last_epoch() && (epoch - 1).is_multiple_of(self.each.epochs())
    }

    fn ends(&self, epoch: u32) -> bool {
        epoch <= self.last_epoch() && epoch.is_multiple_of(self.each.epochs())
    }

    /// The last epoch, of those in `history`, of the start whose student had the lowest loss.
    fn best<'a>(&self, history: &'a [RefinementEpoch]) -> Option<&'a RefinementEpoch> {
        let ended = history.iter().filter(|row| self.ends(row.epoch));
        ended.min_by(|one, other| one.objective.total_cmp(&other.objective))
    }
}

/// What starts begin with and leave.
pub(crate) struct StartValues {
    starts: Option<Starts>,
    /// The values that a run's model begins with each time; a new one begins with others.
    given: Option<Vec<Tensor>>,
    /// Those of model and heads after the best, while there are more to come.
    best: Option<[Vec<Tensor>; 2]>,
}

impl StartValues {
    /// For a refinement of `model`, a new one or a run's, that has not begun.
    pub(crate) fn new(model: &Autoencoder, is_new: bool, starts: Option<Starts>) -> Self {
        let given = (starts.is_some() && !is_new).then(|| model.parameters().copies());
        Self { starts, given, best: None }
    }

    /// Whether `epoch` is of a start, which may come to nothing.
    pub(crate) fn may_be_given_up(&self, epoch: u32) -> bool {
        self.starts.as_ref().is_some_and(|starts| epoch <= starts.last_epoch())
    }

    /// Whether the model that goes on went through `epoch`, of those in `history`.
    pub(crate) fn is_of_what_goes_on(&self, epoch: u32, history: &[RefinementEpoch]) -> bool {
        let Some(starts) = self.starts.as_ref().filter(|starts| epoch <= starts.last_epoch()) else { return true };
        starts.best(history).is_some_and(|best| epoch <= best.epoch && best.epoch - epoch < starts.each.epochs())
    }

    /// Gives model and heads other beginnings if a start begins in `epoch`.
    pub(crate) fn begin(&self, epoch: u32, seed: u64, model: &mut Autoencoder, heads: &mut ClusterHeads) {
        if self.starts.as_ref().is_some_and(|starts| starts.begins(epoch)) {
            let seed = Seed(seed).within(epoch);
            match &self.given {
                Some(given) => model.parameters_mut().assign_all(given),
                None => model.begin_anew(seed),
            }
            heads.begin_anew(seed);
        }
    }

    /// Compares the start that ends in `epoch`, if one does, with those in `history` by the `loss` of its student, which then forgets
    /// what it was taught. Whether it is the last one, after which model and heads are as the best left them.
    pub(crate) fn end(
        &mut self,
        (epoch, loss): (u32, f64),
        history: &[RefinementEpoch],
        (model, heads): (&mut Autoencoder, &mut ClusterHeads),
        student: Option<&mut ClusterStudent>,
    ) -> bool {
        let Some(starts) = self.starts.as_ref().filter(|starts| starts.ends(epoch)) else { return false };
        if let Some(student) = student {
            student.forget_names();
        }
        if starts.best(history).is_none_or(|best| loss < best.objective) {
            self.best = Some([model.parameters().copies(), heads.parameters().copies()]);
        }
        let is_last = epoch == starts.last_epoch();
        if is_last && let Some([of_model, of_heads]) = self.best.take() {
            model.parameters_mut().assign_all(&of_model);
            heads.parameters_mut().assign_all(&of_heads);
        }
        is_last
    }

    /// Writes the best start's values to `path`, if they are still wanted.
    pub(crate) fn save(&self, path: &Path, model: &Autoencoder, heads: &ClusterHeads) -> autoencoders::Result<()> {
        let Some(best) = &self.best else { return Ok(()) };
        let named = |parameters: &Parameters| -> Vec<String> {
            parameters.infos().iter().map(|info| info.name.clone()).collect()
        };
        let names = [named(model.parameters()), named(heads.parameters())].concat();
        let tensors: Vec<(&str, &Tensor)> = names.iter().map(String::as_str).zip(best.iter().flatten()).collect();
        write_tensors(path, &tensors)
    }

    /// Reads them again after `epoch`.
    pub(crate) fn restore(
        &mut self,
        epoch: u32,
        path: &Path,
        model: &Autoencoder,
        heads: &ClusterHeads,
    ) -> autoencoders::Result<()> {
        let is_wanted = |starts: &Starts| epoch >= starts.each.epochs() && epoch < starts.last_epoch();
        if !self.starts.as_ref().is_some_and(is_wanted) {
            return Ok(());
        }
        let infos = || model.parameters().infos().iter().chain(heads.parameters().infos());
        let expected: Vec<(&str, &[i64])> = infos().map(|info| (info.name.as_str(), info.shape.as_slice())).collect();
        let mut of_model = read_tensors(path, &expected)?;
        let of_heads = of_model.split_off(model.parameters().infos().len());
        self.best = Some([of_model, of_heads]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use autoencoders::{HeadsShape, describe};
    use run_store::ModelKind;
    use tch::Device;

    use super::*;

    fn protocol(recipe: &str, restarts: u32) -> Protocol {
        Protocol { restarts, ..Protocol::of(recipe.parse().unwrap()) }
    }

    #[test]
    fn starts_come_before_the_recipe_goes_on() {
        let (course, starts) = course(&protocol("contrast:2,imsat:4,student:3,aspc:1", 3));
        let starts = starts.unwrap();
        let each = starts.each().to_string();
        assert_eq!(each, "contrast:2,imsat:4,student:1");
        assert_eq!(course.to_string(), format!("{each},{each},{each},student:3,aspc:1"));
        let epochs = |is: fn(&Starts, u32) -> bool| (1..=25).filter(|epoch| is(&starts, *epoch)).collect::<Vec<u32>>();
        assert_eq!(epochs(Starts::begins), [8, 15]);
        assert_eq!(epochs(Starts::ends), [7, 14, 21]);
        assert_eq!(starts.last_epoch(), 21);
    }

    #[test]
    fn starts_know_nothing_of_each_other() {
        for (recipe, restarts, is_sound) in [
            ("contrast:1,reconstruction:1,dec:1,imsat:1,student:1,aspc:1", 2, true),
            ("dec:1", 1, true),
            ("imsat+aspc:1", 1, true),
            ("dec:1", 2, false),
            ("imsat+aspc:1", 2, false),
            ("prototypes:1,imsat:1", 2, false),
            ("student:1,imsat:1", 2, false),
        ] {
            assert_eq!(check(&protocol(recipe, restarts)).is_ok(), is_sound, "{recipe} {restarts}");
        }
    }

    #[test]
    fn one_start_is_the_recipe() {
        for (recipe, restarts) in [("contrast:2,imsat:4", 1), ("contrast:2,dec:4", 3)] {
            let (course, starts) = course(&protocol(recipe, restarts));
            assert_eq!((course.to_string().as_str(), starts), (recipe, None));
        }
    }

    fn row(epoch: u32, objective: f64) -> RefinementEpoch {
        let objectives = "student".to_owned();
        RefinementEpoch {
            epoch,
            objectives,
            objective,
            train_loss: None,
            test_loss: None,
            head_agreement: None,
            renamed: None,
        }
    }

    /// Of three starts of four epochs, also where a checkpoint lies between any two epochs.
    #[test]
    fn the_start_whose_student_has_the_lowest_loss_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("best.safetensors");
        let losses = [[-3.0, -1.0, -2.0], [-1.0, -3.0, -2.0], [-1.0, -2.0, -3.0], [-2.0, -2.0, -1.0]];
        for (losses, is_new) in losses.into_iter().zip([true, false, true, false]) {
            let description = describe(ModelKind::Ae, 2, 8, 8).unwrap();
            let mut model = Autoencoder::new(description, Device::Cpu, 0).unwrap();
            let shape = HeadsShape { heads: 2, hidden_units: 3, clusters: 4 };
            let mut heads = ClusterHeads::new(&model, shape, Device::Cpu, 0).unwrap();
            let mut student = ClusterStudent::new(&model, 4, 3, Device::Cpu).unwrap();
            let starts = course(&protocol("imsat:3", 3)).1;
            let mut values = StartValues::new(&model, is_new, starts.clone());
            let (given, mut history, mut left) = (model.parameters().copies(), Vec::new(), Vec::new());
            for epoch in 1..=12 {
                values.begin(epoch, 7, &mut model, &mut heads);
                assert!(!student.is_taught() && values.may_be_given_up(epoch));
                if epoch % 4 == 1 {
                    let is_given = model.parameters().copies() == given;
                    assert_eq!(is_given, !is_new || epoch == 1, "{losses:?} {epoch}");
                }
                // What training does.
                model
                    .parameters_mut()
                    .assign_all(&given.iter().map(|value| value + f64::from(epoch)).collect::<Vec<_>>());
                let mut loss = losses[(epoch as usize - 1) / 4];
                if epoch % 4 == 0 {
                    left.push((model.parameters().copies(), heads.parameters().copies()));
                    student.set_names(&Tensor::from_slice(&[0_i64, 1, 2]));
                } else {
                    // Those of heads are none of a student.
                    loss = -30.0 + loss * f64::from(epoch % 3);
                }
                let is_last = values.end((epoch, loss), &history, (&mut model, &mut heads), Some(&mut student));
                assert_eq!(is_last, epoch == 12);
                history.push(row(epoch, loss));
                values.save(&path, &model, &heads).unwrap();
                values.best = None;
                values.restore(epoch, &path, &model, &heads).unwrap();
            }
            let best = (0..3).min_by(|one, other| f64::total_cmp(&losses[*one], &losses[*other])).unwrap();
            assert_eq!(left[best], (model.parameters().copies(), heads.parameters().copies()), "{losses:?}");
            assert_ne!(left[0].1, left[1].1);
            assert_eq!(starts.unwrap().best(&history).unwrap().epoch, 4 * (best as u32 + 1));
            assert!(values.best.is_none() && !values.may_be_given_up(13));
            let went_on = |epoch: &u32| values.is_of_what_goes_on(*epoch, &history);
            let first = 4 * best as u32 + 1;
            assert!((1..=14).filter(went_on).eq((first..first + 4).chain([13, 14])), "{losses:?}");
        }
    }
}
