//! The contract between stages: everything that one stage writes and another reads.
//!
//! - [`RunDir`], [`StageDir`] and [`Stage`] spell every path of a run.
//! - [`Manifest`] says what a stage folder holds, from what it was made, and how; it is written last.
//! - [`Plan`] decides whether a stage has to run again, and says why; [`Work`] writes its folder atomically, under a lock.
//! - [`ProjectorDir`] is what runs are exported to for others to look at: TensorBoard's embedding projector.
//! - The document types ([`ModelDescription`], the metrics) are versioned JSON; the tables ([`Latents`], [`TrainingEpoch`], [`ClassifierEpoch`],
//!   [`Reconstructions`], [`DecodedSheet`], [`ReconstructionReading`], [`Assignments`]) are Parquet; [`KMeansModel`] and the prepared [`Dataset`] are bincode behind a header;
//!   weights are [`NamedTensor`]s in safetensors.
//! - [`Growth`] is not of a run: it is what the scripts that time stages leave to be drawn.
//!
//! This crate never computes a result: no libtorch, no clustering, no command line. A stage that needs another stage's
//! output finds its type here and nowhere else.

mod agreement;
mod artifacts;
mod assignments;
mod bounds;
mod checkpoint;
mod choice;
mod cluster_counts;
mod codec;
mod contained;
mod dataset;
mod decoded;
mod document;
mod error;
mod finished;
mod folder_replacement;
mod foreign;
mod growth;
mod hash;
mod history;
mod kmeans;
mod latents;
mod latents_file;
mod layout;
mod lock;
mod manifest;
mod metrics;
mod model;
mod names;
mod opened;
mod parquet_bounds;
mod parquet_footer;
mod parquet_grammar;
mod plan;
mod projector;
mod readings;
mod reconstructions;
mod replace;
mod table;
mod tensors;
mod thrift;
mod work;

pub use agreement::KEPT_EPOCH_LIMIT;
pub use artifacts::{ArtifactsDir, FiguresDir, free_name};
pub use assignments::{Assignments, AssignmentsWriter, Clustered};
pub use checkpoint::{Checkpoint, Checkpoints};
pub use cluster_counts::{ClusterCount, ClusterCounts};
pub use contained::contain_panics;
pub use dataset::{CLASS_LIMIT, Dataset, DatasetFile, LabelledImages, write_dataset};
pub use decoded::{DecodedLatent, DecodedSheet};
pub use document::{Document, document_text, read_document, schema_version, write_document};
pub use error::{Result, StoreError};
pub use finished::{FinishedStage, VerifiedFile};
pub use growth::{Growth, GrowthLine, GrowthPoint, Measure, Quantity, StraightLine};
pub use hash::{ContentHash, hash_bytes, hash_file};
pub use history::{ClassifierEpoch, ElboEpoch, ElboParts, History, RefinementEpoch, TrainingEpoch};
pub use kmeans::KMeansModel;
pub use latents::{LatentSplits, LatentWriter, Latents, LatentsHeader};
pub use latents_file::LatentsFile;
pub use layout::{RunDir, Split, Stage, StageDir, file, input, parameter, prepared_dataset, raw_dataset};
pub use manifest::{Environment, FileRecord, InputRecord, Manifest, Versions};
pub use metrics::{
    ClassMetrics, ClassifyMetrics, ClassifySplitMetrics, ClusterMetrics, ClusterSplitMetrics, DatasetMetrics,
    ReadableCounts, ReaderMetrics, ReconstructionEpoch, ReconstructionMetrics, RefineMetrics, SilhouetteMetrics,
    TrainMetrics,
};
pub use model::{ClassifierDescription, LATENT_DIM_LIMIT, Layer, ModelDescription, ModelKind, ReaderDescription};
pub use names::{one_line, parse_name, parse_run, parse_tag, printable, quoted};
pub use plan::{Decision, Plan, Reason};
pub use projector::{Point, PointImages, ProjectorDir, ProjectorWork};
pub use readings::{Reading, ReconstructionReading};
pub use reconstructions::{REDRAWN_COUNT, Reconstruction, Reconstructions};
pub use replace::replace_file;
pub use tensors::{NamedTensor, read_tensors, write_tensors};
pub use work::Work;
