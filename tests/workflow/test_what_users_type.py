"""Commands of the README, and what they say where something is missing or wrong."""

import pytest
import yaml


def link_womd(workflow, **shards):
    for split, count in shards.items():
        folder = workflow.folder / "resources/womd" / split
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{split}.tfrecord-{number:05d}-of-{count:05d}").touch()


def problem(output):
    """The last thing that was said before Snakemake's own trace."""
    lines = output.splitlines()
    return next(
        lines[i + 1] for i, line in enumerate(lines) if line.startswith("WorkflowError in file")
    )


def test_the_slurm_profile_means_the_papers_scale_from_womd(fresh):
    """Three seeds of 31 runs, calibrated three times; with 7 shards, to be quick."""
    shards = {"scenarios__womd__training_shards": 4, "scenarios__womd__validation_shards": 3}
    fresh.change("config/scale/paper.yaml", **shards)
    link_womd(fresh, training=9, validation=3)
    jobs = fresh.planned("--profile", "slurm")
    assert jobs["cache"] == 7
    assert (jobs["train"], jobs["calibrate"]) == (93, 3)
    assert "synthesize" not in jobs


def test_the_command_line_is_stronger_than_the_slurm_profile(fresh):
    jobs = fresh.planned("--profile", "slurm", "--config", "scale=demo")
    assert jobs["train"] == 22
    assert jobs["synthesize"] > 0


def test_another_size_of_the_model_is_one_word(finished):
    """All runs are trained anew, on the scenarios and tokens that are there."""
    jobs = finished.planned("--config", "size=1m", "--", "results/demo/tables/baselines.tex")
    assert jobs["train"] == 1
    assert not {"synthesize", "cache", "vocabulary", "tokenize"} & set(jobs)


def test_jobs_of_the_slurm_profile_bear_the_site_s_partition(fresh):
    (fresh.folder / "slurm/local.yaml").write_text("partition: short\naccount: us\n")
    told = fresh.run("--profile", "slurm", "--config", "scale=demo", "--dry-run")
    assert "slurm_partition=short, slurm_account=us" in told


def test_womd_that_is_not_linked_is_said_in_one_sentence(fresh):
    told = problem(fresh.run("--dry-run", "--config", "data=womd", succeeds=False))
    assert told.startswith("resources/womd/training holds 0 TFRecord files")
    assert "DATA.md" in told


def test_fewer_shards_than_the_scale_wants_are_no_smaller_paper(fresh):
    link_womd(fresh, training=1, validation=1)
    told = problem(fresh.run("--dry-run", "--config", "data=womd", succeeds=False))
    assert "holds 1 TFRecord files and scale demo wants 2" in told


def test_womd_has_results_of_its_own(fresh):
    link_womd(fresh, training=2, validation=1)
    told = fresh.run("--dry-run", "--config", "data=womd")
    assert "results/demo-womd/paper/paper.pdf" in told


@pytest.mark.parametrize(
    ("file", "key", "value", "sentence"),
    [
        (
            "config/experiments.yaml",
            "stages__rft__bta",
            0.1,
            "stages.rft: unknown key `bta`; did you mean `beta`?",
        ),
        (
            "config/experiments.yaml",
            "tables__baselines__columns",
            ["metametric", "min_adee"],
            "tables.baselines.columns.1: unknown key `min_adee`; did you mean `min_ade`?",
        ),
        (
            "config/scale/demo.yaml",
            "optimiser__clip",
            "5e-1",
            "optimiser.clip: '5e-1' is not of type 'number'. YAML reads 5e-1 as text;"
            " write 5.0e-01 with a dot.",
        ),
    ],
)
def test_a_slip_in_the_configuration_names_what_was_meant(fresh, file, key, value, sentence):
    fresh.change(file, **{key: value})
    assert problem(fresh.run("--dry-run", succeeds=False)) == sentence


def test_scales_differ_in_values_and_not_in_keys(fresh):
    def keys(value):
        return {k: keys(v) for k, v in value.items()} if isinstance(value, dict) else None

    folder = fresh.folder / "config/scale"
    scales = {p.stem: keys(yaml.safe_load(p.read_text())) for p in folder.glob("*.yaml")}
    assert set(scales) == {"demo", "small", "paper"}
    assert scales["demo"] == scales["small"] == scales["paper"]
    models = [keys(yaml.safe_load(p.read_text())) for p in (folder / "../model").glob("*.yaml")]
    assert len(models) == 5
    assert all(model == models[0] for model in models)
