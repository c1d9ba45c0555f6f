"""Scenarios of the models: alternating least squares against `implicit`, and how training grows with interactions."""

import json
import math
import os
import pathlib
import random
import subprocess

from machine import PROJECT, note

DATA = PROJECT.parent / "shared/data"
FACTORS = (64, 128)
ITERATIONS = 15
REGULARISATION = 0.01
CONFIDENCE = 10.0


def held_out(folder: pathlib.Path, quick: bool) -> tuple[str, pathlib.Path, pathlib.Path]:
    """Lists, oldest first, and what was held back: the last fifth of each. Gowalla, else ml-100k, else made up."""
    gowalla, films = DATA / "gowalla/train.txt", DATA / "ml-100k/u.data"
    if gowalla.exists() and not quick:
        name, lists = "gowalla", [line.split()[1:] for line in gowalla.read_text().splitlines()]
    elif films.exists():
        by_person: dict[int, list[tuple[int, int, str]]] = {}
        for number, line in enumerate(films.read_text().splitlines()):
            person, item, _, when = line.split()
            by_person.setdefault(int(person), []).append((int(when), number, item))
        name, lists = "ml-100k", [[item for _, _, item in sorted(run)] for _, run in sorted(by_person.items())]
    else:
        name, lists = "generated", made_up(2_000 if quick else 20_000)
    train, test = folder / "als-train.txt", folder / "als-test.txt"
    with train.open("w") as known, test.open("w") as held:
        for person, run in enumerate(lists):
            cut = len(run) - len(run) // 5
            known.write(" ".join([str(person), *run[:cut]]) + "\n")
            held.write(" ".join([str(person), *run[cut:]]) + "\n")
    return name, train, test


def made_up(persons: int) -> list[list[str]]:
    """Persons of fifty tastes over 10,000 items, frequent as 1 / rank."""
    numbers = random.Random(1)
    lists = []
    for _ in range(persons):
        taste, run = numbers.randrange(50), {}
        for _ in range(numbers.randint(10, 60)):
            item = int(10_000 ** numbers.random()) - 1
            run[item // 50 * 50 + taste if numbers.random() < 0.75 else item] = None
        lists.append([str(item) for item in run])
    return lists


def answer(command: list[object]) -> dict:
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stderr[-1000:]}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def als(bench) -> None:
    """Alternating least squares against implicit: same factors, iterations, threads, regularisation and confidence."""
    ours, python = bench.binary.parent / "footfall-bench", PROJECT / ".venv/bin/python"
    quick = bench.sizes.seconds <= 2
    name, train, test = held_out(bench.folder, quick)
    for threads in sorted({1, min(2, os.cpu_count() or 1)}):
        for factors in FACTORS:
            shared = ["--factors", factors, "--iterations", ITERATIONS, "--regularisation", REGULARISATION,
                      "--confidence", CONFIDENCE, "--threads", threads]
            runs: list[tuple[dict, dict]] = []
            note(f"als: {name}, {factors} factors, {threads} threads")
            for _ in range(bench.sizes.rounds):
                runs.append((
                    answer([ours, "als", "--train", train, "--test", test, "--exponent", 0, "--unobserved", 1, *shared]),
                    answer([python, PROJECT / "Benchmarks/peer/als.py", train, test, *shared])))
            mine, peer = (min(side, key=lambda run: run["seconds"]) for side in zip(*runs))
            label = f"{name}, {factors} factors, {threads} thread{'s' if threads > 1 else ''}"
            bench.report.add("als", f"{label}: seconds", mine["seconds"], "s", **mine)
            bench.report.add("als", f"{label}: implicit's seconds", peer["seconds"], "s", **peer)
            bench.report.add("als", f"{label}: times as fast", peer["seconds"] / mine["seconds"], "", at_least=1.5)
            # Both are one draw of a random start; what differs by less than a hundredth is the draw.
            bench.report.add("als", f"{label}: NDCG@20 by implicit's", mine["ndcg@20"] / peer["ndcg@20"], "",
                             at_least=0.99, ours=mine["ndcg@20"], implicit=peer["ndcg@20"])


MODELS = ("popularity", "walk", "autoencoder", "sequence", "spectral", "als", "user-to-user")


def training(bench) -> None:
    """CPU time and peak memory of fitting each model to 0.2 to 20 million interactions over 20,000 items, one thread."""
    ours = bench.binary.parent / "footfall-bench"
    sizes = [20_000, 200_000] if bench.sizes.seconds <= 2 else [200_000, 2_000_000, 20_000_000]
    for model in MODELS:
        runs = []
        for size in sizes:
            note(f"training: {model}, {size:,} interactions")
            runs.append(answer([ours, "training", "--model", model, "--interactions", size, "--threads", 1]))
            bench.report.add("training", f"{model}, {size:,} interactions: CPU", runs[-1]["cpu_s"], "s", **runs[-1])
            bench.report.add("training", f"{model}, {size:,} interactions: peak memory", runs[-1]["peak_mib"], "MiB")
        # Between the two greatest sizes, where what does not grow with interactions weighs least. Milliseconds say nothing.
        if runs[-2]["cpu_s"] >= 0.05:
            growth = math.log(runs[-1]["cpu_s"] / runs[-2]["cpu_s"]) / math.log(sizes[-1] / sizes[-2])
            bench.report.add("training", f"{model}: exponent of growth", growth, "", at_most=1.1)
