"""What training reads, at the papers' scale: opening, random access, files and memory of a worker.

Any number of scenes in any number of shards: a few synthetic ones, repeated under other names, in a
folder that is removed afterwards. Read cold, the shards are first dropped from the page
cache. The named baseline is a copy of the same bytes out of one memory-mapped file, as fast as
memory goes.

    OMP_NUM_THREADS=1 python benchmarks/loading.py --scenes 100000
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import tyro
import yaml
from model_case import vocabulary_of
from tqdm import tqdm

from simagents.config.models import Smart
from simagents.models.families import SceneReader
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.shard_file import write_shard
from simagents.scenarios.store import ScenarioStore, write_scenarios
from simagents.scenarios.synthetic import generate_scenario
from simagents.tokens.scene import TokenStore, tokenize

MB = 2**20
REPOSITORY = Path(__file__).parents[1]


@dataclass
class Args:
    """How much to write and read."""

    scenes: int = 100_000
    shards: int = 1000
    distinct: int = 64
    """scenes that are generated; the others repeat them"""
    reads: int = 20_000
    """scenes read at random"""
    folder: Path | None = None
    """where to write; the system's folder for temporary files if none is given"""


@dataclass(frozen=True)
class Work:
    """What one process reads."""

    kind: str
    """tokens, scenarios, or batches of ten, which are made of both"""
    tokens: tuple[Path, ...]
    scenarios: tuple[Path, ...]
    reads: int
    seed: int


@dataclass(frozen=True)
class Cost:
    """Of reading them."""

    opening: float
    reading: float
    """seconds"""
    files: int
    """open at the end, and not before"""
    memory: int
    """bytes of this process alone, maps of files not counted"""


def main(args: Args) -> None:
    """Print tables in Markdown."""
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        tokens, scenarios = write(args, folder)
        size = sum(path.stat().st_size for path in tokens)
        of_scenarios = sum(path.stat().st_size for path in scenarios)
        copied = memory_speed(tokens[0])
        print(
            f"{args.scenes} scenes in {len(tokens)} shards: {size / 1e9:.1f} GB of tokens"
            f" ({size / args.scenes / 1e3:.0f} kB a scene), {of_scenarios / 1e9:.1f} GB of scenarios."
            f" Copied from a map: {copied / MB:.0f} MB/s.\n"
        )
        print(
            "| read at random | cache | processes | to open (s) | scenes/s | MB/s, of a copy's"
            " | files | memory (MB) |\n|---|---|--:|--:|--:|--:|--:|--:|"
        )
        read_bytes = {"tokens": size, "scenarios": of_scenarios, "batches": size + of_scenarios}
        for kind, bytes_of_kind in read_bytes.items():
            for cold, processes in ((True, 1), (False, 1), (False, 2)):
                if cold:
                    forget(tokens + scenarios)
                work = Work(kind, tuple(tokens), tuple(scenarios), args.reads, 0)
                costs = read(work, processes)
                show(
                    kind,
                    cold,
                    costs,
                    args.reads,
                    bytes_of_kind,
                    copied,
                    args,
                )


def write(args: Args, folder: Path) -> tuple[list[Path], list[Path]]:
    """Shards of tokenised scenes, and of the scenarios behind them."""
    originals = [generate_scenario(0, number) for number in range(args.distinct)]
    vocabulary = vocabulary_of(originals[0])
    chains = [tokenize(scenario, vocabulary).item() for scenario in originals]
    per_shard = -(-args.scenes // args.shards)
    tokens, scenarios = [], []
    for first in tqdm(range(0, args.scenes, per_shard), desc="writing", unit="shard"):
        numbers = range(first, min(first + per_shard, args.scenes))
        names = [f"{number:016x}" for number in numbers]
        same = [number % args.distinct for number in numbers]
        tokens.append(folder / f"{first}.tokens")
        write_shard(tokens[-1], ((n, chains[i]) for n, i in zip(names, same, strict=True)))
        scenarios.append(folder / f"{first}.scenarios")
        write_scenarios(scenarios[-1], renamed(originals, names, same))
    os.sync()  # pages that are not on the disk yet cannot be dropped from the cache
    return tokens, scenarios


def renamed(originals: list[Scenario], names: list[str], same: list[int]) -> Iterator[Scenario]:
    """Scenarios again under other names."""
    for name, index in zip(names, same, strict=True):
        yield replace(originals[index], id=name)


def forget(shards: Sequence[Path]) -> None:
    """Drop files from the page cache."""
    for path in shards:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def memory_speed(path: Path) -> float:
    """Bytes a second of copying a mapped file that is in memory."""
    mapped = np.memmap(path, dtype=np.uint8, mode="r")
    mapped.sum()
    start = time.perf_counter()
    for _ in range(20):
        np.array(mapped)
    return 20 * len(mapped) / (time.perf_counter() - start)


def read(work: Work, processes: int) -> list[Cost]:
    """So many processes at once, each with its own random order."""
    works = [replace(work, seed=seed) for seed in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(read_by_one, works))


def read_by_one(work: Work) -> Cost:
    """One process's reading."""
    files, memory, start = open_files(), own_memory(), time.perf_counter()
    names = ("tokens", "scenarios") if work.kind == "batches" else (work.kind,)
    kinds = {"tokens": TokenStore, "scenarios": ScenarioStore}
    stores = [kinds[name](list(getattr(work, name))) for name in names]
    opened = time.perf_counter()
    random = np.random.default_rng(work.seed)
    rows = random.integers(len(stores[0]), size=work.reads).tolist()
    if work.kind == "batches":
        settings = yaml.safe_load((REPOSITORY / "config/model/demo.yaml").read_text())
        reader = SceneReader(Smart.model_validate(settings["models"]["smart"]))
        tokens, scenarios = stores
        for first in range(0, work.reads, 10):
            batch = rows[first : first + 10]
            reader([scenarios[row] for row in batch], [tokens[row] for row in batch])
    else:
        for row in rows:
            stores[0][row]
    read = time.perf_counter()
    return Cost(opened - start, read - opened, open_files() - files, own_memory() - memory)


def open_files() -> int:
    """Of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def own_memory() -> int:
    """Bytes that no file backs."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def show(
    kind: str, cold: bool, costs: list[Cost], reads: int, size: int, copied: float, args: Args
) -> None:
    """One row: the slowest opening, all reads together, the largest process."""
    rate = sum(reads / one.reading for one in costs)
    speed = rate * size / args.scenes
    worst = {key: max(asdict(one)[key] for one in costs) for key in asdict(costs[0])}
    print(
        f"| {kind} | {'cold' if cold else 'warm'} | {len(costs)} | {worst['opening']:.1f}"
        f" | {rate:,.0f} | {speed / MB:,.0f}, {speed / copied:.0%} | {worst['files']}"
        f" | {worst['memory'] / MB:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main(tyro.cli(Args))
