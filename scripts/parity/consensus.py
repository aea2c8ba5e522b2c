"""What several clusterings agree on, by trying every way to number their clusters.

    python3 scripts/parity/consensus.py > crates/clustering/tests/data/consensus.json

Nothing but the standard library. A case in which two ways to number clusters are equally good is left out: either would be right.
"""

import itertools
import json
import math
import random


def alike(one, other, names):
    return sum(names[a] == b for a, b in zip(one, other))


def best_names(one, other, clusters):
    """The names of the clusters of `one` after those of `other`, and whether no others are as good."""
    ways = sorted(((alike(one, other, names), names) for names in itertools.permutations(range(clusters))), reverse=True)
    return ways[0][1], ways[0][0], ways[0][0] > ways[1][0]


def consensus(clusterings, clusters):
    points = len(clusterings[0])
    found = [[best_names(one, other, clusters) for other in clusterings] for one in clusterings]
    if not all(unique for row in found for _, _, unique in row):
        return None
    sums = [sum(count for _, count, _ in row) for row in found]
    middle = sums.index(max(sums))
    votes = [[0.0] * clusters for _ in range(points)]
    total = 0.0
    for voter, clustering in enumerate(clusterings):
        agreed = found[voter][middle][1]
        if voter == middle and len(clusterings) > 1:
            agreed = max(row[middle][1] for other, row in enumerate(found) if other != middle)
        share = min(agreed, points - 0.5) / points
        weight = max(0.0, math.log((clusters - 1) * share / (1 - share)))
        names = found[voter][middle][0]
        for point, cluster in enumerate(clustering):
            votes[point][names[cluster]] += weight
        total += weight
    chosen = [row.index(max(row)) for row in votes]
    close = any(sorted(row)[-1] - sorted(row)[-2] < 1e-9 for row in votes)
    if close:
        return None
    return chosen, sum(max(row) for row in votes) / (total * points)


def main():
    random.seed(7)
    cases = []
    shapes = [(2, 13, 3), (3, 30, 3), (4, 40, 5), (4, 41, 6), (5, 60, 4), (5, 80, 8), (3, 10, 1)]
    while len(cases) < len(shapes):
        clusters, points, voters = shapes[len(cases)]
        truth = [random.randrange(clusters) for _ in range(points)]
        clusterings = []
        for _ in range(voters):
            order = random.sample(range(clusters), clusters)
            wrong = random.choice([0.05, 0.2, 0.6])
            clusterings.append(
                [random.randrange(clusters) if random.random() < wrong else order[true] for true in truth]
            )
        found = consensus(clusterings, clusters)
        if found:
            chosen, agreement = found
            cases.append(
                {"cluster_count": clusters, "clusterings": clusterings, "clusters": chosen, "agreement": agreement}
            )
    print(json.dumps(cases))


main()
