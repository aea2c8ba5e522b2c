//! Where every image lies in each model's latent space, what it is taken for, and how the model redraws it.

use run_store::{Assignments, LatentSplits, Split, Stage, StoreError, VerifiedFile, file};
use serde::Serialize;

use super::decoder::{Decoder, PackedDecoder};
use super::images::{ImageSet, Images};
use super::parcels::{ParcelId, Parcels};
use super::quantised::{Grain, Quantised};
use crate::figures::catalogue::{Catalogue, Entry, Series};
use crate::figures::gaps::Gaps;
use crate::projection::principal_components;
use crate::source_images::dataset_of;
use crate::text::one_line;

/// What the explorer is called where a run is left out of it.
const NAME: &str = "the latent explorer";

/// What a run without the dataset is left out of.
const DIGITS: &str = "the latent explorer's digits";

/// What a run without clusters is left out of.
const CLUSTERS: &str = "the latent explorer's clusters";

/// One model's latents, those of the training images first.
#[derive(Debug, Serialize)]
pub(super) struct Explorer {
    label: String,
    run: String,
    /// The position of its images among the sets of images.
    images: usize,
    /// Where each image is shown: its latent, where that has two dimensions, else its first two principal components.
    places: Quantised,
    axes: [String; 2],
    /// Whether a place is a latent.
    is_latent_plane: bool,
    /// Latents that are no places.
    latents: Option<Quantised>,
    decoder: PackedDecoder,
    clusters: Option<Clusters>,
}

/// The K-means clusters of a model's latents.
#[derive(Debug, Serialize)]
struct Clusters {
    /// The cluster of each image, 16 bits each, the lower byte first.
    parcel: ParcelId,
    /// The digit that each cluster is named after; `null` where it has no name.
    names: Vec<Option<u8>>,
}

/// What is read of a run.
struct Explored {
    latents: LatentSplits,
    images: Images,
    dataset: Option<VerifiedFile>,
    clusters: Option<(Vec<u16>, Vec<Option<u8>>)>,
    decoder: Decoder,
}

/// The sets of images, and the first run of each model as far as there is room.
pub(super) fn explorers(
    catalogue: &Catalogue,
    gaps: &mut Gaps,
    parcels: &mut Parcels,
) -> (Vec<ImageSet>, Vec<Explorer>) {
    let stages = [Stage::AeTrain, Stage::LatentExport];
    let series = catalogue.series(NAME, &stages, true, gaps, |entry, gaps| Explored::read(entry, gaps).map(Some));
    let mut known: Vec<Images> = Vec::new();
    let (mut sets, mut explorers) = (Vec::new(), Vec::new());
    for series in &series {
        let Some(read) = series.members.first() else { continue };
        let position = known.iter().position(|images| *images == read.images);
        let added = parcels.if_it_fits(|parcels| {
            let set = position.is_none().then(|| read.images.pack(read.dataset.as_ref(), parcels)).transpose()?;
            Ok::<_, StoreError>((set, read.pack(series, position.unwrap_or(known.len()), parcels)))
        });
        match added {
            Ok(Some((set, explorer))) => {
                if let Some(set) = set {
                    known.push(read.images.clone());
                    sets.push(set);
                }
                explorers.push(explorer);
            }
            Ok(None) => gaps.has_no_room(series.first, NAME),
            Err(error) => gaps.cannot_use(series.first, &error, NAME),
        }
    }
    (sets, explorers)
}

impl Explored {
    fn read(entry: &Entry, gaps: &mut Gaps) -> Result<Self, StoreError> {
        let exported = entry.finished(Stage::LatentExport)?;
        let (train, test) = (exported.file(file::TRAIN_LATENTS)?, exported.file(file::TEST_LATENTS)?);
        let latents = LatentSplits::read(&exported, [&train, &test])?;
        let decoder = Decoder::read(entry)?;
        decoder.check_latents(latents.train.dimensions, train.path())?;
        let dataset = match dataset_of(&exported) {
            Ok(dataset) => Some(dataset),
            Err(error) => {
                gaps.cannot_use(entry, &error, DIGITS);
                None
            }
        };
        let clusters = match entry.has(Stage::ClusterEval).then(|| clusters(entry, &latents)) {
            Some(Ok(clusters)) => Some(clusters),
            Some(Err(error)) => {
                gaps.cannot_use(entry, &error, CLUSTERS);
                None
            }
            None => {
                gaps.lacks(entry, Stage::ClusterEval, CLUSTERS);
                None
            }
        };
        let splits = [&latents.train, &latents.test];
        let images = Images::new(
            dataset.as_ref(),
            splits.map(|split| split.indices.clone()),
            splits.map(|split| split.labels.clone()),
        );
        Ok(Self { images, dataset, clusters, decoder, latents })
    }

    fn pack(&self, series: &Series<'_, Self>, images: usize, parcels: &mut Parcels) -> Explorer {
        let LatentSplits { train, test } = &self.latents;
        let dimensions = train.dimensions;
        let values: Vec<f32> = train.values.iter().chain(&test.values).copied().collect();
        let exact = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
        let is_latent_plane = dimensions == 2;
        let (places, axes) = if is_latent_plane {
            (exact(&values), ["z00", "z01"].map(|axis| format!("latent {axis}")))
        } else {
            let components = principal_components(&values, dimensions);
            let axes = [components.axis(0), components.axis(1)];
            (components.points.into_iter().flatten().collect(), axes)
        };
        let latents = (!is_latent_plane).then(|| Quantised::pack(&exact(&values), dimensions, Grain::Coarse, parcels));
        let clusters = self.clusters.as_ref().map(|(clusters, names)| {
            let bytes: Vec<u8> = clusters.iter().flat_map(|cluster| cluster.to_le_bytes()).collect();
            Clusters { parcel: parcels.add(&bytes), names: names.clone() }
        });
        Explorer {
            label: one_line(&series.label),
            run: one_line(&series.first.name),
            images,
            places: Quantised::pack(&places, 2, Grain::Fine, parcels),
            axes,
            is_latent_plane,
            latents,
            decoder: self.decoder.pack(parcels),
            clusters,
        }
    }
}

/// The cluster of each image, and the clusters' names.
fn clusters(entry: &Entry, latents: &LatentSplits) -> Result<(Vec<u16>, Vec<Option<u8>>), StoreError> {
    let path = entry.file(Stage::ClusterEval, file::ASSIGNMENTS)?;
    let assignments = Assignments::read(&path)?;
    let train = assignments.named_clusters(Split::Train, &latents.train, &path)?;
    let test = assignments.named_clusters(Split::Test, &latents.test, &path)?;
    let (mut clusters, mut names) = (Vec::new(), Vec::new());
    for (cluster, name) in train.chain(test) {
        let cluster = u16::try_from(cluster).map_err(|_| {
            let problem = format!("expected at most {} clusters, found cluster {cluster}", u16::MAX);
            StoreError::invalid(&path, problem, "rerun cluster-eval with fewer")
        })?;
        let position = usize::from(cluster);
        names.resize(names.len().max(position + 1), None);
        names[position] = name;
        clusters.push(cluster);
    }
    Ok((clusters, names))
}
