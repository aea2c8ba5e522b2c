"""Points for K-means: the latents of a Parquet file as f32 numbers, small.f32, and a hundred times as many around them,
large.f32.

    points.py LATENTS FOLDER
"""

import sys
from pathlib import Path

import numpy
import pyarrow.parquet

latents, folder = map(Path, sys.argv[1:])
table = pyarrow.parquet.read_table(latents)
columns = [name for name in table.column_names if name[0] == "z" and name[1:].isdigit()]
points = numpy.stack([table[name].to_numpy() for name in columns], axis=1).astype("float32")
points.tofile(folder / "small.f32")
generator = numpy.random.default_rng(0)
with open(folder / "large.f32", "wb") as file:
    for _ in range(100):
        noise = generator.normal(0.0, 0.1 * points.std(), points.shape)
        (points + noise).astype("float32").tofile(file)
