//! Latents that are streamed, row group by row group, and end in the same clusters as latents in memory.

use pipeline_tests::{Study, manifest, succeeded};
use run_store::{Assignments, ClusterMetrics, ModelKind, Stage, file, read_document};

#[test]
fn streamed_latents_end_in_the_same_clusters() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::ClusterEval);
    let read = || {
        let metrics: ClusterMetrics = read_document(&dir.file(file::METRICS)).unwrap();
        (metrics, Assignments::read(&dir.file(file::ASSIGNMENTS)).unwrap())
    };
    let (held, held_rows) = read();
    assert!(!manifest(&dir).parameters.contains_key("mini_batch"));
    let mut command = study.command(Stage::ClusterEval);
    command.arg("--mini-batch");
    succeeded(command);
    let (streamed, rows) = read();
    assert_eq!(manifest(&dir).parameters["mini_batch"], true);
    for (split, expected) in &held.splits {
        let found = &streamed.splits[split];
        assert!(
            (found.inertia / expected.inertia - 1.0).abs() < 1e-5,
            "{split}: {} and {}",
            found.inertia,
            expected.inertia
        );
        assert_eq!(found.cluster_by_class, expected.cluster_by_class);
        assert_eq!(found.silhouette.is_some(), expected.silhouette.is_some());
    }
    assert_eq!(rows.clusters, held_rows.clusters);
    assert_eq!(rows.names, held_rows.names);
    assert_eq!(rows.indices, held_rows.indices);
}
