//! One step: the sum of a phase's objectives on a batch.

use autoencoders::{Autoencoder, ClusterHeads, Mode};
use tch::{Kind, Tensor};
use training::Loss;

use crate::config::Protocol;
use crate::objective::{Objective, aspc, dec};
use crate::recipe::Phase;

/// What was found out about all images, as they are, before an epoch: one row for each.
#[derive(Debug, Default)]
pub(crate) struct Aims {
    /// N × clusters: what soft assignments approach, for `dec`.
    pub target: Option<Tensor>,
    /// The centre of each image, N × latent, and N of 0 or 1, whether it takes part; for `aspc`.
    pub centres: Option<(Tensor, Tensor)>,
}

/// What became of a batch.
pub(crate) struct StepLoss {
    /// What the step lowers.
    pub total: Tensor,
    /// The loss of each active head, if there are any in the phase: as many values.
    pub heads: Option<Tensor>,
    /// The cluster that each active head names, images × heads, i64; likewise.
    pub named: Option<Tensor>,
}

/// The loss of the images in `rows` of all, `pixels`.
pub(crate) fn step_loss(
    (model, heads, active): (&Autoencoder, &ClusterHeads, &[usize]),
    protocol: &Protocol,
    phase: &Phase,
    aims: &Aims,
    (pixels, rows): (&Tensor, &Tensor),
) -> StepLoss {
    let images = model.preprocess(pixels);
    let (height, width) = (model.description().image_height, model.description().image_width);
    let moved = protocol.augmentation.apply(&images, i64::from(height), i64::from(width));
    let count = images.size()[0];
    let halves = |both: &Tensor| (both.narrow(0, 0, count), both.narrow(0, count, count));
    let features = model.features(&Tensor::cat(&[&images, &moved], 0), Mode::Training);
    let encoding = model.encode_features(&features, Mode::Training);
    let (latents, moved_latents) = halves(&encoding.mean);
    let mut terms = Vec::new();
    let mut of_heads = (None, None);
    let reconstruction = || {
        let logits = model.decode_logits(&latents, Mode::Training);
        Loss::Bce.terms(&logits, &images, &encoding).get(0) * protocol.reconstruction_weight
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
                let logits = heads.logits(&features, active);
                let losses: Vec<Tensor> = logits
                    .iter()
                    .map(|both| {
                        let (logits, moved_logits) = halves(both);
                        protocol.imsat.loss(&logits, &moved_logits)
                    })
                    .collect();
                let named: Vec<Tensor> = logits.iter().map(|both| halves(both).0.argmax(1, false)).collect();
                let losses = Tensor::stack(&losses, 0);
                terms.push(losses.sum(Kind::Float));
                of_heads = (Some(losses.detach()), Some(Tensor::stack(&named, 1)));
            }
            Objective::Dec => terms.extend(divergence()),
            Objective::Idec => {
                terms.extend(divergence());
                terms.push(reconstruction());
            }
            Objective::Aspc => terms.extend(aims.centres.as_ref().map(|(centres, taking_part)| {
                let (centres, taking_part) = (centres.index_select(0, rows), taking_part.index_select(0, rows));
                let loss = |latents: &Tensor| aspc::loss(latents, &centres, &taking_part, protocol.radius);
                (loss(&latents) + loss(&moved_latents)) * (0.5 * protocol.aspc_weight)
            })),
        }
    }
    let total = Tensor::stack(&terms, 0).sum(Kind::Float);
    StepLoss { total, heads: of_heads.0, named: of_heads.1 }
}
