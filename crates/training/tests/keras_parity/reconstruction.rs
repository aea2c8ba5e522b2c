//! The autoencoders.

use autoencoders::{Autoencoder, Mode, describe};
use run_store::{Layer, ModelDescription, ModelKind};
use tch::{Device, no_grad};
use training::{Loss, OptimizerRule};

use crate::comparison::Comparison;
use crate::formula::first_number;
use crate::recorded::Recorded;
use crate::subject::{Closeness, Layers, Subject};

/// The model of `description` with the formula's values.
fn load(description: &ModelDescription) -> Autoencoder {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let shape = Autoencoder::new(description.clone(), Device::Cpu, 0).unwrap();
    Layers::of(description).write_weights(first_number(description.latent_dim), shape.parameters(), &path);
    Autoencoder::load(description.clone(), Device::Cpu, &path).unwrap()
}

/// Dropout draws at random while training. The layers after it move up, as in Keras' model without it.
fn without_dropout(mut description: ModelDescription) -> ModelDescription {
    for layers in [&mut description.encoder, &mut description.decoder] {
        layers.retain(|layer| !matches!(layer, Layer::Dropout { .. }));
    }
    description
}

/// Compares a model on the first `digit_count` digits with Keras' figures under `name`.
fn compare(name: &str, whole: &ModelDescription, digit_count: i64, closeness: Closeness) {
    training::prepare_process(training::DeviceChoice::Cpu, 1).unwrap();
    let recorded = Recorded::read();
    let pixels = recorded.get("pixels").narrow(0, 0, digit_count);
    let description = without_dropout(whole.clone());
    let mut comparison = Comparison::of(name);

    for (mode_name, description, mode, closeness) in [
        ("inference", whole, Mode::Inference, Closeness::CLOSE),
        ("inference", &description, Mode::Inference, Closeness::CLOSE),
        ("training", &description, Mode::Training, closeness),
    ] {
        let model = load(description);
        let images = model.preprocess(&pixels);
        let (latents, outputs, loss) = no_grad(|| {
            let encoding = model.encode(&images, mode);
            // In training mode the running statistics move at each call, but they are not looked at.
            let logits = model.decode_logits(&encoding.mean, mode);
            let outputs = model.decode(&encoding.mean, mode);
            let loss = Loss::Bce.terms(&logits, &images, &encoding).get(0);
            (encoding.mean, outputs, loss)
        });
        for (what, found, allowed) in [
            ("latents", latents, closeness.of_outputs()),
            ("outputs", outputs, closeness.of_outputs()),
            ("loss", loss, Closeness::CLOSE.of_outputs()),
        ] {
            let expected = recorded.get(&format!("{name}/{what}/{mode_name}"));
            comparison.check(&format!("{what}, {mode_name}"), &found, expected, allowed);
        }
    }

    let layers = Layers::of(&description);
    let first_number = first_number(description.latent_dim);
    let subject = Subject { name, first_number, layers: &layers, recorded: &recorded, closeness };
    let training_loss = |model: &Autoencoder| {
        let images = model.preprocess(&pixels);
        let encoding = model.encode(&images, Mode::Training);
        let logits = model.decode_logits(&encoding.mean, Mode::Training);
        Loss::Bce.terms(&logits, &images, &encoding).get(0)
    };
    let model = load(&description);
    subject.compare_gradient(&mut comparison, model.parameters(), &training_loss(&model));
    for rule in [OptimizerRule::Nadam, OptimizerRule::Adam] {
        let model = load(&description);
        subject.compare_steps(&mut comparison, model.parameters(), rule, || training_loss(&model));
    }
    comparison.finish();
}

fn described(kind: ModelKind, latent_size: u32) -> ModelDescription {
    describe(kind, latent_size, 28, 28).unwrap()
}

#[test]
fn ae_with_2_latents() {
    compare("ae_2", &described(ModelKind::Ae, 2), 8, Closeness::CLOSE);
}

#[test]
fn ae_with_32_latents() {
    compare("ae_32", &described(ModelKind::Ae, 32), 8, Closeness::CLOSE);
}

#[test]
fn cae_with_2_latents() {
    compare("cae_2", &described(ModelKind::Cae, 2), 8, Closeness::MANY_PIXELS);
}

#[test]
fn cae_with_32_latents() {
    compare("cae_32", &described(ModelKind::Cae, 32), 8, Closeness::MANY_PIXELS);
}

/// One digit has few enough pixels for close statistics, and shows which variance the running one follows: with so few
/// values, the biased and the unbiased differ visibly.
#[test]
fn cae_with_2_latents_and_one_digit() {
    compare("cae_2_one_digit", &described(ModelKind::Cae, 2), 1, Closeness::CLOSE);
}

#[test]
fn cae_with_32_latents_and_one_digit() {
    compare("cae_32_one_digit", &described(ModelKind::Cae, 32), 1, Closeness::CLOSE);
}
