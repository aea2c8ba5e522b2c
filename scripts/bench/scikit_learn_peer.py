"""scikit-learn's K-means on a file of f32 numbers. Prints the seconds of each fit and its inertia, a line of JSON each.

    scikit_learn_peer.py FILE DIMENSIONS CLUSTERS RESTARTS ROUNDS
"""

import json
import sys
import time

import numpy
from sklearn.cluster import KMeans


def main(path, dimensions, clusters, restarts, rounds):
    points = numpy.fromfile(path, "float32").reshape(-1, dimensions)
    for seed in range(rounds):
        begin = time.perf_counter()
        fitted = KMeans(clusters, n_init=restarts, random_state=seed).fit(points)
        seconds = time.perf_counter() - begin
        inertia = 0.0  # in f64, as ours: a sum of millions in f32 is off by more than fits differ
        for start in range(0, len(points), 1 << 16):
            part = slice(start, start + (1 << 16))
            differences = points[part].astype("float64") - fitted.cluster_centers_[fitted.labels_[part]]
            inertia += float(numpy.square(differences).sum())
        print(json.dumps({"seconds": seconds, "inertia": inertia}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
