//! The classifier of latents.

use autoencoders::{Classifier, Mode, describe_classifier};
use run_store::ClassifierDescription;
use tch::{Device, Kind, Tensor, no_grad};
use training::OptimizerRule;

use crate::comparison::Comparison;
use crate::formula::{first_number, values};
use crate::recorded::Recorded;
use crate::subject::{Closeness, Layers, Subject};

const CLASS_COUNT: u32 = 10;
const LATENTS_NUMBER: u64 = 1000;

/// The classifier of `description` with the formula's values.
fn load(description: &ClassifierDescription, layers: &Layers) -> Classifier {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let shape = Classifier::new(description, Device::Cpu, 0).unwrap();
    layers.write_weights(first_number(description.latent_dim), shape.parameters(), &path);
    Classifier::load(description, Device::Cpu, &path).unwrap()
}

fn compare(latent_size: u32) {
    training::prepare_process(training::DeviceChoice::Cpu, 1).unwrap();
    let name = format!("classifier_{latent_size}");
    let recorded = Recorded::read();
    let description = describe_classifier(latent_size, CLASS_COUNT);
    let layers = Layers(vec![("classifier", description.layers.clone())]);
    let labels = recorded.get("labels").to_kind(Kind::Int64);
    let count = labels.numel() as u64 * u64::from(latent_size);
    let latents = Tensor::from_slice(&values(LATENTS_NUMBER, count, 0.0, 2.0)).view([-1, i64::from(latent_size)]);
    let loss = |classifier: &Classifier, mode| classifier.logits(&latents, mode).cross_entropy_for_logits(&labels);
    let mut comparison = Comparison::of(&name);

    let classifier = load(&description, &layers);
    let probabilities = no_grad(|| classifier.logits(&latents, Mode::Inference).softmax(-1, Kind::Float));
    let inferred = no_grad(|| loss(&classifier, Mode::Inference));
    for (what, found) in [("probabilities", probabilities), ("loss", inferred)] {
        let expected = recorded.get(&format!("{name}/{what}"));
        comparison.check(what, &found, expected, Closeness::CLOSE.of_outputs());
    }

    let subject = Subject {
        name: &name,
        first_number: first_number(latent_size),
        layers: &layers,
        recorded: &recorded,
        closeness: Closeness::CLOSE,
    };
    let parameters = classifier.parameters();
    subject.compare_gradient(&mut comparison, parameters, &loss(&classifier, Mode::Training));
    subject.compare_steps(&mut comparison, parameters, OptimizerRule::Adam, || loss(&classifier, Mode::Training));
    comparison.finish();
}

#[test]
fn classifier_of_2_latents() {
    compare(2);
}

#[test]
fn classifier_of_32_latents() {
    compare(32);
}
