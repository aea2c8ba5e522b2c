"""Runs the study's protocol in Keras and scikit-learn, for figures to stand beside ours.

    python3 -m venv keras-environment
    keras-environment/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 scikit-learn==1.9.1
    keras-environment/bin/python scripts/parity/keras_study.py --model ae --latent-dim 32 0 1 2 3

The last numbers are seeds. MNIST is read from data/raw/mnist, where `scripts/pipeline setup` puts it. One
line a seed: losses after 25 epochs, and the K-means accuracy of the training latents by both namings.
"""

import argparse
from pathlib import Path

import keras
import numpy
from keras import layers
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

RAW = Path(__file__).resolve().parents[2] / "data" / "raw" / "mnist"
TRAIN_COUNT, TEST_COUNT = 20_000, 4_000
EPOCHS, BATCH_SIZE, LEARNING_RATE = 25, 256, 1e-3
CLASS_COUNT = 10


def leaky_relu():
    return layers.LeakyReLU(negative_slope=0.2)


def ae(latent_dim):
    def hidden(units):
        return [layers.Dense(units), leaky_relu(), layers.Dropout(0.5)]

    units = [512, 256, 128, 64]
    encoder = [layers.Input((28, 28, 1)), layers.Flatten()]
    encoder += [layer for count in units for layer in hidden(count)]
    encoder += [layers.Dense(latent_dim), leaky_relu()]
    decoder = [layers.Input((latent_dim,))]
    decoder += [layer for count in reversed(units) for layer in hidden(count)]
    decoder += [layers.Dense(28 * 28), layers.Activation("sigmoid"), layers.Reshape((28, 28, 1))]
    return keras.Sequential(encoder), keras.Sequential(decoder)


def cae(latent_dim):
    encoder = [layers.Input((28, 28, 1))]
    for filters in (32, 64):
        encoder += [layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization()]
        encoder += [leaky_relu(), layers.MaxPool2D(2)]
    encoder += [layers.Flatten(), layers.Dense(latent_dim), leaky_relu()]
    decoder = [layers.Input((latent_dim,)), layers.Dense(7 * 7 * 64), leaky_relu(), layers.Reshape((7, 7, 64))]
    decoder += [layers.Conv2DTranspose(64, 3, strides=2, padding="same"), layers.BatchNormalization(), leaky_relu()]
    decoder += [layers.Conv2DTranspose(1, 3, strides=2, padding="same"), layers.BatchNormalization()]
    decoder += [layers.Activation("sigmoid")]
    return keras.Sequential(encoder), keras.Sequential(decoder)


def read_images(name, count):
    pixels = numpy.fromfile(RAW / name, dtype=numpy.uint8)[16:]
    return pixels.reshape(-1, 28, 28, 1)[:count].astype("float32") / 255


def accuracies(latents, labels, seed):
    """The share of images whose cluster bears their digit: majority names, one-to-one names."""
    clusters = KMeans(CLASS_COUNT, n_init=10, random_state=seed).fit_predict(latents)
    counts = numpy.zeros((CLASS_COUNT, CLASS_COUNT), int)
    numpy.add.at(counts, (clusters, labels), 1)
    rows, columns = linear_sum_assignment(-counts)
    return counts.max(axis=1).sum() / len(labels), counts[rows, columns].sum() / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["ae", "cae"], required=True)
    parser.add_argument("--latent-dim", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("seeds", type=int, nargs="+")
    arguments = parser.parse_args()
    train = read_images("train-images-idx3-ubyte", TRAIN_COUNT)
    test = read_images("t10k-images-idx3-ubyte", TEST_COUNT)
    labels = numpy.fromfile(RAW / "train-labels-idx1-ubyte", dtype=numpy.uint8)[8:][:TRAIN_COUNT]
    for seed in arguments.seeds:
        keras.utils.set_random_seed(seed)
        encoder, decoder = {"ae": ae, "cae": cae}[arguments.model](arguments.latent_dim)
        model = keras.Sequential([encoder, decoder])
        model.compile(optimizer=keras.optimizers.Nadam(LEARNING_RATE), loss="binary_crossentropy")
        fit = model.fit(train, train, epochs=arguments.epochs, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
        test_loss = model.evaluate(test, test, batch_size=BATCH_SIZE, verbose=0)
        majority, one_to_one = accuracies(encoder.predict(train, verbose=0), labels, seed)
        print(
            f"seed {seed}: train loss {fit.history['loss'][-1]:.4f}, test loss {test_loss:.4f},"
            f" K-means majority {100 * majority:.1f} %, one-to-one {100 * one_to_one:.1f} %",
            flush=True,
        )


if __name__ == "__main__":
    main()
