//! The points of a run.

use run_store::{Assignments, FinishedStage, LatentSplits, Point, Split, Stage, file};

use crate::collect::Run;
use crate::stage::StageState;
use crate::text::full;

/// The latents of a run, those of the training images first, and what is known of each.
pub(super) struct Points {
    pub known: Vec<Point>,
    /// Why clusters are not among what is known.
    pub without_clusters: Option<String>,
    /// The stage that made the latents.
    pub exported: FinishedStage,
    latents: LatentSplits,
    /// How many latents there are at most of a split.
    count: usize,
}

impl Points {
    /// Reads the first `count` points of each split, or says why the run has none.
    pub fn read(run: &Run, count: usize) -> Result<Self, String> {
        let exported = open(run, Stage::LatentExport)?;
        let files = exported
            .file(file::TRAIN_LATENTS)
            .and_then(|train| Ok((train, exported.file(file::TEST_LATENTS)?)))
            .map_err(|error| full(&error))?;
        let latents = LatentSplits::read(&exported, [&files.0, &files.1]).map_err(|error| full(&error))?;
        let mut points = Self { known: Vec::new(), without_clusters: None, exported, latents, count };
        let clusters = points.clusters(run);
        for (split, latents) in [(Split::Train, &points.latents.train), (Split::Test, &points.latents.test)] {
            let images = latents.indices.iter().zip(&latents.labels).take(count);
            let known = images.map(|(index, label)| Point { split, index: *index, label: *label, cluster: None });
            points.known.extend(known);
        }
        match clusters {
            Err(why) => points.without_clusters = Some(why),
            Ok(clusters) => {
                for (point, cluster) in points.known.iter_mut().zip(clusters) {
                    point.cluster = Some(cluster);
                }
            }
        }
        Ok(points)
    }

    /// Values in a latent.
    pub fn dimensions(&self) -> usize {
        self.latents.train.dimensions
    }

    /// The latents, in the order of what is known of them.
    pub fn latents(&self) -> impl Iterator<Item = &[f32]> {
        let splits = [&self.latents.train, &self.latents.test];
        splits.into_iter().flat_map(|split| split.values.chunks_exact(split.dimensions).take(self.count))
    }

    /// The cluster of each point and the class that this is named after.
    fn clusters(&self, run: &Run) -> Result<Vec<(u32, Option<u8>)>, String> {
        let clustered = open(run, Stage::ClusterEval)?;
        let path = clustered.file(file::ASSIGNMENTS).map_err(|error| full(&error))?.path().to_owned();
        let assignments = Assignments::read(&path).map_err(|error| full(&error))?;
        let mut clusters = Vec::new();
        for (split, latents) in [(Split::Train, &self.latents.train), (Split::Test, &self.latents.test)] {
            let named = assignments.named_clusters(split, latents, &path).map_err(|error| full(&error))?;
            clusters.extend(named.take(self.count));
        }
        Ok(clusters)
    }
}

/// Opens the folder of `stage`, or says why its result cannot be used.
fn open(run: &Run, stage: Stage) -> Result<FinishedStage, String> {
    if let Some(record) = run.stages.get(&stage).filter(|record| record.state != StageState::Finished) {
        return Err(record.lack(stage));
    }
    FinishedStage::open(run.stage_dir(stage)).map_err(|error| full(&error))
}
