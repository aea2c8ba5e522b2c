//! The soak: the stages' own `run`, again and again in one process, must not take more memory nor keep more files open.
//!
//! A short form is among the tests; `scripts/soak` runs it at length. Each stage prints a row of a table.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;

use pipeline_tests::{Study, memory_kib, slice};
use run_store::{ModelKind, RunDir, Stage};
use stage_cli::{Interrupt, Options, Silent, Summary};
use training::{DeviceChoice, Preset};

/// How often each stage runs.
const RUNS: &str = "LATENT_STUDY_SOAK";
const RUNS_IN_A_TEST: u32 = 16;

/// By how much what is allocated may grow, in KiB: threads keep a little of what they free. A leak raises it run by run.
const ALLOCATED_SLACK: u64 = 1 << 10;

/// What an allocator may keep for a while beyond what is allocated, in KiB. Of the convolutional networks that reader-train and
/// ae-refine train glibc holds some 30 MiB more or less after a run, up and down over 200 runs.
fn slack(stage: Stage) -> u64 {
    if matches!(stage, Stage::ReaderTrain | Stage::AeRefine) { 64 << 10 } else { 4 << 10 }
}

/// This process, as the system sees it.
#[derive(Clone, Copy)]
struct Usage {
    allocated_kib: u64,
    resident_kib: u64,
    open_files: usize,
}

impl Usage {
    fn now() -> Self {
        give_back_freed_memory();
        let resident_kib = memory_kib("self", "VmRSS").unwrap();
        let open_files = fs::read_dir("/proc/self/fd").unwrap().count();
        Self { allocated_kib: allocated_kib(), resident_kib, open_files }
    }

    /// The least of each, over some runs.
    fn least(part: &[Self]) -> Self {
        Self {
            allocated_kib: part.iter().map(|usage| usage.allocated_kib).min().unwrap(),
            resident_kib: part.iter().map(|usage| usage.resident_kib).min().unwrap(),
            open_files: part.iter().map(|usage| usage.open_files).min().unwrap(),
        }
    }

    /// Whether it is more than `early` by more than chance, after runs of `stage`.
    fn has_grown_since(self, early: Self, stage: Stage) -> bool {
        self.allocated_kib > early.allocated_kib + ALLOCATED_SLACK
            || self.resident_kib > early.resident_kib + slack(stage)
            || self.open_files > early.open_files
    }
}

/// What was allocated and not freed, of all that goes through malloc, as libtorch's memory and ours does.
#[cfg(target_env = "gnu")]
fn allocated_kib() -> u64 {
    #[expect(unsafe_code, reason = "mallinfo2 only reads the allocator's counts")]
    let counts = unsafe { libc::mallinfo2() };
    ((counts.uordblks + counts.hblkhd) / 1024) as u64
}

#[cfg(not(target_env = "gnu"))]
fn allocated_kib() -> u64 {
    0
}

/// What is freed stays with the process, as a training has it, and how much of it lies about is chance.
fn give_back_freed_memory() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "malloc_trim touches nothing but memory that nobody uses")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Runs `stage` from the start.
fn run(stage: Stage, study: &Study) -> anyhow::Result<Summary> {
    let options =
        Options { force: true, dry_run: false, quiet: true, json: false, threads: 1, interrupt: Interrupt::default() };
    let progress = &mut Silent;
    let run = RunDir::new(study.dir(stage).run());
    let data = RunDir::new(study.dir(Stage::MnistData).run());
    let device = DeviceChoice::Cpu;
    match stage {
        Stage::MnistData => {
            let config = mnist_data::Config::quartet(run, "mnist".to_owned(), &slice())?;
            mnist_data::run(&config, &options, progress)
        }
        Stage::ReaderTrain => {
            let protocol = reader_train::Protocol { first: 256, count: 256, epochs: 1, ..Default::default() };
            reader_train::run(&reader_train::Config { run, protocol, device }, &options, progress)
        }
        Stage::AeTrain => {
            let reference = ae_train::Protocol::of(Preset::Reference, Some(ModelKind::Ae));
            let (train_count, test_count) = (256, 64);
            let protocol =
                ae_train::Protocol { latent_dim: 2, epochs: 2, batch_size: 64, train_count, test_count, ..reference };
            ae_train::run(&ae_train::Config { run, data, protocol, device }, &options, progress)
        }
        Stage::AeRefine => {
            let recipe =
                "contrast:1,imsat:1,student:1,prototypes+aspc+reconstruction:1".parse().map_err(anyhow::Error::msg)?;
            let protocol = ae_refine::Protocol { heads: 3, batch_size: 64, ..ae_refine::Protocol::of(recipe) };
            let origin = ae_refine::Origin::Run(study.run());
            ae_refine::run(&ae_refine::Config { run, origin, protocol, device }, &options, progress)
        }
        Stage::LatentExport => {
            let (train_count, test_count) = (None, None);
            let config =
                latent_export::Config { run, data: Some(data), train_count, test_count, with_logvar: false, device };
            latent_export::run(&config, &options, progress)
        }
        Stage::ClusterEval => {
            let parameters = cluster_eval::Parameters {
                k: None,
                restarts: 3,
                iterations: 100,
                tolerance: 1e-4,
                silhouette_sample: 1000,
                seed: 0,
                mini_batch: false,
            };
            cluster_eval::run(&cluster_eval::Config { run, tag: None, parameters }, &options, progress)
        }
        Stage::LatentClassify => {
            let protocol = latent_classify::Protocol { epochs: 3, ..latent_classify::Protocol::of(Preset::Reference) };
            latent_classify::run(&latent_classify::Config { run, tag: None, protocol, device }, &options, progress)
        }
        Stage::ReconEval => recon_eval::run(&recon_eval::Config { run, reader: None, device }, &options, progress),
    }
}

#[test]
fn memory_and_open_files_stay_flat() {
    let runs = std::env::var(RUNS).map_or(RUNS_IN_A_TEST, |text| text.parse().unwrap());
    let study = Study::empty(ModelKind::Ae);
    let mut grown = Vec::new();
    for stage in Stage::ALL {
        let mut after = Vec::new();
        for _ in 0..runs {
            run(stage, &study).unwrap();
            after.push(Usage::now());
        }
        // Of the second quarter, by when libraries have what they keep, and of the last.
        let quarter = after.len() / 4;
        let (early, last) = (Usage::least(&after[quarter..2 * quarter]), Usage::least(&after[after.len() - quarter..]));
        let highest = after.iter().map(|usage| usage.resident_kib).max().unwrap_or(0);
        let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
        println!(
            "\n| {stage} | {runs} | {} | {} | {} | {} | {} | {} | {} |",
            mib(early.allocated_kib),
            mib(last.allocated_kib),
            mib(early.resident_kib),
            mib(last.resident_kib),
            mib(highest),
            early.open_files,
            last.open_files
        );
        if last.has_grown_since(early, stage) {
            grown.push(stage);
        }
    }
    assert!(grown.is_empty(), "what these take grows with each run: {grown:?}");
}
