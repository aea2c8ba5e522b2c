"""What the peers of the race read: the study's part of MNIST, from data/raw/mnist."""

from pathlib import Path

import numpy

RAW = Path(__file__).resolve().parents[2] / "data" / "raw" / "mnist"
TRAIN_COUNT, TEST_COUNT = 20_000, 4_000
BATCH_SIZE, LEARNING_RATE = 256, 1e-3
CLASS_COUNT = 10


def images(name, count=None):
    """Pixels in [0, 1], count × 28 × 28."""
    pixels = numpy.fromfile(RAW / f"{name}-images-idx3-ubyte", dtype=numpy.uint8)[16:]
    return pixels.reshape(-1, 28, 28)[:count].astype("float32") / 255


def labels(name, count=None):
    return numpy.fromfile(RAW / f"{name}-labels-idx1-ubyte", dtype=numpy.uint8)[8:][:count]


def study():
    """Training and test images."""
    return images("train", TRAIN_COUNT), images("t10k", TEST_COUNT)
