"""Records the clustering scores of scikit-learn and SciPy for a handful of small cases.

The tests of `crates/cluster-eval` hold its scores to these figures. To write them anew:

    python3 -m venv parity-environment
    parity-environment/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    parity-environment/bin/python scripts/parity/clustering_scores.py \
        crates/cluster-eval/tests/data/clustering_scores.json

The cases are drawn from fixed seeds, so the same versions write the same file.

The file holds, beside the versions used:
- `cases`: each with its points' `clusters` and `labels`, and the scores of the one against the
  other; some have `points` too (row-major), and the mean silhouette coefficient over all of them;
- `k_means`: points and the least inertia (sum of squared distances) that K-means reached on them.

Coordinates are decimals of four places, read as f32 by both sides before any arithmetic in f64.
"""

import argparse
import json
from pathlib import Path

import numpy
import scipy
import sklearn
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_score,
)


def contingency_table(clusters, labels, cluster_count, class_count):
    table = numpy.zeros((cluster_count, class_count), dtype=numpy.int64)
    numpy.add.at(table, (clusters, labels), 1)
    return table


def case(name, clusters, labels, cluster_count, class_count, points=None):
    """One case: its input, then the scores of its clusters against its labels."""
    table = contingency_table(clusters, labels, cluster_count, class_count)
    rows, columns = linear_sum_assignment(table, maximize=True)
    recorded = {
        "name": name,
        "cluster_count": cluster_count,
        "class_count": class_count,
        "clusters": clusters.tolist(),
        "labels": labels.tolist(),
        "normalized_mutual_information": float(
            normalized_mutual_info_score(labels, clusters, average_method="arithmetic")
        ),
        "adjusted_rand_index": float(adjusted_rand_score(labels, clusters)),
        "majority_accuracy": float(table.max(axis=1).sum() / len(labels)),
        "one_to_one_accuracy": float(table[rows, columns].sum() / len(labels)),
    }
    if points is not None:
        recorded["silhouette"] = {
            "dimensions": points.shape[1],
            "points": points.ravel().tolist(),
            "mean": float(silhouette_score(as_read(points), clusters, metric="euclidean")),
        }
    return recorded


def as_read(points):
    """The points as f32 holds them, in the f64 that scikit-learn then computes in."""
    return points.astype(numpy.float32).astype(numpy.float64)


def noisy_clusters(generator, labels, cluster_count, error_rate):
    """Clusters that follow the labels, but for a share of points put anywhere."""
    wrong = generator.random(len(labels)) < error_rate
    anywhere = generator.integers(0, cluster_count, len(labels))
    return numpy.where(wrong, anywhere, labels % cluster_count)


def blobs(generator, labels, dimensions, spread):
    """Points around one random centre per label, rounded to four places."""
    centres = generator.normal(0.0, 5.0, (labels.max() + 1, dimensions))
    points = centres[labels] + generator.normal(0.0, spread, (len(labels), dimensions))
    return points.round(4)


def table_cases():
    generator = numpy.random.default_rng(1)
    balanced = numpy.arange(400) % 10
    skewed = generator.choice(5, 400, p=[0.8, 0.1, 0.06, 0.03, 0.01])
    many_clusters = balanced + 10 * generator.integers(0, 3, 400)
    everywhere = numpy.zeros(50, dtype=numpy.int64)
    alone = numpy.arange(8)
    return [
        case("balanced", noisy_clusters(generator, balanced, 10, 0.3), balanced, 10, 10),
        case("skewed", noisy_clusters(generator, skewed, 5, 0.2), skewed, 5, 5),
        case(
            "more clusters than classes",
            noisy_clusters(generator, many_clusters, 30, 0.3),
            balanced,
            30,
            10,
        ),
        case(
            "fewer clusters than classes",
            noisy_clusters(generator, balanced, 4, 0.3),
            balanced,
            4,
            10,
        ),
        case("empty clusters", 2 * noisy_clusters(generator, balanced, 6, 0.1), balanced, 12, 10),
        case("single cluster", everywhere, numpy.arange(50) % 3, 1, 3),
        case("single class", numpy.arange(50) % 3, everywhere, 3, 1),
        case("single cluster and class", everywhere, everywhere, 1, 1),
        case("single point", everywhere[:1], everywhere[:1], 1, 1),
        case("every point alone", alone, alone[::-1].copy(), 8, 8),
        case("every point alone in one class", alone, everywhere[:8], 8, 1),
        case("perfect", (balanced * 7 + 3) % 10, balanced, 10, 10),
        case(
            "random",
            generator.integers(0, 10, 400),
            generator.integers(0, 10, 400),
            10,
            10,
        ),
        case("worse than chance", numpy.array([0, 0, 1, 1]), numpy.array([0, 1, 0, 1]), 2, 2),
    ]


def silhouette_cases():
    generator = numpy.random.default_rng(2)
    plane = generator.integers(0, 4, 200)
    deep = generator.choice(6, 203, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01])
    lone = numpy.append(generator.integers(0, 3, 60), 3)
    return [
        case(
            "2-D points",
            noisy_clusters(generator, plane, 4, 0.1),
            plane,
            4,
            4,
            blobs(generator, plane, 2, 1.5),
        ),
        case(
            "8-D points",
            noisy_clusters(generator, deep, 6, 0.2),
            deep,
            6,
            6,
            blobs(generator, deep, 8, 2.0),
        ),
        case("a point alone in its cluster", lone, lone, 4, 4, blobs(generator, lone, 3, 1.0)),
    ]


def k_means_case():
    generator = numpy.random.default_rng(3)
    cluster_count = 5
    points = blobs(generator, numpy.arange(300) % cluster_count, 4, 1.0)
    fitted = KMeans(n_clusters=cluster_count, n_init=10, random_state=0).fit(as_read(points))
    return {
        "cluster_count": cluster_count,
        "dimensions": points.shape[1],
        "points": points.ravel().tolist(),
        "inertia": float(fitted.inertia_),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path, help="the JSON file to write")
    output = parser.parse_args().output

    versions = {module.__name__: module.__version__ for module in (sklearn, scipy, numpy)}
    cases = [json.dumps(recorded) for recorded in table_cases() + silhouette_cases()]
    # One case a line, so that a change to one shows as such.
    output.write_text(
        f'{{\n"versions": {json.dumps(versions)},\n"cases": [\n'
        + ",\n".join(cases)
        + f'\n],\n"k_means": {json.dumps(k_means_case())}\n}}\n'
    )


if __name__ == "__main__":
    main()
