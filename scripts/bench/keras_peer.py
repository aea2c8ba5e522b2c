"""The study in Keras, as its authors would write it. Prints the seconds of each piece as a line of JSON.

    keras_peer.py train MODEL LATENT EPOCHS     seconds of each epoch, its evaluation on the test images with it
    keras_peer.py export                        seconds to predict the latents of all 70,000 images
    keras_peer.py classify EPOCHS               seconds to fit the classifier to latents of 32 values
    keras_peer.py study EPOCHS                  seconds of the study's four runs, from data to scores
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy
from keras import layers

import digits


def leaky_relu():
    return layers.LeakyReLU(negative_slope=0.2)


def dense_parts(latent):
    def hidden(units):
        return [layers.Dense(units), leaky_relu(), layers.Dropout(0.5)]

    units = [512, 256, 128, 64]
    encoder = [layers.Flatten(), *(layer for count in units for layer in hidden(count))]
    encoder += [layers.Dense(latent), leaky_relu()]
    decoder = [layer for count in reversed(units) for layer in hidden(count)]
    decoder += [layers.Dense(28 * 28), layers.Reshape((28, 28, 1)), layers.Activation("sigmoid")]
    return encoder, decoder


def convolutional_parts(head, normalised_output):
    encoder = []
    for filters in (32, 64):
        encoder += [layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization()]
        encoder += [leaky_relu(), layers.MaxPool2D(2)]
    encoder += [layers.Flatten(), *head]
    decoder = [layers.Dense(7 * 7 * 64), leaky_relu(), layers.Reshape((7, 7, 64))]
    decoder += [layers.Conv2DTranspose(64, 3, strides=2, padding="same"), layers.BatchNormalization(), leaky_relu()]
    decoder += [layers.Conv2DTranspose(1, 3, strides=2, padding="same")]
    decoder += [layers.BatchNormalization()] if normalised_output else []
    return encoder, [*decoder, layers.Activation("sigmoid")]


class Gaussian(layers.Layer):
    """Means and log variances side by side, to draws; their divergence from the prior is a loss."""

    def call(self, heads):
        mean, log_variance = keras.ops.split(heads, 2, axis=-1)
        divergence = keras.ops.square(mean) + keras.ops.exp(log_variance) - 1.0 - log_variance
        self.add_loss(0.5 * keras.ops.mean(keras.ops.sum(divergence, axis=-1)))
        return mean + keras.ops.exp(0.5 * log_variance) * keras.random.normal(keras.ops.shape(mean))


def summed_cross_entropy(images, redrawn):
    each = keras.losses.binary_crossentropy(images, redrawn)
    return keras.ops.sum(each, axis=(1, 2))


def autoencoder(model, latent):
    """Encoder and whole, compiled."""
    if model == "ae":
        encoder, decoder = dense_parts(latent)
    elif model == "cae":
        encoder, decoder = convolutional_parts([layers.Dense(latent), leaky_relu()], normalised_output=True)
    else:
        encoder, decoder = convolutional_parts([layers.Dense(2 * latent), Gaussian()], normalised_output=False)
    encoder = keras.Sequential([layers.Input((28, 28, 1)), *encoder])
    whole = keras.Sequential([encoder, keras.Sequential(decoder)])
    loss = summed_cross_entropy if model == "cvae" else "binary_crossentropy"
    whole.compile(optimizer=keras.optimizers.Nadam(digits.LEARNING_RATE), loss=loss)
    return encoder, whole


class EpochSeconds(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_begin(self, logs=None):
        self.ends.append(time.perf_counter())

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())


def with_channel(pictures):
    return pictures[..., numpy.newaxis]


def fit(whole, train, test, epochs):
    seconds = EpochSeconds()
    whole.fit(
        train, train, validation_data=(test, test), epochs=epochs, batch_size=digits.BATCH_SIZE, shuffle=False,
        verbose=0, callbacks=[seconds],
    )
    return numpy.diff(seconds.ends).tolist()


def train(model, latent, epochs):
    pictures = [with_channel(part) for part in digits.study()]
    return fit(autoencoder(model, int(latent))[1], *pictures, int(epochs))


def export():
    encoder, _ = autoencoder("cae", 32)
    pictures = with_channel(numpy.concatenate([digits.images("train"), digits.images("t10k")]))
    encoder.predict(pictures[:512], batch_size=digits.BATCH_SIZE, verbose=0)
    begin = time.perf_counter()
    encoder.predict(pictures, batch_size=digits.BATCH_SIZE, verbose=0)
    return [time.perf_counter() - begin]


def fit_classifier(latents, classes, test_latents, test_classes, epochs):
    model = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(digits.CLASS_COUNT, activation="softmax")])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    one_hot = [keras.utils.to_categorical(part, digits.CLASS_COUNT) for part in (classes, test_classes)]
    test = (test_latents, one_hot[1])
    model.fit(latents, one_hot[0], validation_data=test, epochs=epochs, batch_size=digits.BATCH_SIZE, verbose=0)


def classify(epochs):
    generator = numpy.random.default_rng(0)
    latents = [generator.normal(size=(count, 32)).astype("float32") for count in (digits.TRAIN_COUNT, digits.TEST_COUNT)]
    classes = digits.labels("train", digits.TRAIN_COUNT), digits.labels("t10k", digits.TEST_COUNT)
    begin = time.perf_counter()
    fit_classifier(latents[0], classes[0], latents[1], classes[1], int(epochs))
    return [time.perf_counter() - begin]


def study(epochs):
    from sklearn.cluster import KMeans

    begin = time.perf_counter()
    train_pictures, test_pictures = [with_channel(part) for part in digits.study()]
    classes = digits.labels("train", digits.TRAIN_COUNT), digits.labels("t10k", digits.TEST_COUNT)
    for model in ("ae", "cae"):
        for latent in (2, 32):
            encoder, whole = autoencoder(model, latent)
            fit(whole, train_pictures, test_pictures, int(epochs))
            latents = [encoder.predict(part, verbose=0) for part in (train_pictures, test_pictures)]
            KMeans(digits.CLASS_COUNT, n_init=10, random_state=0).fit_predict(latents[0])
            fit_classifier(latents[0], classes[0], latents[1], classes[1], 25)
    return [time.perf_counter() - begin]


if __name__ == "__main__":
    subject, *arguments = sys.argv[1:]
    pieces = {"train": train, "export": export, "classify": classify, "study": study}
    print(json.dumps({"seconds": pieces[subject](*arguments)}))
