"""Copy what a finished scale found, without weights, to a folder that git keeps.

Kept are per-scenario scores, drives of planners, moments of gradients, the histories that tables and
figures read, recipes and provenance of all runs, and the tables and figures that the workflow made of
them. Which files and which commands these are is Snakemake's own record of the workflow, so that nothing
is listed twice.
"""

import csv
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from simagents.config.reading import read
from simagents.errors import InputError
from simagents.planning.plan import Plan
from simagents.provenance import commit
from simagents.reference.manifest import Manifest, Step

REBUILT = ("cells", "gradient_table", "table", "figure", "comparison")
"""Rules that make tables and figures of scores; each reads outputs of those before it alone."""
KEPT_OF_RUNS = ("recipe.json", "provenance.json")
SUFFIXES = {".json", ".md", ".png"}
"""Of outputs that are kept; the other formats hold the same once more."""


@dataclass
class Args:
    """Keep the results of a finished scale."""

    scale: str
    """whose results are in results/SCALE"""
    out: Path
    """folder; replaced where it exists"""
    targets: list[str] = field(default_factory=lambda: ["everything_but_pdf"])
    """what of the workflow, as for Snakemake: files or rules"""
    config: list[str] = field(default_factory=list)
    """further KEY=VALUE that the workflow was called with"""


@dataclass(frozen=True)
class Job:
    """A job of the workflow, as Snakemake remembers it."""

    rule: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    command: str
    current: bool
    """whether Snakemake would leave its outputs as they are"""

    @property
    def words(self) -> tuple[str, ...]:
        """Of the command line behind `simagents`, without the redirection to a log."""
        words = shlex.split(self.command)
        return tuple(word for word in words[1:] if not word.startswith((">", "2>")))

    @property
    def draws_scenes(self) -> bool:
        """Whether it reads scenarios, which are not kept."""
        return any(path.endswith("-shards.txt") for path in self.inputs)


def main(args: Args) -> None:
    """Raises InputError where the scale is not finished, and for WOMD, whose licence forbids it."""
    if not Path("Snakefile").exists():
        raise InputError(
            "Snakefile: there is no such file here; start this in the top folder of the repository."
        )
    config = {"scale": args.scale, **dict(each.partition("=")[::2] for each in args.config)}
    plan = Plan.of(read(Path(), config))
    if plan.source != "synthetic":
        raise InputError(
            f"{plan.results}: is of {plan.source} data, of which nothing made from single scenarios may be passed"
            " on; keep its tables alone."
        )
    words = ["snakemake", "--config", *(f"{key}={value}" for key, value in config.items())]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--detailed-summary", *args.targets],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise InputError(f"{' '.join(words)} failed: {done.stdout}{done.stderr}")
    jobs = list(jobs_of(done.stdout.splitlines()))
    kept = keep(Path(), jobs, str(plan.results), args.out)
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(
        f"{args.out}: {len(kept.steps)} commands make its tables and figures again,"
        f" {len(kept.as_made)} figures stay as they are; {size / 1e6:.1f} MB"
    )


def jobs_of(summary: Iterable[str]) -> Iterator[Job]:
    """The jobs of `snakemake --detailed-summary`, which has a line for each output."""
    grouped: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(summary, delimiter="\t", quoting=csv.QUOTE_NONE):
        grouped.setdefault((row["rule"], row["shellcmd"]), []).append(row)
    for (rule, command), rows in grouped.items():
        yield Job(
            rule,
            tuple(row["output_file"] for row in rows),
            tuple(rows[0]["input-file(s)"].split(",")),
            command,
            all(row["plan"] == "no update" for row in rows),
        )


def keep(root: Path, jobs: list[Job], results: str, out: Path) -> Manifest:
    """Copy files of `results` under `root` to `out`, which appears whole or not at all."""
    exhibits = sorted((job for job in jobs if job.rule in REBUILT), key=_order)
    waiting = [job.outputs[0] for job in exhibits if not job.current]
    if waiting or not exhibits:
        raise InputError(
            f"{results}: {len(waiting)} of {len(exhibits)} tables and figures are not up to date, such as"
            f" {next(iter(waiting), 'all')}; finish them with `snakemake everything_but_pdf`."
        )
    steps = [job for job in exhibits if not job.draws_scenes]
    made = {path for job in exhibits for path in job.outputs}
    files = {path for path in made if Path(path).suffix in SUFFIXES}
    files |= {path for job in steps for path in job.inputs if path not in made}
    files |= {
        path
        for job in jobs
        for path in job.outputs
        if path.startswith(f"{results}/runs/") and Path(path).name in KEPT_OF_RUNS
    }
    manifest = Manifest(
        results,
        commit(root),
        tuple(Step(job.words, tuple(sorted(files.intersection(job.outputs)))) for job in steps),
        tuple(
            path for job in exhibits if job.draws_scenes for path in job.outputs if path in files
        ),
    )
    _copy(root, results, {path for path in files if path.startswith(f"{results}/")}, out, manifest)
    return manifest


def _order(job: Job) -> tuple[int, str]:
    return REBUILT.index(job.rule), job.outputs[0]


def _copy(root: Path, results: str, files: set[str], out: Path, manifest: Manifest) -> None:
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for path in sorted(files):
        target = partial / Path(path).relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".parquet":
            write_small(root / path, target)
        else:
            shutil.copyfile(root / path, target)
    manifest.write(partial)
    old = out.with_name(f".{out.name}.old")
    if out.exists():  # renamed before it is removed, so that no moment has half a folder
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def write_small(path: Path, target: Path) -> None:
    """The same table in three quarters of the bytes: git keeps what is written once and read seldom.

    Numbers hardly repeat, so that a dictionary of them costs more than it saves.
    """
    table = parquet.read_table(path)
    named = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    parquet.write_table(
        table, target, compression="zstd", compression_level=19, use_dictionary=named,
        write_statistics=False,
    )  # fmt: skip
