"""Puts a CPU-only libtorch together from the wheels that carry its parts.

usage: assemble_libtorch.py VERSION DESTINATION WHEEL...
"""

import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

HEADERS = PurePosixPath("torch/include")
# libtorch_cuda is left out on purpose: without it in the folder, torch-sys links no CUDA.
LIBRARIES = {
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "torch/lib/libshm.so",
    # libtorch_cpu needs these two in order to load, also where there is no GPU.
    "nvidia/cu13/lib/libcupti.so.13",
    "nvidia/cu13/lib/libcudart.so.13",
}


def place_in_libtorch(member):
    """Where a wheel's member goes, relative to the libtorch folder; None for what is not part of it."""
    path = PurePosixPath(member)
    if member in LIBRARIES:
        return PurePosixPath("lib") / path.name
    if HEADERS in path.parents:
        return path.relative_to("torch")
    return None


def extract_parts(wheel, destination):
    """Extracts a wheel's parts of libtorch and returns their names in the wheel."""
    extracted = set()
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            place = place_in_libtorch(member.filename)
            if place is None or member.is_dir():
                continue
            target = destination / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, open(target, "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            extracted.add(member.filename)
    return extracted


def main(version, destination, *wheels):
    destination = Path(destination)
    extracted = set().union(*(extract_parts(wheel, destination) for wheel in wheels))
    missing = LIBRARIES - extracted
    if missing:
        sys.exit(f"error: not in the wheels: {', '.join(sorted(missing))}")
    # torch-sys links -ltorch; the real one only gathers libtorch_cpu and libtorch_cuda.
    (destination / "lib/libtorch.so").write_text("INPUT(libtorch_cpu.so)\n")
    (destination / "build-version").write_text(f"{version}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
