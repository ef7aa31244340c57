"""Commands of the README, and what they say where something is missing or wrong."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from simagents.config import reading
from simagents.costs.estimate import Estimate
from simagents.planning.plan import Plan

ROOT = Path(__file__).parents[2]


def link_womd(workflow, **shards):
    for split, count in shards.items():
        folder = workflow.folder / "resources/womd" / split
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{split}.tfrecord-{number:05d}-of-{count:05d}").touch()


def problem(output):
    """The last line, which is one sentence of ours; Snakemake says no more, and shows no stack."""
    assert "Traceback" not in output
    assert "Error" not in output
    *_, last = output.splitlines()
    assert last.startswith("simagents: ")
    return last.removeprefix("simagents: ")


def test_the_slurm_profile_means_the_papers_scale_from_womd(fresh):
    """Three seeds of 60 runs, calibrated twice each; with 7 shards, to be quick."""
    shards = {"scenarios__womd__training_shards": 4, "scenarios__womd__validation_shards": 3}
    fresh.change("config/scale/paper.yaml", compute__shards=1, **shards)
    link_womd(fresh, training=9, validation=3)
    jobs = fresh.planned("--profile", "slurm")
    assert jobs["cache"] == 7
    assert (jobs["train"], jobs["calibrate"]) == (180, 6)
    assert "synthesize" not in jobs


def test_the_command_line_is_stronger_than_the_slurm_profile(fresh):
    jobs = fresh.planned("--profile", "slurm", "--config", "scale=demo")
    assert jobs["train"] == 40
    assert jobs["synthesize"] > 0


def test_another_size_of_the_model_is_one_word(finished):
    """All runs are trained anew, on the scenarios and tokens that are there."""
    jobs = finished.planned("--config", "size=1m", "--", "results/demo/tables/baselines.tex")
    assert jobs["train"] == 2  # BC and SFT
    assert not {"synthesize", "cache", "vocabulary", "tokenize"} & set(jobs)


@pytest.mark.parametrize("data", ["womd", "synthetic"])
def test_as_many_jobs_are_planned_as_costs_are_counted_for(fresh, data):
    """At the papers' scale, with empty stand-ins for WOMD: 1,150 shards are cached, 4,600 tokenised.

    The estimate counts what is submitted, and that is what is not declared local.
    """
    link_womd(fresh, training=1000, validation=150)
    units = yaml.safe_load((ROOT / "config/costs.yaml").read_text())
    estimate = Estimate(Plan.of(reading.read(ROOT, {"scale": "paper", "data": data})), units)
    counted = sum((cost.jobs for cost in estimate.of_paper().values()), Counter())
    jobs = fresh.planned("--profile", "slurm", "--config", f"data={data}")
    assert (jobs["cache"], jobs["tokenize"]) == (46, 4 * 46)
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow").rglob("*.smk"))
    lists = re.findall(r"^localrules:\n((?:    \w+,\n)+)", rules, re.M)
    local = "".join(lists).replace(",", "").split()
    local += re.findall(r"^rule (\w+):\n(?:(?:    .*)?\n)*?    localrule: True", rules, re.M)
    assert {rule: count for rule, count in jobs.items() if rule not in local} == counted
    assert counted.total() - counted["synthesize"] < 1600


SITE = """partition: short
account: us
constraint: "big|bigger"
gpu_model: a100
extra: --mail-type=FAIL --exclude=n7
"""


def test_jobs_of_the_slurm_profile_bear_the_site_s_settings(fresh):
    (fresh.folder / "slurm/local.yaml").write_text(SITE)
    told = resources(fresh, gpus=2, workers=2, threads=4)
    for rule in ("cache_training_0", "train", "evaluate"):
        assert "slurm_partition=short, slurm_account=us, constraint=big|bigger" in told[rule]
        assert "slurm_extra=--mail-type=FAIL --exclude=n7" in told[rule]
    assert "gpu=2, gpu_jobs=1, gpu_model=a100" in told["train"]
    assert "gpu=1, gpu_jobs=1, gpu_model=a100" in told["evaluate"]
    assert "gpu" not in told["cache_training_0"]


def test_a_run_on_several_nodes_asks_every_node_for_the_same(fresh):
    """A sum over nodes would be met by an uneven share, which torchrun waits for in vain."""
    (fresh.folder / "slurm/local.yaml").write_text(SITE)
    shape = {"nodes": 2, "gpus": 8, "workers": 8, "threads": 32, "mem_mb": 64000}
    told = resources(fresh, **shape)["train"].split(", ")
    asked = {"mpi=srun", "nodes=2", "tasks_per_node=4", "cpus_per_task=4", "mem_mb=32000"}
    assert asked <= set(told)
    assert "slurm_extra=--gpus-per-node=a100:4 --mail-type=FAIL --exclude=n7" in told
    assert [word for word in told if word.startswith("gpu")] == ["gpu_jobs=1"]


def test_what_nodes_cannot_share_evenly_is_said(fresh):
    fresh.change("config/scale/demo.yaml", compute__nodes=2, compute__workers=3)
    told = problem(fresh.run("--dry-run", succeeds=False))
    assert told.startswith("compute.workers: 3 cannot be shared evenly by 2 nodes")


@pytest.mark.parametrize(("gpus", "seen"), [(0, "[]"), (1, "[3]")])
def test_jobs_see_gpus_where_the_scale_has_some(fresh, monkeypatch, gpus, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    fresh.change("config/scale/demo.yaml", compute__gpus=gpus)
    told = fresh.folder / "told"
    program = fresh.folder / "bin/simagents"
    program.write_text(f'#!/bin/bash\necho "[$CUDA_VISIBLE_DEVICES]" >>{told}\nexit 1\n')
    fresh.run("--", "results/demo/tables/baselines.md", succeeds=False)
    assert set(told.read_text().split()) == {seen}


@pytest.mark.parametrize("nodes", [1, 2])
def test_on_one_machine_one_job_at_a_time_has_gpus(fresh, nodes):
    """Of `gpu_jobs` the local profile has one, and SLURM's as many as there are jobs."""
    profile = (ROOT / "profiles/default/config.yaml").read_text()
    assert re.search(r"^\?if not any.*\n  cores: all\n  resources: \[gpu_jobs=1\]", profile, re.M)
    told = resources(fresh, nodes=nodes, gpus=2, workers=2, threads=4)
    assert all("gpu_jobs=1" in told[rule].split(", ") for rule in ("train", "evaluate"))
    assert "gpu" not in told["cache_training_0"]


def test_a_job_of_several_shards_fails_with_the_first_of_them(fresh):
    """Jobs on machines without GPUs have a prefix, which must not take away bash's strict mode."""
    program = fresh.folder / "bin/simagents"
    touching = program.rename(program.with_name("touching"))
    program.write_text(
        '#!/bin/bash\n[[ "$*" == cache*00002-of* ]] && exit 3\nexec ' + str(touching) + ' "$@"\n'
    )
    program.chmod(0o755)
    told = fresh.run("--", "results/demo/tables/baselines.md", succeeds=False)
    assert "Error in rule cache_training_1" in told
    assert "Missing files after" not in told


def test_without_a_cluster_all_processes_of_a_run_are_on_this_machine(fresh):
    fresh.change("config/scale/demo.yaml", compute__nodes=2, compute__workers=4, compute__threads=4)
    told = fresh.run("--dry-run")
    assert re.search("torchrun --standalone --nproc-per-node=4 .*--no-python simagents train", told)
    assert "srun --nodes" not in told


def test_a_slip_in_the_site_s_settings_names_what_was_meant(fresh):
    (fresh.folder / "slurm/local.yaml").write_text("partitions: short\n")
    told = fresh.run("--profile", "slurm", "--dry-run", succeeds=False)
    assert "slurm/local.yaml: unknown key `partitions`; did you mean `partition`?" in told
    assert "Traceback" not in told


def test_the_first_run_is_told_once_where_settings_go(fresh):
    words = ("--profile", "slurm", "--config", "scale=demo", "--dry-run")
    said = re.compile("^simagents: ", re.M)  # commands that are shown may say something, too
    assert len(said.findall(fresh.run(*words))) == 1
    assert not said.search(fresh.run("--dry-run", "--quiet", "all"))


def resources(workflow, **compute):
    """What each rule's jobs ask for under the slurm profile, as Snakemake prints it."""
    changes = {f"compute__{name}": value for name, value in compute.items()}
    workflow.change("config/scale/demo.yaml", **changes)
    told = workflow.run("--profile", "slurm", "--config", "scale=demo", "--dry-run")
    return dict(re.findall(r"^rule (\w+):.*?^    resources: (.*?)$", told, re.M | re.S))


def test_womd_that_is_not_linked_is_said_in_one_sentence(fresh):
    told = problem(fresh.run("--dry-run", "--config", "data=womd", succeeds=False))
    assert told.startswith("resources/womd/training holds 0 TFRecord files")
    assert "docs/data.md" in told


def test_fewer_shards_than_the_scale_wants_are_no_smaller_paper(fresh):
    link_womd(fresh, training=1, validation=1)
    told = problem(fresh.run("--dry-run", "--config", "data=womd", succeeds=False))
    assert "holds 1 TFRecord files and scale demo needs 2" in told


def test_womd_has_results_of_its_own(fresh):
    link_womd(fresh, training=2, validation=1)
    told = fresh.run("--dry-run", "--config", "data=womd")
    assert "results/demo-womd/paper/paper.pdf" in told


@pytest.mark.parametrize(
    ("file", "key", "value", "sentence"),
    [
        (
            "config/papers/smart_r1.yaml",
            "stages__rft__algorithm__divergence__bta",
            0.1,
            "stages.rft.algorithm.divergence: unknown key `bta`; did you mean `beta`?",
        ),
        (
            "config/papers/common.yaml",
            "tables__baselines__columns",
            ["metametric", "min_adee"],
            "tables.baselines.columns[1]: unknown value `min_adee`; did you mean `min_ade`?",
        ),
        (
            "config/scale/demo.yaml",
            "optimiser__clip",
            "5e-1",
            "optimiser.clip: '5e-1' must be a valid number. YAML reads 5e-1 as text;"
            " write 5.0e-01 with a dot.",
        ),
    ],
)
def test_a_slip_in_the_configuration_names_what_was_meant(fresh, file, key, value, sentence):
    fresh.change(file, **{key: value})
    assert problem(fresh.run("--dry-run", succeeds=False)) == sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--config", "scale=dmo"), "scale: unknown value `dmo`; did you mean `demo`?"),
        (("--config", "size=7mm"), "size: unknown value `7mm`; did you mean `7m`?"),
        (("--config", "data=wod"), "data: unknown value `wod`; did you mean `womd`?"),
        (("--config", "sedes=1"), "configuration: unknown key `sedes`; did you mean `seeds`?"),
        (
            ("--", "results/demo/tables/alhpa.tex"),
            "results/demo/tables: unknown value `alhpa`; did you mean `alpha`?",
        ),
        (
            ("--", "results/demo/figures/sweps.pdf"),
            "results/demo/figures: unknown value `sweps`; did you mean `sweeps`?",
        ),
        (
            ("--", "results/paper/tables/alpha.tex"),
            "results/paper/tables/alpha.tex: this configuration writes to results/demo; choose"
            " another by --config scale=… data=….",
        ),
    ],
)
def test_a_slip_on_the_command_line_names_what_was_meant(fresh, words, sentence):
    assert problem(fresh.run("--dry-run", *words, succeeds=False)) == sentence


PARSE = """
import sys
from snakemake.cli import main
try:
    main(["--list-rules"])
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({"torch", "deepspeed", "matplotlib", "simagents.planning.plan"} & set(sys.modules)))
"""
"""Snakemake itself loads pandas."""


def test_parsing_loads_nothing_large(fresh):
    """Every job of a cluster parses the workflow again."""
    done = subprocess.run(
        [sys.executable, "-c", PARSE], cwd=fresh.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "simagents.planning.plan"


def test_scales_differ_in_values_and_not_in_keys(fresh):
    def keys(value):
        return {k: keys(v) for k, v in value.items()} if isinstance(value, dict) else None

    folder = fresh.folder / "config/scale"
    scales = {p.stem: keys(yaml.safe_load(p.read_text())) for p in folder.glob("*.yaml")}
    assert set(scales) == {"demo", "small", "lab", "paper"}
    for scale in scales.values():  # what a scale changes of config/papers is its own
        for name in ("stages", "tables", "figures", "evaluations"):
            scale.pop(name, None)
        for budget in scale["budgets"].values():  # as are changes of the optimiser
            budget.pop("optimiser", None)
    assert all(keys == scales["paper"] for keys in scales.values())
    models = [keys(yaml.safe_load(p.read_text())) for p in (folder / "../model").glob("*.yaml")]
    assert len(models) == 5
    assert all(model == models[0] for model in models)


def test_processes_without_a_gpu_of_their_own_are_not_queued(fresh):
    fresh.change("config/scale/demo.yaml", compute__gpus=2, compute__workers=4)
    told = problem(fresh.run("--dry-run", succeeds=False))
    assert told.startswith("compute.workers: 4 training processes need as many GPUs")
