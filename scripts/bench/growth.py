"""Growth: what the stages take against the number of images, and K-means against clusters and dimensions.

    PYTHONPATH=.python python3 scripts/bench/growth.py [--rounds N] [--output FILE]

Called by `scripts/pipeline growth`. Everything is measured once a round, from the fewest images to the most and in the next
round back, so that a machine that slows down slows all of them. Medians over rounds count, and the straight line nearest to
them (least squares). Writes FILE, which `run-report figures` draws, and prints tables.

Of so many images 6/7 are training images and 1/7 test images, as in the whole of MNIST: 70,000 are its 60,000 and 10,000.
They are those of a CAE with 32 latents. Stages are whole processes; an epoch is a longer training's extra time, as in the
race. recon-eval is not among them: it redraws test images alone, and its reader learnt from the training images after the
first 20,000.

K-means fits the first values of 128 latents of 20,000 images, 10 restarts: 32 values into 5 to 80 clusters, and 2 to 128
values into 10. Its seconds are the median over seeds of a fit alone.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from race import DATA, HERE, RELEASE, ROOT, THREADS, Ours, run, summary

SCHEMA_VERSION = 1
IMAGES = (5_000, 10_000, 20_000, 40_000, 70_000)
CLUSTERS = (5, 10, 20, 40, 80)
DIMENSIONS = (2, 8, 32, 128)
MORE_EPOCHS = 2
RESTARTS = 10
SEEDS = 5
# What a slope in the table is of.
STEPS = {"images": 10_000, "clusters": 10, "dimensions": 10}
UNITS = {"seconds": "s", "peak_mib": "MiB"}


class Measurements:
    """Against what, subject and measure → place on that axis → a value a round."""

    def __init__(self):
        self.lines = {}

    def add(self, against, at, subject, **measures):
        for measure, value in measures.items():
            self.lines.setdefault((against, measure, subject), {}).setdefault(at, []).append(value)

    def record(self):
        def line(key, values):
            points = [{"at": at, **summary(values[at])} for at in sorted(values)]
            return dict(zip(("against", "measure", "subject"), key), points=points, fit=straight_line(points))

        return [line(*item) for item in self.lines.items()]


def straight_line(points):
    """The line nearest to the medians, and what share of their variance it explains: none where they do not vary."""
    places, medians = [point["at"] for point in points], [point["median"] for point in points]
    slope, intercept = statistics.linear_regression(places, medians)
    varies = len(set(medians)) > 1
    return {
        "slope": slope,
        "intercept": intercept,
        "r_squared": statistics.correlation(places, medians) ** 2 if varies else None,
    }


def measure_stages(ours, count, measurements):
    directory = ours.folder / str(count)
    train_count = round(count * 6 / 7)

    def train(epochs):
        shutil.rmtree(directory, ignore_errors=True)
        counts = ("--train-count", train_count, "--test-count", count - train_count)
        return ours.stage("ae-train", directory, "--data", DATA, "--epochs", epochs, *counts)

    long, _, _ = train(1 + MORE_EPOCHS)
    short, memory, _ = train(1)
    measurements.add("images", count, "ae-train, one epoch", seconds=short, peak_mib=memory)
    measurements.add("images", count, "each further epoch", seconds=(long - short) / MORE_EPOCHS)
    for stage in ("latent-export", "latent-classify", "cluster-eval"):
        seconds, memory, _ = ours.stage(stage, directory, "--force")
        measurements.add("images", count, stage, seconds=seconds, peak_mib=memory)


def latents_of_many_dimensions(ours):
    """The training latents of a CAE that has as many as any fit here takes."""
    ours.train("cae", DIMENSIONS[-1], 1)
    directory = ours.folder / f"cae-{DIMENSIONS[-1]}"
    ours.stage("latent-export", directory)
    return directory / "latent-export" / "train.parquet"


def measure_k_means(path, dimensions, clusters):
    """The seconds of a fit, the median over seeds but for the first, which warms up; and the peak memory."""
    _, memory, lines = run(
        [RELEASE / "examples" / "fit_kmeans", path, dimensions, clusters, RESTARTS, THREADS, 1 + SEEDS]
    )
    return statistics.median(line["seconds"] for line in lines[1:]), memory


def there_and_back(places, turn):
    return places if turn % 2 == 0 else places[::-1]


def measure(rounds, folder):
    ours = Ours(folder / "runs")
    measurements = Measurements()
    latents = latents_of_many_dimensions(ours)
    points = {dimensions: folder / f"{dimensions}.f32" for dimensions in DIMENSIONS}
    for dimensions, path in points.items():
        run([sys.executable, HERE / "points.py", latents, path, dimensions])
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds} ...", file=sys.stderr, flush=True)
        for count in there_and_back(IMAGES, turn):
            measure_stages(ours, count, measurements)
        for clusters in there_and_back(CLUSTERS, turn):
            seconds, memory = measure_k_means(points[32], 32, clusters)
            measurements.add("clusters", clusters, "K-means, 20,000 × 32", seconds=seconds, peak_mib=memory)
        for dimensions in there_and_back(DIMENSIONS, turn):
            seconds, memory = measure_k_means(points[dimensions], dimensions, 10)
            measurements.add("dimensions", dimensions, "K-means, 20,000, 10 clusters", seconds=seconds, peak_mib=memory)
    return measurements.record()


def number(value):
    """Three digits, or more where whole numbers have more."""
    size = abs(value)
    return f"{value:.{3 if size < 1 else 2 if size < 10 else 1 if size < 100 else 0}f}"


def table(against, lines):
    """One row a line: medians, then the straight line nearest to them."""
    step = STEPS[against]
    places = [f"{point['at']:,}" for point in lines[0]["points"]]
    columns = [f"against {against}", *places, f"each {step:,} more", "at none", "R²"]
    rows = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for line in lines:
        fit = line["fit"]
        r_squared = "–" if fit["r_squared"] is None else f"{fit['r_squared']:.4f}"
        cells = [number(point["median"]) for point in line["points"]]
        cells += [number(step * fit["slope"]), number(fit["intercept"]), r_squared]
        rows.append(f"| {line['subject']}, {UNITS[line['measure']]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--output", type=Path, default=ROOT / "artifacts" / "growth.json", help="file to write")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds: at least one")
    with tempfile.TemporaryDirectory() as scratch:
        lines = measure(arguments.rounds, Path(scratch))
    record = {"schema_version": SCHEMA_VERSION, "threads": THREADS, "rounds": arguments.rounds, "lines": lines}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    tables = []
    for against in STEPS:
        of_these = [line for line in lines if line["against"] == against]
        # Seconds first, each measure in the order of its subjects.
        tables.append(table(against, sorted(of_these, key=lambda line: list(UNITS).index(line["measure"]))))
    print("\n\n".join(tables))


if __name__ == "__main__":
    main()
