"""A stage whose model was trained elsewhere, in a plan: its name, its tokens, what starts from it."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from simagents.config import reading
from simagents.config.imports import write_digests
from simagents.config.reading import read_yaml
from simagents.costs.estimate import Estimate
from simagents.costs.tables import Args, main
from simagents.errors import InputError
from simagents.planning.plan import Plan

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path, recipe_of):
    """What an import writes, with anything for weights and vocabulary: a plan reads neither."""
    folder = tmp_path / "imported"
    folder.mkdir()
    recipe = recipe_of(model=recipe_of().model.model_dump() | {"late_motion": "world_position"})
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "vocabulary.safetensors").write_bytes(b"vocabulary")
    write_digests(folder)
    return folder


@pytest.fixture
def plan_of(folder):
    """The demo's plan with BC from that folder or another one."""

    def make(path=folder, **choices):
        stages = {"bc": {"import": str(path)}}
        return Plan.of(reading.read(ROOT, {"scale": "demo", "stages": stages, **choices}))

    return make


def names(plan):
    """Of the import, and of the runs that start from it."""
    (imported,) = plan.imports
    return {imported} | {run.id for run in plan.runs.values() if run.tokens in plan.given_tokens}


def test_everything_that_started_from_the_stage_starts_from_its_import(plan_of):
    before = Plan.of(reading.read(ROOT, {"scale": "demo"}))
    plan = plan_of()
    (imported,) = plan.imports.values()
    assert imported.id.startswith("bc-")
    assert set(plan.given_tokens) == {imported.tokens}
    (sft,) = next(row for row in plan.tables["baselines"].rows if row.label == "BC + SFT").systems
    assert (sft.recipe.parent, sft.tokens) == (imported.id, imported.tokens)
    assert sft.recipe.model.late_motion == "world_position"
    stages = {run.recipe.stage for run in plan.runs.values()}
    assert stages == {run.recipe.stage for run in before.runs.values()} - {"bc"}
    # Tokenizers are compared by models of their own; other references and another family stay.
    stay = {"bc_brief", "bc_epoch", "mloo_epoch", "bots", "bots_mloo"}
    stay |= {name for name in stages if name.startswith(("motionlm", "forecasts"))}
    kept = {run.id for run in plan.runs.values() if run.recipe.stage in stay}
    assert kept == set(plan.runs) & set(before.runs)
    assert len(kept) == 16


def test_an_import_is_one_system_whatever_the_seeds(plan_of):
    plan = plan_of(seeds=[0, 1, 2])
    rows = {row.label: row.systems for row in plan.tables["baselines"].rows}
    assert [len(rows[label]) for label in ("BC", "BC + SFT")] == [1, 3]
    assert len({run.parent.id for run in rows["BC + SFT"]}) == 1
    assert plan.systems[rows["BC"][0].id] is rows["BC"][0]


def test_where_the_folder_lies_renames_nothing(plan_of, folder, tmp_path):
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere")
    assert names(plan_of(elsewhere)) == names(plan_of())


@pytest.mark.parametrize("file", ["model.safetensors", "vocabulary.safetensors", "recipe.json"])
def test_what_the_folder_holds_renames_it_and_its_descendants(plan_of, folder, file):
    before = names(plan_of())
    if file == "recipe.json":
        recipe = json.loads((folder / file).read_text())
        recipe["model"]["late_motion"] = "none"
        (folder / file).write_text(json.dumps(recipe))
    else:
        (folder / file).write_bytes(b"other")
        write_digests(folder)
    assert not before & names(plan_of())


def test_changed_tokens_or_data_rename_it(plan_of):
    before = names(plan_of())
    for change in (
        {"tokens": {"revision": 9}},
        {"scenarios": {"synthetic": {"seed": 9}}},
        {"scenarios": {"synthetic": {"training_shards": 2}}},
    ):
        assert not before & names(plan_of(**change))


@pytest.mark.parametrize(
    "name", ["recipe.json", "model.safetensors", "vocabulary.safetensors", "digests.json"]
)
def test_a_file_that_is_missing_is_named(plan_of, folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"^stages\.bc\.import: .*imported has no {name}; import"):
        plan_of()


def test_a_folder_that_is_missing_is_named(plan_of, tmp_path):
    with pytest.raises(InputError, match=r"^stages\.bc\.import: there is no folder .*/nowhere;"):
        plan_of(tmp_path / "nowhere")


def test_digests_of_something_else_are_refused(plan_of, folder):
    (folder / "digests.json").write_text("[]")
    with pytest.raises(InputError, match=r"digests\.json does not hold the digests of"):
        plan_of()


def test_a_row_cannot_change_an_import(plan_of):
    row = {"label": "{budget}", "stage": "bc", "with": {"budget": ["brief"]}}
    table = {"caption": "", "evaluation": "wosac_2025", "columns": ["ade"], "rows": [row]}
    with pytest.raises(InputError, match=r"^tables\.own\.rows\[0\]\.with: the stage is imported"):
        plan_of(tables={"own": table})


def test_an_import_costs_its_scores_and_no_training(plan_of):
    estimate = Estimate(plan_of(), read_yaml(ROOT / "config/costs.yaml"))
    jobs = estimate.of(estimate.plan.tables["baselines"])
    trained = [key[1] for key in jobs if key[0] == "train"]
    assert [name.partition("-")[0] for name in trained] == ["sft"]
    (imported,) = estimate.plan.imports.values()
    assert ("tokens", imported.tokens) in jobs
    assert any(key[:2] == ("evaluate", imported.id) for key in jobs)


def test_costs_of_a_file_of_keys(folder, tmp_path, capsys):
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump({"stages": {"bc": {"import": str(folder)}}}))
    costs = []
    for file in (None, own):
        main(Args(scale="demo", configfile=file, root=ROOT))
        (line,) = (line for line in capsys.readouterr().out.splitlines() if "| baselines" in line)
        costs.append(int(line.split("|")[2]))
    assert costs == [2, 1]
