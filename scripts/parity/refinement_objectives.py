"""Objectives of refinement on small cases, one value after the other in plain Python, from their papers' equations.

    python3 scripts/parity/refinement_objectives.py > crates/ae-refine/tests/data/objectives.json

Nothing but the standard library: what it is compared with is written with tensors.
"""

import json
import math
import random


def softmax(row):
    largest = max(row)
    powers = [math.exp(value - largest) for value in row]
    return [power / sum(powers) for power in powers]


def entropy(probabilities):
    return -sum(p * math.log(p) for p in probabilities if p > 0)


def imsat(logits, moved, information, marginal):
    """Hu et al. 2017, equations 2 and 5 to 8, with a random map in the place of the adversarial direction."""
    assigned, moved = [softmax(row) for row in logits], [softmax(row) for row in moved]
    count, clusters = len(assigned), len(assigned[0])
    mean = [sum(row[cluster] for row in assigned) / count for cluster in range(clusters)]
    divergence = sum(
        p * math.log(p / q) for own, other in zip(assigned, moved) for p, q in zip(own, other) if p > 0
    ) / count
    conditional = sum(entropy(row) for row in assigned) / count
    return divergence - information * (marginal * entropy(mean) - conditional)


def squared_distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other))


def soft_assignment(latents, centroids):
    """Xie et al. 2016, equation 1, with one degree of freedom."""
    found = []
    for latent in latents:
        similarities = [1.0 / (1.0 + squared_distance(latent, centroid)) for centroid in centroids]
        found.append([value / sum(similarities) for value in similarities])
    return found


def target(assigned):
    """Equation 3."""
    sizes = [sum(column) for column in zip(*assigned)]
    found = []
    for row in assigned:
        sharpened = [q * q / size for q, size in zip(row, sizes)]
        found.append([value / sum(sharpened) for value in sharpened])
    return found


def divergence(target, assigned):
    """Equation 2, over the number of images."""
    return sum(p * math.log(p / q) for ps, qs in zip(target, assigned) for p, q in zip(ps, qs)) / len(target)


def taking_part(distances, part):
    """Guo et al. 2020: no farther than the mean and a part of the (population) standard deviation."""
    mean = sum(distances) / len(distances)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in distances) / len(distances))
    return [1.0 if value <= mean + part * deviation else 0.0 for value in distances]


def cross_entropy(logits, named):
    """Of softmax(logits) with one name a row."""
    return -sum(math.log(softmax(row)[name]) for row, name in zip(logits, named)) / len(logits)


def prototypes(latents, centroids, named, temperature, radius):
    """Snell et al. 2017, equation 2."""
    logits = [[-squared_distance(latent, centroid) / (temperature * radius**2) for centroid in centroids] for latent in latents]
    return cross_entropy(logits, named)


def assignment(views):
    """The mean of what is seen in each view."""
    probabilities = [[softmax(row) for row in view] for view in views]
    return [[sum(values) / len(values) for values in zip(*rows)] for rows in zip(*probabilities)]


def main():
    draw = random.Random(7)
    matrix = lambda rows, columns, scale: [[round(draw.gauss(0, scale), 4) for _ in range(columns)] for _ in range(rows)]
    cases = []
    for images, clusters, dimensions in ((5, 3, 2), (8, 4, 6), (3, 10, 32)):
        logits, moved = matrix(images, clusters, 2.0), matrix(images, clusters, 2.0)
        latents, centroids = matrix(images, dimensions, 1.5), matrix(clusters, dimensions, 1.5)
        information, marginal = round(draw.uniform(0.1, 2), 2), round(draw.uniform(0.5, 4), 2)
        assigned = soft_assignment(latents, centroids)
        aim = target(assigned)
        named = [min(range(clusters), key=lambda cluster: squared_distance(latent, centroids[cluster])) for latent in latents]
        distances = [squared_distance(latent, centroids[cluster]) for latent, cluster in zip(latents, named)]
        part = round(draw.uniform(0, 1), 2)
        members = taking_part(distances, part)
        cases.append({
            "logits": logits, "moved_logits": moved, "information_weight": information, "marginal_weight": marginal,
            "imsat": imsat(logits, moved, information, marginal),
            "latents": latents, "centroids": centroids, "soft_assignment": assigned, "target": aim,
            "dec": divergence(aim, assigned),
            "named": named, "part": part, "taking_part": members,
            "prototypes": prototypes(latents, centroids, named, part + 0.1, 2.0),
            "student": cross_entropy(moved, named), "assignment": assignment([logits, moved]),
            "aspc": sum(v * d for v, d in zip(members, distances)) / images / 10.0**2,
        })
    print(json.dumps(cases, indent=1))


if __name__ == "__main__":
    main()
