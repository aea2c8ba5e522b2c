"""Records what Keras makes of the study's models, from weights that a formula gives.

The tests of `crates/training` (`keras_parity`) hold our models, losses and optimizers to these
figures. To write them anew (Python 3.11):

    python3 -m venv keras-environment
    keras-environment/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 safetensors==0.8.0
    keras-environment/bin/python scripts/parity/keras_models.py \
        crates/training/tests/data/keras_parity.safetensors

Everything is computed in f32 as Keras does by default, on one thread and without oneDNN, so the
same versions write the same file.

The models are AE and CAE, with latents of 2 and 32, and the classifier of latents, all as Keras
builds them by default. Dropout is left out: its mask is random. Their values are a formula of a
parameter's number and of the place in Keras' row-major layout (`formula_values`), which both sides
compute alike. The images are the first 8 test digits of MNIST; CAE sees the first alone as well, as
batch statistics of fewer pixels can be compared more closely.

The file holds, as safetensors, under `ae_2`, `ae_32`, `cae_2`, `cae_32`, `cae_2_one_digit` and
`cae_32_one_digit`:
- `latents/MODE`, `outputs/MODE` and `loss/MODE` (mean binary cross-entropy) for the modes
  `inference` and `training`, from the formula's values;
- `gradient/NAME` of the training loss, for each trainable parameter;
- `RULE/NAME` for the rules `nadam` and `adam`: each parameter and running statistic after three
  steps at learning rate 1e-3 with the same images, and `RULE/losses`, one before each step;
- `RULE/drift/NAME`: the biases in front of a batch normalisation, before each of the three steps.
Under `classifier_2` and `classifier_32`: `probabilities`, `loss` (categorical cross-entropy), and
gradients and steps as above, from latents that the formula gives and the digits' labels.
Once: `pixels` and `labels` of the digits.

A parameter of more than SAMPLE_COUNT values is there by as many of them (`sampled`). Beside each
`gradient` and `RULE` stands a `.../whole`: for each parameter in order, norm and sum of all values.

Parameters are named by network, position of the layer, and role. Positions count the layers as
they stand here. The layout is Keras'.
"""

import argparse
import gzip
import os
from pathlib import Path

os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy
import safetensors.numpy
import tensorflow
from keras import layers

DIGIT_COUNT = 8
CLASS_COUNT = 10
STEP_COUNT = 3
LEARNING_RATE = 1e-3
SAMPLE_COUNT = 256
# Numbers of the formula's sequences. Parameters count on from the first, by latent size. From most
# numbers some activation comes so near to the kink of LeakyReLU, or two so near to a tie under
# MaxPooling2D, that rounding decides a gradient: Keras in f64 then differs visibly from Keras in
# f32. From these it does not.
FIRST_NUMBERS = {2: 400, 32: 450}
LATENTS_NUMBER = 1000
SAMPLES_NUMBER = 2000

REPOSITORY = Path(__file__).resolve().parents[2]
DIGITS = REPOSITORY / "tests" / "data" / "mnist-slice"
ROLES = {
    "kernel": "weight",
    "gamma": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def mixed(number, count):
    """The sequence `number`: 64 well-mixed bits for each of 0..count (SplitMix64's finaliser)."""
    values = numpy.arange(count, dtype=numpy.uint64) + numpy.uint64((number + 1) << 32)
    values = (values ^ (values >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return values ^ (values >> numpy.uint64(31))


def symmetric(number, count):
    """The sequence `number` in [-1, 1), exact in f64."""
    return (mixed(number, count) >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1.0


def glorot_limit(shape):
    area = numpy.prod(shape[:-2], dtype=numpy.int64)
    return numpy.sqrt(6.0 / (area * (shape[-2] + shape[-1])))


def formula_values(number, role, shape):
    """The values of parameter `number`."""
    centre, spread = {
        "kernel": (0.0, glorot_limit(shape) if role == "kernel" else None),
        "bias": (0.0, 0.1),
        "gamma": (1.0, 0.2),
        "beta": (0.0, 0.1),
        "moving_mean": (0.0, 0.05),
        "moving_variance": (1.0, 0.2),
    }[role]
    values = centre + spread * symmetric(number, numpy.prod(shape, dtype=numpy.int64))
    return values.astype(numpy.float32).reshape(shape)


def sampled(number, values):
    """The values of parameter `number`, or SAMPLE_COUNT of them where there are more."""
    values = values.ravel()
    if values.size <= SAMPLE_COUNT:
        return values
    places = mixed(SAMPLES_NUMBER + number, SAMPLE_COUNT) % numpy.uint64(values.size)
    return values[places]


def ae(latent_size):
    def hidden(unit_counts):
        for units in unit_counts:
            yield layers.Dense(units)
            yield layers.LeakyReLU(negative_slope=0.2)

    encoder = [layers.Flatten(), *hidden([512, 256, 128, 64, latent_size])]
    decoder = [
        *hidden([64, 128, 256, 512]),
        layers.Dense(784),
        layers.Reshape((28, 28, 1)),
        layers.Activation("sigmoid"),
    ]
    return encoder, decoder


def cae(latent_size):
    encoder = []
    for filters in [32, 64]:
        encoder += [
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(),
            layers.LeakyReLU(negative_slope=0.2),
            layers.MaxPooling2D(2),
        ]
    encoder += [layers.Flatten(), layers.Dense(latent_size), layers.LeakyReLU(negative_slope=0.2)]
    decoder = [
        layers.Dense(3136),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(64, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2DTranspose(1, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.Activation("sigmoid"),
    ]
    return encoder, decoder


def classifier():
    return [
        layers.Dense(64),
        layers.ReLU(),
        layers.Dense(CLASS_COUNT),
        layers.Activation("softmax"),
    ]


class Parameter:
    """A variable of a model, with its name and number."""

    def __init__(self, number, network, position, variable):
        self.number = number
        self.role = variable.path.rpartition("/")[2]
        self.name = f"{network}.{position}.{ROLES[self.role]}"
        self.variable = variable

    def reset(self):
        shape = tuple(self.variable.shape)
        self.variable.assign(formula_values(self.number, self.role, shape))


class Subject:
    """Networks to run one after the other, with what they learn from."""

    def __init__(self, first_number, inputs, targets, loss, **networks):
        self.inputs, self.targets, self.loss = inputs, targets, loss
        self.networks = {}
        self.parameters = []
        self.before_normalisation = []
        shape = inputs.shape[1:]
        for network, members in networks.items():
            built = keras.Sequential([layers.Input(shape), *members])
            shape = built.output_shape[1:]
            self.networks[network] = built
            for position, layer in enumerate(members):
                after = members[position + 1 : position + 2]
                for variable in layer.weights:
                    number = first_number + len(self.parameters)
                    parameter = Parameter(number, network, position, variable)
                    self.parameters.append(parameter)
                    normalised = after and isinstance(after[0], layers.BatchNormalization)
                    if normalised and parameter.role == "bias":
                        self.before_normalisation.append(parameter)

    def reset(self):
        for parameter in self.parameters:
            parameter.reset()

    def trainable(self):
        return [parameter for parameter in self.parameters if parameter.variable.trainable]

    def run(self, training):
        """The outputs of each network."""
        outputs = []
        values = self.inputs
        for network in self.networks.values():
            values = network(values, training=training)
            outputs.append(values)
        return outputs

    def gradient(self):
        variables = [parameter.variable.value for parameter in self.trainable()]
        with tensorflow.GradientTape() as tape:
            loss = self.loss(self.targets, self.run(training=True)[-1])
        return loss.numpy(), [each.numpy() for each in tape.gradient(loss, variables)]

    def record_gradient(self):
        self.reset()
        _, gradients = self.gradient()
        return recorded("gradient", zip(self.trainable(), gradients, strict=True))

    def record_steps(self, rule, optimizer):
        self.reset()
        trainable = [parameter.variable for parameter in self.trainable()]
        losses = []
        drift = {parameter.name: [] for parameter in self.before_normalisation}
        for _ in range(STEP_COUNT):
            for parameter in self.before_normalisation:
                drift[parameter.name].append(parameter.variable.numpy())
            loss, gradients = self.gradient()
            losses.append(loss)
            optimizer.apply([tensorflow.constant(each) for each in gradients], trainable)
        values = [parameter.variable.numpy() for parameter in self.parameters]
        return {
            **recorded(rule, zip(self.parameters, values, strict=True)),
            **{f"{rule}/drift/{name}": numpy.stack(biases) for name, biases in drift.items()},
            f"{rule}/losses": numpy.array(losses, dtype=numpy.float32),
        }


def recorded(kind, pairs):
    """Samples of each parameter's values, and norm and sum of them all, taken in f64."""
    samples, whole = {}, []
    for parameter, values in pairs:
        samples[f"{kind}/{parameter.name}"] = sampled(parameter.number, values)
        exact = values.astype(numpy.float64)
        whole.append([numpy.sqrt((exact * exact).sum()), exact.sum()])
    return {**samples, f"{kind}/whole": numpy.array(whole)}


def record_autoencoder(first_number, images, networks):
    encoder, decoder = networks
    loss = keras.losses.BinaryCrossentropy()
    subject = Subject(first_number, images, images, loss, encoder=encoder, decoder=decoder)
    subject.reset()
    figures = {}
    # Inference first: training moves the running statistics.
    for mode in ["inference", "training"]:
        latents, outputs = subject.run(training=mode == "training")
        figures[f"latents/{mode}"] = latents.numpy()
        figures[f"outputs/{mode}"] = outputs.numpy().reshape(len(images), -1)
        figures[f"loss/{mode}"] = numpy.array([loss(images, outputs).numpy()])
    return {
        **figures,
        **subject.record_gradient(),
        **subject.record_steps("nadam", keras.optimizers.Nadam(LEARNING_RATE)),
        **subject.record_steps("adam", keras.optimizers.Adam(LEARNING_RATE)),
    }


def record_classifier(first_number, labels, latent_size):
    latents = 2.0 * symmetric(LATENTS_NUMBER, len(labels) * latent_size)
    latents = latents.astype(numpy.float32).reshape(len(labels), latent_size)
    targets = keras.utils.to_categorical(labels, CLASS_COUNT)
    loss = keras.losses.CategoricalCrossentropy()
    subject = Subject(first_number, latents, targets, loss, classifier=classifier())
    subject.reset()
    [probabilities] = subject.run(training=False)
    return {
        "probabilities": probabilities.numpy(),
        "loss": numpy.array([loss(targets, probabilities).numpy()]),
        **subject.record_gradient(),
        **subject.record_steps("adam", keras.optimizers.Adam(LEARNING_RATE)),
    }


def read_digits():
    images = gzip.decompress((DIGITS / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((DIGITS / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    pixels = numpy.frombuffer(images, numpy.uint8).reshape(-1, 784)[:DIGIT_COUNT]
    return pixels, numpy.frombuffer(labels, numpy.uint8)[:DIGIT_COUNT]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path, help="the safetensors file to write")
    output = parser.parse_args().output

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)

    pixels, labels = read_digits()
    images = pixels.astype(numpy.float32).reshape(-1, 28, 28, 1) / numpy.float32(255)
    figures = {"pixels": pixels, "labels": labels}
    for latent_size, first in FIRST_NUMBERS.items():
        subjects = {
            f"ae_{latent_size}": record_autoencoder(first, images, ae(latent_size)),
            f"cae_{latent_size}": record_autoencoder(first, images, cae(latent_size)),
            f"cae_{latent_size}_one_digit": record_autoencoder(
                first, images[:1], cae(latent_size)
            ),
            f"classifier_{latent_size}": record_classifier(first, labels, latent_size),
        }
        for name, recorded_figures in subjects.items():
            for key, values in recorded_figures.items():
                figures[f"{name}/{key}"] = numpy.ascontiguousarray(values)
    # One entry only: the order of several is not fixed.
    versions = f"tensorflow {tensorflow.__version__}, keras {keras.__version__}"
    safetensors.numpy.save_file(figures, output, metadata={"versions": versions})


if __name__ == "__main__":
    main()
