//! The stage around the refinement: what it reads, what it writes.

use anyhow::{Context, ensure};
use autoencoders::{Autoencoder, ClusterHeads, ClusterStudent, HeadsShape, MOST_AT_ONCE, Weights, describe};
use run_store::{
    Dataset, DatasetFile, FinishedStage, History, ModelDescription, ModelKind, Plan, RefineMetrics, RefinementEpoch,
    Stage, TrainMetrics, VerifiedFile, file, input, read_document, write_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute, percent};
use tch::Tensor;
use training::{Images, REPORT_COUNTS, prepare_process};

use crate::config::{Config, Origin, Protocol};
use crate::objective::Objective;
use crate::recipe::Recipe;
use crate::refinement::refine;
use crate::starts::{StartValues, Starts, check, course};
use crate::state::State;
use crate::student::Student;

/// What the manifest records.
#[derive(Serialize)]
struct Parameters<'a> {
    model: ModelKind,
    latent_dim: u32,
    #[serde(flatten)]
    protocol: &'a Protocol,
    /// What each of several starts does.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<&'a Recipe>,
}

/// The model that is refined, before it is.
struct Source {
    dataset: VerifiedFile,
    /// Of a run: its description and its weights.
    files: Option<(VerifiedFile, VerifiedFile)>,
    model: ModelKind,
    latent_dim: u32,
    train_count: u32,
    test_count: u32,
    /// The first of the training images that it learnt from.
    seen_count: u32,
    /// Whether it learnt from test images too.
    with_test: bool,
}

/// Refines the model, unless it is up to date.
///
/// # Errors
/// The model or the dataset is missing, broken, or they do not fit each other; the run has a trained model of its own; the loss
/// ceases to be finite; or the destination cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::AeRefine, None);
    if let Origin::Run(run) = &config.origin {
        ensure!(
            !run.is_same_as(&config.run),
            "{}: expected a folder for a run of its own, found the run that is refined, whose model would be lost; say another --run",
            config.run.path().display()
        );
    }
    let source = source(&config.origin)?;
    let mut protocol = config.protocol.clone();
    protocol.train_count.get_or_insert(source.train_count);
    protocol.test_count.get_or_insert(source.test_count);
    check(&protocol)?;
    let (course, starts) = course(&protocol);
    let start = starts.as_ref().map(Starts::each);
    let parameters = Parameters { model: source.model, latent_dim: source.latent_dim, protocol: &protocol, start };
    let mut plan = Plan::new(dir.clone(), &parameters)?.input(input::DATASET, &source.dataset);
    if let Some((model, weights)) = &source.files {
        plan = plan.input(input::MODEL, model).input(input::WEIGHTS, weights);
    }
    let outcome = execute(plan, options, progress, |work, progress| {
        let (device, mut environment) = prepare_process(config.device, options.threads).map_err(anyhow::Error::msg)?;
        environment.precision = protocol.precision.to_string();
        let dataset_file = DatasetFile::read(source.dataset.path())?;
        let dataset = dataset_file.dataset()?;
        let mut model = match &source.files {
            Some((description, weights)) => {
                let description: ModelDescription = read_document(description.path())?;
                description.check_images(&dataset, source.dataset.path())?;
                Autoencoder::load(description, device, weights.path())
                    .with_context(|| format!("{} and its model.json", weights.path().display()))?
            }
            None => describe(source.model, source.latent_dim, dataset.height, dataset.width)
                .and_then(|description| Autoencoder::new(description, device, protocol.seed))
                .with_context(|| source.dataset.path().display().to_string())?,
        };
        model.compute_in(protocol.precision);
        let counts = [protocol.train_count, protocol.test_count].map(Option::unwrap_or_default);
        let mut images = Images::first(&dataset, counts[0], counts[1], device)
            .with_context(|| source.dataset.path().display().to_string())?;
        if protocol.with_test {
            images.train = Tensor::cat(&[&images.train, &images.test], 0);
        }
        ensure!(
            images.train.size()[0] > 1,
            "{}: expected at least 2 training images to tell apart, found 1; use a higher --train-count",
            source.dataset.path().display()
        );
        check_batch(&model, &protocol, images.train.size()[0], &source)?;
        let clusters = protocol.clusters.unwrap_or(dataset.class_count);
        let shape = HeadsShape { heads: protocol.heads, hidden_units: protocol.hidden_units, clusters };
        let mut heads = ClusterHeads::new(&model, shape, device, protocol.seed)?;
        heads.compute_in(protocol.precision);
        let student = course.has(Objective::Student).then(|| {
            let mut network = ClusterStudent::new(&model, clusters, images.train.size()[0], device)?;
            ensure!(
                network.holds(i64::from(protocol.batch_size).min(images.train.size()[0])),
                "expected a student whose layers give at most {MOST_AT_ONCE} values for a batch, found more; use a lower --batch-size"
            );
            network.compute_in(protocol.precision);
            anyhow::Ok(Student::new(network, protocol.learning_rate))
        });
        let checkpoints = work.checkpoints();
        options.interrupt.listen();
        let networks = (heads, student.transpose()?);
        let starts = StartValues::new(&model, source.files.is_none(), starts);
        let planned = (&protocol, course.epochs());
        let mut state = State::resume(&mut model, networks, planned, starts, &checkpoints, progress)?;
        refine(&mut model, &mut state, (&protocol, &course, clusters), &images, &checkpoints, (options, progress))?;
        model.save(&work.file(file::WEIGHTS)?)?;
        write_document(&work.file(file::MODEL)?, model.description())?;
        RefinementEpoch::write(&work.file(file::HISTORY)?, &state.training.history)?;
        let folder = work.folder()?;
        state.kept.write(&model, |name| folder.join(name))?;
        let mean_squared_error = images.test_mean_squared_error(&model, protocol.batch_size);
        let metrics = metrics(&protocol, &dataset, &model, (&state, clusters, &source), mean_squared_error)?;
        write_document(&work.file(file::METRICS)?, &metrics)?;
        Ok(environment)
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

/// Checks that there is room for a batch of `count` images, each of which goes through the model twice.
fn check_batch(model: &Autoencoder, protocol: &Protocol, count: i64, source: &Source) -> anyhow::Result<()> {
    let place = source.files.as_ref().map_or_else(
        || format!("a new {} of {} latents", source.model, source.latent_dim),
        |(model, _)| model.path().display().to_string(),
    );
    ensure!(
        model.holds(2 * i64::from(protocol.batch_size).min(count)),
        "{place}: expected layers that give at most {MOST_AT_ONCE} values for a batch, found more; use a lower --batch-size"
    );
    Ok(())
}

/// Opens what is to be refined.
fn source(origin: &Origin) -> anyhow::Result<Source> {
    match origin {
        Origin::Run(run) => {
            let trained = FinishedStage::open(run.model_stage())?;
            let (model_file, weights) = (trained.file(file::MODEL)?, trained.file(file::WEIGHTS)?);
            let metrics: TrainMetrics = read_document(trained.file(file::METRICS)?.path())?;
            let with_test = run.model_stage().stage() == Stage::AeRefine
                && read_document::<RefineMetrics>(trained.file(file::METRICS)?.path())?.with_test;
            let description: ModelDescription = read_document(model_file.path())?;
            check_kind(description.model, || model_file.path().display().to_string())?;
            Ok(Source {
                dataset: trained.dataset(None)?.file(file::DATASET)?,
                files: Some((model_file, weights)),
                model: description.model,
                latent_dim: description.latent_dim,
                train_count: metrics.train_count,
                test_count: metrics.test_count,
                seen_count: trained.seen_count()?,
                with_test,
            })
        }
        Origin::Fresh { model, latent_dim, data } => {
            check_kind(*model, || "--model".to_owned())?;
            let dataset = FinishedStage::open(data.stage(Stage::MnistData, None))?.file(file::DATASET)?;
            let (train_count, test_count) = REPORT_COUNTS;
            Ok(Source {
                dataset,
                files: None,
                model: *model,
                latent_dim: *latent_dim,
                train_count,
                test_count,
                seen_count: 0,
                with_test: false,
            })
        }
    }
}

/// Checks that the model has latents to be moved freely.
fn check_kind(model: ModelKind, place: impl Fn() -> String) -> anyhow::Result<()> {
    ensure!(
        !model.is_variational(),
        "{}: expected a model that is not variational, found {model}, whose lower bound decides how its latents lie; refine an ae or a \
         cae",
        place()
    );
    Ok(())
}

fn metrics(
    protocol: &Protocol,
    dataset: &Dataset<'_>,
    model: &Autoencoder,
    (state, clusters, source): (&State, u32, &Source),
    test_mean_squared_error: f64,
) -> anyhow::Result<RefineMetrics> {
    let history = &state.training.history;
    let last = history.last().context("no epoch was trained")?;
    let (train_loss, test_loss) =
        last.train_loss.zip(last.test_loss).context("the last epoch left no losses: start over with --force")?;
    let train_count = protocol.train_count.unwrap_or_default();
    Ok(RefineMetrics {
        training: TrainMetrics {
            dataset: dataset.name.to_owned(),
            train_count,
            test_count: protocol.test_count.unwrap_or_default(),
            epochs: last.epoch,
            parameter_count: model.parameters().trainable_count(),
            train_loss,
            test_loss,
            test_mean_squared_error,
            elbo: None,
        },
        cluster_count: clusters,
        with_test: protocol.with_test || source.with_test,
        seen_count: Some(source.seen_count.max(train_count)),
        head_agreement: history
            .iter()
            .rev()
            .filter(|row| state.starts.is_of_what_goes_on(row.epoch, history))
            .find_map(|row| row.head_agreement),
        renamed: history.iter().rev().find_map(|row| row.renamed),
    })
}

fn figures(metrics: &RefineMetrics) -> Vec<(String, String)> {
    let mut figures = vec![("clusters".to_owned(), metrics.cluster_count.to_string())];
    figures.extend(metrics.head_agreement.map(|share| ("heads agree on".to_owned(), percent(share))));
    figures.extend(metrics.renamed.map(|share| ("last student named otherwise".to_owned(), percent(share))));
    figures.extend([
        ("test loss of reconstructions".to_owned(), format!("{:.4}", metrics.training.test_loss)),
        ("test mean squared error".to_owned(), format!("{:.4}", metrics.training.test_mean_squared_error)),
    ]);
    figures
}
