//! The stage around the training: what it reads, what it writes.

use anyhow::{Context, ensure};
use autoencoders::{Autoencoder, Weights, describe_departing};
use run_store::{
    Dataset, DatasetFile, FinishedStage, History, KEPT_EPOCH_LIMIT, Plan, Stage, TrainMetrics, TrainingEpoch, file,
    input, write_document,
};
use stage_cli::{Options, Progress, Summary, execute};
use training::{Images, Loss, prepare_process};

use crate::config::{Config, Protocol};
use crate::prior::{self, KEPT_SAMPLES};
use crate::state::State;
use crate::train::train;

/// Trains the model, unless it is up to date.
///
/// # Errors
/// The dataset is missing, broken or too small; the model does not fit it; the loss ceases to be finite; or the
/// destination cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    check_loss(&config.protocol)?;
    check_kept(&config.protocol)?;
    let dir = config.run.stage(Stage::AeTrain, None);
    let data = FinishedStage::open(config.data.stage(Stage::MnistData, None))?;
    let dataset = data.file(file::DATASET)?;
    let resumed_across: &[&str] =
        if config.protocol.depends_on_length() { &["keep_epochs"] } else { &["epochs", "keep_epochs"] };
    let plan = Plan::new(dir.clone(), &config.protocol)?.input(input::DATASET, &dataset).resumed_across(resumed_across);
    let outcome = execute(plan, options, progress, |work, progress| {
        let (device, mut environment) = prepare_process(config.device, options.threads).map_err(anyhow::Error::msg)?;
        let protocol = &config.protocol;
        environment.precision = protocol.precision.to_string();
        let dataset_file = DatasetFile::read(dataset.path())?;
        let dataset = dataset_file.dataset()?;
        let images = Images::first(&dataset, protocol.train_count, protocol.test_count, device)
            .with_context(|| format!("{}", config.data.path().display()))?;
        let (height, width) = (dataset.height, dataset.width);
        let mut model = describe_departing(protocol.model, protocol.latent_dim, height, width, protocol.departures())
            .and_then(|description| Autoencoder::new(description, device, protocol.seed))
            .with_context(|| config.data.path().display().to_string())?;
        if protocol.output_bias != 0.0 {
            model.begin_output_at(protocol.output_bias);
        }
        model.compute_in(protocol.precision);
        let checkpoints = work.checkpoints();
        options.interrupt.listen();
        let mut state = State::resume(&mut model, protocol, &checkpoints, progress)?;
        train(&model, &mut state, protocol, &images, &checkpoints, (options, progress))?;
        model.save(&work.file(file::WEIGHTS)?)?;
        write_document(&work.file(file::MODEL)?, model.description())?;
        TrainingEpoch::write(&work.file(file::HISTORY)?, &state.training.history)?;
        let folder = work.folder()?;
        state.kept.write(&model, |name| folder.join(name))?;
        if protocol.model.is_variational() {
            prior::samples(&model, KEPT_SAMPLES, protocol.seed)?.write(&work.file(file::PRIOR_SAMPLES)?)?;
            if protocol.latent_dim == 2 {
                prior::grid(&model)?.write(&work.file(file::PRIOR_GRID)?)?;
            }
        }
        let mean_squared_error = images.test_mean_squared_error(&model, protocol.batch_size);
        write_document(&work.file(file::METRICS)?, &metrics(config, &dataset, &model, &state, mean_squared_error)?)?;
        Ok(environment)
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

fn check_loss(protocol: &Protocol) -> anyhow::Result<()> {
    let (model, loss) = (protocol.model, protocol.loss);
    let is_bound = loss == Loss::Elbo;
    ensure!(!model.is_variational() || is_bound, "expected the loss elbo for {model}, found {loss}; leave out --loss");
    ensure!(
        model.is_variational() || !is_bound,
        "expected another loss than elbo for {model}, which is not variational; use --loss bce, or --model cvae"
    );
    ensure!(
        !model.is_variational() || protocol.contrast.is_none(),
        "expected no contrast for {model}, whose lower bound decides how its latents lie; use --contrast 0"
    );
    Ok(())
}

/// Checks that what is kept will be read again.
fn check_kept(protocol: &Protocol) -> anyhow::Result<()> {
    let kept = protocol.keep_epochs.range(..protocol.epochs).count() + 1;
    ensure!(
        kept <= KEPT_EPOCH_LIMIT,
        "expected at most {KEPT_EPOCH_LIMIT} epochs to keep, the last among them, found {kept}; use fewer --keep-epochs"
    );
    Ok(())
}

fn metrics(
    config: &Config,
    dataset: &Dataset<'_>,
    model: &Autoencoder,
    state: &State,
    test_mean_squared_error: f64,
) -> anyhow::Result<TrainMetrics> {
    let last = state.training.history.last().context("no epoch was trained")?;
    Ok(TrainMetrics {
        dataset: dataset.name.to_owned(),
        train_count: config.protocol.train_count,
        test_count: config.protocol.test_count,
        epochs: last.epoch,
        parameter_count: model.parameters().trainable_count(),
        train_loss: last.train_loss,
        test_loss: last.test_loss,
        test_mean_squared_error,
        elbo: last.elbo,
    })
}

fn figures(metrics: &TrainMetrics) -> Vec<(String, String)> {
    let number = |value: f64| format!("{value:.4}");
    let mut figures = vec![
        ("parameters".to_owned(), metrics.parameter_count.to_string()),
        ("train loss".to_owned(), number(metrics.train_loss)),
        ("test loss".to_owned(), number(metrics.test_loss)),
        ("test mean squared error".to_owned(), number(metrics.test_mean_squared_error)),
    ];
    if let Some(elbo) = metrics.elbo {
        let nats = |value: f64| format!("{value:.2} nats an image");
        figures.push(("test reconstruction".to_owned(), nats(elbo.test.reconstruction_nats)));
        figures.push(("test divergence from the prior".to_owned(), nats(elbo.test.kl_nats)));
    }
    figures
}
