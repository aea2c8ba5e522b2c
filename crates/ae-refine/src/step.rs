//! One step: the sum of a phase's objectives on a batch.

use autoencoders::{Autoencoder, ClusterHeads, ClusterStudent, Mode};
use tch::{Kind, Tensor};
use training::Loss;

use crate::aims::Aims;
use crate::config::Protocol;
use crate::objective::{Objective, aspc, dec, student};
use crate::recipe::Phase;

/// What a step may move.
#[derive(Clone, Copy)]
pub(crate) struct Networks<'a> {
    pub model: &'a Autoencoder,
    pub heads: &'a ClusterHeads,
    /// If the recipe has one.
    pub student: Option<&'a ClusterStudent>,
}

/// What became of a batch.
pub(crate) struct StepLoss {
    /// What the step lowers.
    pub total: Tensor,
    /// The clusters that the heads name, images × heads, i64, if any head is in the phase.
    pub named: Option<Tensor>,
}

/// The loss of the images in `rows` of all, `pixels`.
pub(crate) fn step_loss(
    networks: Networks<'_>,
    protocol: &Protocol,
    phase: &Phase,
    aims: &Aims,
    (pixels, rows): (&Tensor, &Tensor),
) -> StepLoss {
    let description = networks.model.description();
    let images = networks.model.preprocess(pixels);
    let (height, width) = (i64::from(description.image_height), i64::from(description.image_width));
    let moved = protocol.augmentation.apply(&images, height, width);
    let mut terms = Vec::new();
    if let Some(network) = networks.student.filter(|_| phase.has(Objective::Student)) {
        let names = network.names().index_select(0, rows);
        terms.push(student::loss(&network.logits(&moved, Mode::Training), &names));
    }
    let mut named = None;
    if phase.moves_model() {
        let (of_model, of_heads) = model_terms(networks, protocol, phase, aims, (&images, &moved, rows));
        terms.extend(of_model);
        named = of_heads;
    }
    StepLoss { total: Tensor::stack(&terms, 0).sum(Kind::Float), named }
}

/// The terms that move the model, of `images` and their moved forms; with what the heads name, as in [`StepLoss`].
fn model_terms(
    networks: Networks<'_>,
    protocol: &Protocol,
    phase: &Phase,
    aims: &Aims,
    (images, moved, rows): (&Tensor, &Tensor, &Tensor),
) -> (Vec<Tensor>, Option<Tensor>) {
    let Networks { model, heads, .. } = networks;
    let count = images.size()[0];
    let halves = |both: &Tensor| (both.narrow(0, 0, count), both.narrow(0, count, count));
    let features = model.features(&Tensor::cat(&[images, moved], 0), Mode::Training);
    let encoding = model.encode_features(&features, Mode::Training);
    let (latents, moved_latents) = halves(&encoding.mean);
    let (mut terms, mut of_heads) = (Vec::new(), None);
    let reconstruction = || {
        let logits = model.decode_logits(&latents, Mode::Training);
        Loss::Bce.terms(&logits, images, &encoding).get(0) * protocol.reconstruction_weight
    };
    let divergence = || {
        let target = aims.target.as_ref().map(|target| target.index_select(0, rows));
        let assigned = dec::soft_assignment(&moved_latents, heads.centroids());
        target.map(|target| dec::loss(&target, &assigned) * protocol.dec_weight)
    };
    for objective in &phase.objectives {
        match objective {
            Objective::Contrast => terms.push(protocol.contrast.of(&latents, &moved_latents)),
            Objective::Reconstruction => terms.push(reconstruction()),
            Objective::Imsat => {
                let mut named = Vec::new();
                for both in heads.logits(&features) {
                    let (logits, moved_logits) = halves(&both);
                    terms.push(protocol.imsat.loss(&logits, &moved_logits));
                    named.push(logits.argmax(1, false));
                }
                of_heads = Some(Tensor::stack(&named, 1));
            }
            Objective::Dec => terms.extend(divergence()),
            Objective::Idec => {
                terms.extend(divergence());
                terms.push(reconstruction());
            }
            Objective::Student => (),
            Objective::Aspc => terms.extend(aims.centred.as_ref().map(|centred| {
                let centres = centred.centres.index_select(0, &centred.named.index_select(0, rows));
                let taking_part = centred.taking_part.index_select(0, rows);
                let loss = |latents: &Tensor| aspc::loss(latents, &centres, &taking_part, protocol.radius);
                (loss(&latents) + loss(&moved_latents)) * (0.5 * protocol.aspc_weight)
            })),
            Objective::Prototypes => terms.extend(aims.centred.as_ref().map(|centred| {
                let named = centred.named.index_select(0, rows);
                let loss =
                    |latents: &Tensor| protocol.prototypes.loss(latents, &centred.centres, &named, protocol.radius);
                (loss(&latents) + loss(&moved_latents)) * (0.5 * protocol.prototypes.prototype_weight)
            })),
        }
    }
    (terms, of_heads)
}
