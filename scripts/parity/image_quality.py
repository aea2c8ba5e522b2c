"""Records what scikit-image says of a handful of small images and their reconstructions.

The tests of `crates/recon-eval` hold its measures to these figures. To write them anew:

    python3 -m venv parity-environment
    parity-environment/bin/pip install scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
    parity-environment/bin/python scripts/parity/image_quality.py \
        crates/recon-eval/tests/data/image_quality.json

Nothing is random: every pixel is a formula of its row and column, so the same versions write the
same file.

The file holds, beside the versions used, `cases`: each with `height`, `width`, the pixels of
`original` and `reconstruction` (row-major, in [0, 1]) and their
- `mean_squared_error`;
- `binary_cross_entropy`, mean over pixels in nats, by its formula, as scikit-image has none;
- `peak_signal_noise_ratio` in dB, null where it is infinite;
- `structural_similarity`, null where scikit-image refuses images as smaller than its window.

Pixels are written as the shortest decimals that f32 reads back as the same number. scikit-image
gets those f32 numbers in f64, as it computes in the type that it is given.
"""

import argparse
import json
from pathlib import Path

import numpy
import scipy
import skimage
from skimage import metrics

CROSS_ENTROPY_MARGIN = 1e-7
WINDOW_SIDE = 11


def grid(height, width):
    """Row and column of each pixel."""
    return numpy.meshgrid(numpy.arange(height), numpy.arange(width), indexing="ij")


def waves(height, width):
    """Light and dark at several scales."""
    row, column = grid(height, width)
    curved = numpy.sin(0.9 * row + 0.05 * column**2)
    straight = numpy.cos(0.4 * row - 1.7 * column)
    return 0.5 + 0.3 * curved + 0.2 * straight


def scatter(height, width):
    """Pixels without visible order, in [0, 1]: a hash of row and column."""
    row, column = grid(height, width)
    return (row * 73856093 ^ column * 19349663) % 1009 / 1008


def digit_0(height=28, width=28):
    """A soft ring."""
    row, column = grid(height, width)
    radius = numpy.hypot((row - 13.5) / 1.3, column - 13.5)
    return numpy.exp(-(((radius - 6.5) / 1.4) ** 2))


def digit_7(height=28, width=28):
    """Two soft strokes: one across, and one down from its right end."""
    row, column = grid(height, width)
    across = numpy.exp(-(((row - 6) / 1.3) ** 2))
    down = numpy.exp(-(((column - 20 + 0.45 * (row - 6)) / 1.3) ** 2))
    return numpy.maximum(
        across * ((column >= 7) & (column <= 20)),
        down * ((row >= 6) & (row <= 24)),
    )


def blurred(image):
    """The mean of each pixel and its eight neighbours, opposite borders being neighbours."""
    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return sum(numpy.roll(image, shift, axis=(0, 1)) for shift in shifts) / len(shifts)


def noisy(image, strength):
    return numpy.clip(image + strength * (scatter(*image.shape) - 0.5), 0.0, 1.0)


def even(shade, height, width):
    return numpy.full((height, width), shade)


def as_f32(image):
    """The nearest f32 numbers to the image rounded to four places, which keeps the file small."""
    return image.round(4).astype(numpy.float32)


def case(name, original, reconstruction):
    return exact_case(name, as_f32(original), as_f32(reconstruction))


def exact_case(name, original, reconstruction):
    """One case: its f32 images, then how near they come to each other."""
    assert original.dtype == reconstruction.dtype == numpy.float32
    assert all(image.min() >= 0.0 and image.max() <= 1.0 for image in (original, reconstruction))
    height, width = original.shape
    recorded = {
        "name": name,
        "height": height,
        "width": width,
        "original": written(original),
        "reconstruction": written(reconstruction),
    }
    original = original.astype(numpy.float64)
    reconstruction = reconstruction.astype(numpy.float64)
    return recorded | {
        "mean_squared_error": float(metrics.mean_squared_error(original, reconstruction)),
        "binary_cross_entropy": binary_cross_entropy(original, reconstruction),
        "peak_signal_noise_ratio": peak_signal_noise_ratio(original, reconstruction),
        "structural_similarity": structural_similarity(original, reconstruction),
    }


def written(image):
    """The pixels as JSON numbers: the shortest decimals of the f32 numbers."""
    return [float(str(pixel)) for pixel in image.ravel()]


def binary_cross_entropy(original, reconstruction):
    white = numpy.clip(reconstruction, CROSS_ENTROPY_MARGIN, 1.0 - CROSS_ENTROPY_MARGIN)
    costs = -original * numpy.log(white) - (1.0 - original) * numpy.log(1.0 - white)
    return float(numpy.mean(costs))


def peak_signal_noise_ratio(original, reconstruction):
    # JSON has no infinity.
    if numpy.array_equal(original, reconstruction):
        return None
    return float(metrics.peak_signal_noise_ratio(original, reconstruction, data_range=1))


def structural_similarity(original, reconstruction):
    try:
        similarity = metrics.structural_similarity(
            original,
            reconstruction,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    except ValueError:
        assert min(original.shape) < WINDOW_SIDE
        return None
    return float(similarity)


def cases():
    odd = waves(13, 17)
    # Pixels within, at and beyond the margin of the cross-entropy, against black and white.
    extremes = numpy.float32([0, 2**-30, 1e-7, 2**-20, 0.5, 1 - 2**-20, 1 - 2**-24, 1])
    return [
        case("digit, noisy", digit_0(), noisy(digit_0(), 0.3)),
        case("digit, blurred", digit_7(), blurred(digit_7())),
        case("digit, shifted", digit_0(), numpy.roll(digit_0(), (1, 2), axis=(0, 1))),
        case("digit, another one", digit_7(), digit_0()),
        case("digit, identical", digit_7(), digit_7()),
        case("digit, negative", digit_0(), 1.0 - digit_0()),
        case("waves of an odd size, paler", odd, 0.2 + 0.6 * odd),
        case("scatter of an odd size, blurred", scatter(17, 13), blurred(scatter(17, 13))),
        case("waves of one window, noisy", waves(11, 11), noisy(waves(11, 11), 0.1)),
        case("waves below a window, noisy", waves(10, 12), noisy(waves(10, 12), 0.1)),
        case("even, darker", even(0.75, 12, 15), even(0.25, 12, 15)),
        case("even, identical", even(0.4, 11, 12), even(0.4, 11, 12)),
        case("black, white", even(0.0, 12, 11), even(1.0, 12, 11)),
        exact_case(
            "extremes",
            numpy.tile(numpy.repeat(numpy.float32([0.0, 1.0, 0.3]), 8), (12, 1)),
            numpy.tile(extremes, (12, 3)),
        ),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path, help="the JSON file to write")
    output = parser.parse_args().output

    versions = {module.__name__: module.__version__ for module in (skimage, scipy, numpy)}
    # One case a line, so that a change to one shows as such.
    lines = ",\n".join(json.dumps(recorded) for recorded in cases())
    output.write_text(f'{{\n"versions": {json.dumps(versions)},\n"cases": [\n{lines}\n]\n}}\n')


if __name__ == "__main__":
    main()
