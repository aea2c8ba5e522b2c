"""Points for K-means: the first values of a Parquet file's latents as f32 numbers, or that many noisy copies of them.

    points.py LATENTS FILE DIMENSIONS [COPIES]
"""

import sys

import numpy
import pyarrow.parquet


def main(latents, path, dimensions, copies=0):
    table = pyarrow.parquet.read_table(latents)
    columns = [name for name in table.column_names if name[0] == "z" and name[1:].isdigit()]
    if len(columns) < dimensions:
        sys.exit(f"error: {latents} has {len(columns)} dimensions, not {dimensions}")
    points = numpy.stack([table[name].to_numpy() for name in columns[:dimensions]], axis=1).astype("float32")
    if copies == 0:
        points.tofile(path)
        return
    generator = numpy.random.default_rng(0)
    with open(path, "wb") as file:
        for _ in range(copies):
            noise = generator.normal(0.0, 0.1 * points.std(), points.shape)
            (points + noise).astype("float32").tofile(file)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
