//! Where every image lies in each model's latent space, what it is taken for, and how the model redraws it.

use run_store::{Assignments, LatentSplits, Split, Stage, StoreError, VerifiedFile, file, one_line};
use serde::Serialize;

use super::decoder::{Decoder, PackedDecoder};
use super::images::{ImageSet, Images};
use super::parcels::{ParcelId, Parcels};
use super::quantised::{Grain, Quantised};
use crate::figures::catalogue::{Catalogue, Entry, Series};
use crate::figures::gaps::Gaps;
use crate::projection::principal_components;
use crate::source_images::dataset_of;

/// What the explorer is called where a run is left out of it.
const NAME: &str = "the latent explorer";

/// What a run without the dataset is left out of.
const DIGITS: &str = "the latent explorer's digits";

/// What a run without clusters is left out of.
const CLUSTERS: &str = "the latent explorer's clusters";

/// Images of a model, at most: as many as the study exports. All 70,000 of MNIST would leave the page no room for any.
const IMAGE_LIMIT: usize = 24_000;

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
    sample: Sample,
    /// Those that are shown.
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
        let sample = Sample::of(splits.map(|split| split.labels.len()), IMAGE_LIMIT);
        let images = Images::new(
            dataset.as_ref(),
            splits.map(|split| sample.split(&split.indices)),
            splits.map(|split| sample.split(&split.labels)),
        );
        Ok(Self { images, sample, dataset, clusters, decoder, latents })
    }

    fn pack(&self, series: &Series<'_, Self>, images: usize, parcels: &mut Parcels) -> Explorer {
        let LatentSplits { train, test } = &self.latents;
        let dimensions = train.dimensions;
        let values: Vec<f32> = train.values.iter().chain(&test.values).copied().collect();
        let shown =
            |values: &[f32]| self.sample.rows(values, dimensions).into_iter().map(f64::from).collect::<Vec<f64>>();
        let is_latent_plane = dimensions == 2;
        let (places, axes) = if is_latent_plane {
            (shown(&values), ["z00", "z01"].map(|axis| format!("latent {axis}")))
        } else {
            let components = principal_components(&values, dimensions);
            let axes = [components.axis(0), components.axis(1)];
            (self.sample.rows(&components.points, 1).into_iter().flatten().collect(), axes)
        };
        let latents = (!is_latent_plane).then(|| Quantised::pack(&shown(&values), dimensions, Grain::Coarse, parcels));
        let clusters = self.clusters.as_ref().map(|(clusters, names)| {
            let bytes: Vec<u8> = self.sample.rows(clusters, 1).into_iter().flat_map(u16::to_le_bytes).collect();
            Clusters { parcel: parcels.add(&bytes), names: names.clone() }
        });
        Explorer {
            label: one_line(&series.label) + &self.sample.text(),
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

/// Which images of a model are shown: all of them, or every second, or every third, and so on, of each split.
#[derive(Clone, Copy, Debug)]
struct Sample {
    train_count: usize,
    step: usize,
}

impl Sample {
    /// Of so many training and test images `limit` at most, or one more for the second split.
    fn of([train_count, test_count]: [usize; 2], limit: usize) -> Self {
        Self { train_count, step: (train_count + test_count).div_ceil(limit).max(1) }
    }

    /// Those of one split.
    fn split<T: Copy>(self, images: &[T]) -> Vec<T> {
        images.iter().step_by(self.step).copied().collect()
    }

    /// Those of both splits, the training images first, of `width` values each.
    fn rows<T: Copy>(self, values: &[T], width: usize) -> Vec<T> {
        let (train, test) = values.split_at(self.train_count * width);
        let rows = |split| <[T]>::chunks(split, width).step_by(self.step);
        rows(train).chain(rows(test)).flatten().copied().collect()
    }

    /// What stands behind a model's name.
    fn text(self) -> String {
        if self.step == 1 { String::new() } else { format!(", one image in {}", self.step) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_images_every_nth_of_each_split_is_shown() {
        let sample = Sample::of([5, 4], 4);
        assert_eq!(sample.text(), ", one image in 3");
        assert_eq!(sample.split(&[0, 1, 2, 3, 4]), [0, 3]);
        assert_eq!(sample.rows(&[0, 1, 2, 3, 4, 10, 11, 12, 13], 1), [0, 3, 10, 13]);
        let wide: Vec<usize> = (0..18).collect();
        assert_eq!(sample.rows(&wide, 2), [0, 1, 6, 7, 10, 11, 16, 17]);
    }

    #[test]
    fn of_few_images_all_are_shown() {
        let sample = Sample::of([20_000, 4_000], IMAGE_LIMIT);
        assert_eq!((sample.step, sample.text()), (1, String::new()));
        assert_eq!(Sample::of([0, 0], IMAGE_LIMIT).step, 1);
    }
}
