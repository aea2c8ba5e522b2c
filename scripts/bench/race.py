"""The race: the stages against the Python programs that do the same, side by side in one run.

    PYTHONPATH=.python-bench:.python python3 scripts/bench/race.py [--quick] [--output FILE] [PIECE...]

Called by `scripts/pipeline bench`. All subjects of a piece take turns, round after round, so that a noisy machine is noisy
for each. What counts is the ratio of two of one round: the median over rounds is given, with the least and the greatest.
Memory is the most that a process held. Writes FILE and prints a table.

Ours are whole processes, from their start to the files they leave. An epoch is a whole training's extra time for each more
epoch, so it holds the evaluation on test images and the checkpoint. Peers are timed inside, without their start.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
RELEASE = ROOT / "target" / "release"
THREADS = os.cpu_count()
DATA = ROOT / "data" / "prepared" / "mnist"


def run(command):
    """The seconds, the peak memory in MiB and the lines of JSON of a process."""
    # The script would take what make hands on for its own, on one side only.
    inherited = {name: value for name, value in os.environ.items() if name not in ("THREADS", "LAUNCH")}
    environment = dict(inherited, LD_LIBRARY_PATH=str(ROOT / ".libtorch" / "lib"), TF_CPP_MIN_LOG_LEVEL="2")
    if command[0] != sys.executable:
        environment.pop("PYTHONPATH", None)
    else:
        environment.pop("LD_LIBRARY_PATH", None)
    # A process begins with the peak of the one that started it, so this one loads no library.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as messages:
        begin = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=messages, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            messages.seek(0)
            sys.exit(f"error: {' '.join(map(str, command))} ended with {process.returncode}:\n{messages.read()[-2000:]}")
        output.seek(0)
        lines = [json.loads(line) for line in output if line.startswith("{")]
    return seconds, usage.ru_maxrss / 1024, lines


def peer(program, *arguments):
    """What a peer's last line says, and its memory."""
    _, memory, lines = run([sys.executable, HERE / program, *arguments])
    return lines[-1], memory


class Ours:
    """The stages, on runs of their own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.trained = None

    def stage(self, name, directory, *arguments):
        return run([RELEASE / name, "--run", directory, "--threads", THREADS, *arguments])

    def train(self, model, latent, epochs, *more):
        directory = self.folder / f"{model}-{latent}"
        shutil.rmtree(directory, ignore_errors=True)
        said = ("--model", model, "--latent-dim", latent, "--epochs", epochs)
        return self.stage("ae-train", directory, "--data", DATA, *said, *more)

    def epoch(self, model, latent, epochs, *more):
        short, _, _ = self.train(model, latent, 1, *more)
        long, memory, _ = self.train(model, latent, 1 + epochs, *more)
        return (long - short) / epochs, memory

    def with_trained(self):
        """A CAE with 32 latents of one epoch, and its latents: what later stages take as well as any."""
        if self.trained is None:
            self.train("cae", 32, 1)
            self.trained = self.folder / "trained"
            shutil.rmtree(self.trained, ignore_errors=True)
            (self.folder / "cae-32").rename(self.trained)
            self.stage("latent-export", self.trained)
        return self.trained

    def export(self):
        """All 70,000 images: of a run that was trained on as many."""
        directory = self.folder / "whole"
        if not directory.exists():
            counts = ("--train-count", 60_000, "--test-count", 10_000)
            self.stage("ae-train", directory, "--data", DATA, "--epochs", 1, *counts)
        return self.stage("latent-export", directory, "--force")[:2]

    def classify(self):
        return self.stage("latent-classify", self.with_trained(), "--force")[:2]

    def study(self, epochs):
        """The study's four runs by the project's own script, two side by side."""
        directory = self.folder / "study"
        shutil.rmtree(directory, ignore_errors=True)
        stages = ["train", "latents", "cluster", "classify"]
        return run([ROOT / "scripts" / "pipeline", "-j2", *stages, "MODEL=ae cae", f"EPOCHS={epochs}", f"ARTIFACTS={directory}"])[:2]

    def up_to_date(self, stage):
        directory = self.with_trained()
        self.stage(stage, directory)
        return self.stage(stage, directory)[:2]


def operations(model, latent):
    """Floating-point operations of an epoch's matrix products and convolutions: 20,000 images forward and, for the gradients
    of weights and of inputs, twice that backward; 4,000 forward. Normalisation, pooling and the optimizer count as nothing.
    """
    if model == "ae":
        units = [784, 512, 256, 128, 64, latent]
        products = 2 * sum(inputs * outputs for inputs, outputs in zip(units, units[1:]))
    else:
        heads = 2 if model == "cvae" else 1
        convolutions = 28**2 * 9 * 32 + 14**2 * 9 * 32 * 64
        transposed = 7**2 * 9 * 64 * 64 + 14**2 * 9 * 64
        products = convolutions + transposed + (heads + 1) * 3136 * latent
    return 2 * products * (3 * 20_000 + 4_000)


def epoch_of(answer):
    """The median epoch but for the first, which warms up."""
    seconds = answer["seconds"]
    return statistics.median(seconds[1:] or seconds)


def pieces(ours, quick, study_epochs, folder):
    """Piece → subject → what gives its seconds and memory. The first subject is ours."""

    def training(model, latent, epochs, torch_ways, keras="Keras", more=()):
        subjects = {"ours": lambda: ours.epoch(model, latent, epochs, *more)}

        def of(program, *arguments):
            answer, memory = peer(program, *arguments)
            return epoch_of(answer), memory

        subjects[keras] = lambda: of("keras_peer.py", "train", model, latent, 1 + epochs)
        for way, name in torch_ways.items():
            subjects[name] = lambda way=way: of("torch_peer.py", model, latent, 1 + epochs, way)
        return subjects

    def whole(program, *arguments):
        answer, memory = peer(program, *arguments)
        return answer["seconds"][0], memory

    def clustering(path):
        def fit(command):
            _, memory, lines = run(command)
            inertias.setdefault(path.name, {}).setdefault(command[0] == sys.executable, []).append(lines[-1]["inertia"])
            return lines[-1]["seconds"], memory

        rounds = 3  # the first warms up; each is of another seed, and the last counts
        own = [RELEASE / "examples" / "fit_kmeans", path, 32, 10, 10, THREADS, rounds]
        return {
            "ours": lambda: fit(own),
            "ours, streamed": lambda: fit([*own, "streamed"]),
            "scikit-learn": lambda: fit([sys.executable, HERE / "scikit_learn_peer.py", path, 32, 10, 10, rounds]),
        }

    inertias = {}
    ways = {"best": "PyTorch, channels-last, fused Adam"}
    if not quick:
        ways["plain"] = "PyTorch"
    found = {
        "CAE epoch": training("cae", 32, 1 if quick else 2, ways),
        "AE epoch": training("ae", 32, 4 if quick else 8, ways),
        "export of 70,000": {"ours": ours.export, "Keras predict": lambda: whole("keras_peer.py", "export")},
        "K-means, 20,000 × 32": clustering(folder / "small.f32"),
        "classifier, 25 epochs": {"ours": ours.classify, "Keras": lambda: whole("keras_peer.py", "classify", 25)},
    }
    if not quick:
        found["CVAE epoch"] = training("cvae", 32, 2, ways)
        bf16 = {"bf16": "PyTorch, bf16"}
        found["CAE epoch, bf16"] = training("cae", 32, 2, bf16, "Keras, f32", ("--precision", "bf16"))
        found["study of four runs"] = {
            "ours": lambda: ours.study(study_epochs),
            "Keras": lambda: whole("keras_peer.py", "study", study_epochs),
        }
        found["K-means, 2,000,000 × 32"] = clustering(folder / "large.f32")
    for stage in ("ae-train", "cluster-eval"):
        bare = [RELEASE / "ae-train", "--version"]
        found[f"{stage}, up to date"] = {
            "ours": lambda stage=stage: ours.up_to_date(stage),
            "loading libtorch": lambda: run(bare)[:2],
        }
    return found, inertias


def summary(values):
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values), "all": values}


def race(subjects, rounds):
    """Subject → its seconds, its memory, and how many times as long as ours it took, of all rounds."""
    taken = {name: ([], []) for name in subjects}
    for turn in range(rounds):
        names = list(subjects)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds, memory = subjects[name]()
            taken[name][0].append(seconds)
            taken[name][1].append(memory)
    ours = taken["ours"][0]
    return {
        name: {
            "seconds": summary(seconds),
            "memory_mib": summary(memory),
            "times_ours": summary([theirs / own for theirs, own in zip(seconds, ours)]),
        }
        for name, (seconds, memory) in taken.items()
    }


def shares(*subjects):
    found = [subject["share_of_peak"] for subject in subjects if "share_of_peak" in subject]
    return " : ".join(f"{share:.0%}" for share in found)


def table(results):
    columns = ["piece", "ours, s", "against", "theirs, s", "times ours, median (least to greatest)", "memory, MiB, ours : theirs"]
    rows = [f"| {' | '.join(columns)} | share of peak, ours : theirs |", "|---" * (len(columns) + 1) + "|"]
    for piece, subjects in results.items():
        own = subjects["ours"]
        for name, subject in subjects.items():
            if name == "ours":
                continue
            ratio = subject["times_ours"]
            rows.append(
                f"| {piece} | {own['seconds']['median']:.2f} | {name} | {subject['seconds']['median']:.2f} "
                f"| {ratio['median']:.1f} ({ratio['least']:.1f} to {ratio['greatest']:.1f}) "
                f"| {own['memory_mib']['median']:.0f} : {subject['memory_mib']['median']:.0f} | {shares(own, subject)} |"
            )
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, without the longest pieces")
    parser.add_argument("--rounds", type=int, help="rounds of each piece (default: 5; 1 if quick)")
    parser.add_argument("--study-epochs", type=int, default=25, help="epochs of the study's four runs (default: 25)")
    parser.add_argument("--study-rounds", type=int, help="rounds of the study (default: as many as of other pieces, 3 at most)")
    parser.add_argument("--output", type=Path, default=ROOT / "artifacts" / "bench.json", help="file to write")
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help="only pieces whose name begins so")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ours = Ours(folder / "runs")
        found, inertias = pieces(ours, arguments.quick, arguments.study_epochs, folder)
        wanted = {
            name: subjects for name, subjects in found.items()
            if not arguments.pieces or any(name.startswith(piece) for piece in arguments.pieces)
        }
        if not wanted:
            parser.error(f"no piece begins so; there are: {', '.join(found)}")
        if any(name.startswith("K-means") for name in wanted):
            latents = ours.with_trained() / "latent-export" / "train.parquet"
            for file, *copies in (("small.f32",), ("large.f32", 100)):
                run([sys.executable, HERE / "points.py", latents, folder / file, 32, *copies])
        results = {}
        for name, subjects in wanted.items():
            print(f"{name} ...", file=sys.stderr, flush=True)
            if name.startswith("study"):
                turns = arguments.study_rounds or min(rounds, 3)
            else:
                turns = min(rounds, 3) if "2,000,000" in name else rounds
            results[name] = race(subjects, turns)
        peak = statistics.median(peer("torch_peer.py", "peak")[0]["seconds"])
    for model in ("ae", "cae", "cvae"):
        for subject in results.get(f"{model.upper()} epoch", {}).values():
            subject["share_of_peak"] = operations(model, 32) / subject["seconds"]["median"] / peak
    record = {"threads": THREADS, "rounds": rounds, "matrix_product_flops": peak, "pieces": results}
    record["inertia"] = {
        name: {"ours": values[False], "scikit-learn": values[True]} for name, values in inertias.items()
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    print(table(results))
    for name, values in record["inertia"].items():
        print(f"inertia of {name}: ours {values['ours']}, scikit-learn {values['scikit-learn']}")
    print(f"matrix product in f32: {peak / 1e9:.0f} GFLOP/s on {THREADS} threads")


if __name__ == "__main__":
    main()
