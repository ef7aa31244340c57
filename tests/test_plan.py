"""Experiments as data: what shares a run, what renames it, and what a typo is told."""

import copy
import re
import sys
from pathlib import Path

import pytest
import yaml

from simagents.config import reading
from simagents.config.configuration import Configuration
from simagents.errors import InputError
from simagents.planning.exhibits import labelled
from simagents.planning.plan import Plan
from simagents.planning.runs import digest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def paper():
    return reading.content(PROJECT, {"scale": "demo"})


@pytest.fixture
def config(paper):
    """One table of two rows, to be changed at will."""
    config = copy.deepcopy(paper)
    rows = [{"label": "BC", "stage": "bc"}, {"label": "RFT", "stage": "rft"}]
    config["tables"] = {"t": table(rows)}
    config["figures"], config["on_demand"] = {}, []
    return config


def table(rows):
    return {"caption": "", "evaluation": "wosac_2025", "columns": ["metametric"], "rows": rows}


def plan_of(config):
    return Plan.of(Configuration.of(config))


def ids(config):
    return {run.recipe.stage: run.id for run in plan_of(config).runs.values()}


# ---- what is a run's name made of -------------------------------------------------------------------


def test_digests_know_values_and_not_their_order():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})


def test_parents_are_runs_too(config):
    assert set(ids(config)) == {"bc", "sft", "rft"}


def test_equal_requests_share_one_run(config):
    """Whichever table asks, and whether a value is the stage's or the row's."""
    before = ids(config)
    config["tables"]["other"] = copy.deepcopy(config["tables"]["t"])
    config["tables"]["other"]["rows"] = [
        {"label": "same", "stage": "rft", "with": {"algorithm.divergence.beta": 0.04}}
    ]
    assert ids(config) == before


def test_a_changed_parent_renames_its_descendants_and_nothing_else(config):
    before = ids(config)
    config["stages"]["sft"]["algorithm"]["rollout"]["top_k"] = 16
    after = ids(config)
    assert after["bc"] == before["bc"]
    assert after["sft"] != before["sft"]
    assert after["rft"] != before["rft"]
    config["stages"]["sft"]["algorithm"]["rollout"]["top_k"] = 32
    assert ids(config) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["tables"]["t"].update(caption="Other words."),
        lambda c: c["tables"]["t"]["rows"][0].update(label="Cloning"),
        lambda c: c["tables"]["t"].update(columns=["kinematic"]),
        lambda c: c["compute"].update(gpus=8, workers=8, micro_batch=4, zero_stage=2, save_every=7),
        lambda c: c["evaluation"].update(rollouts=16),
        lambda c: c["evaluations"]["wosac_2025"].update(challenge=2024),
        lambda c: c["budgets"].update(unused={**c["budgets"]["pretrain"], "steps": 1}),
        lambda c: c["tokenizers"]["trajtok"].update(reach=1),
    ],
    ids=[
        "caption",
        "label",
        "columns",
        "compute",
        "evaluation",
        "challenge",
        "unused budget",
        "unused tokenizer",
    ],
)
def test_wording_machines_and_evaluation_rename_no_run(config, change):
    before = ids(config)
    change(config)
    assert ids(config) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["models"]["smart"].update(width=64),
        lambda c: c["tokens"].update(map_size=64),
        lambda c: c["tokenizers"]["k_disks"].update(size=64),
        lambda c: c["scenarios"]["synthetic"].update(seed=9),
        lambda c: c["budgets"]["pretrain"].update(batch=8),
        lambda c: c["optimiser"].update(clip=1.0),
        lambda c: c["stages"]["bc"].update(revision=1),
        lambda c: c.update(precision="bfloat16"),
        lambda c: c.update(seeds=[1]),
        lambda c: c["scenarios"]["synthetic"].update(held_out=7),
        lambda c: c["scenarios"]["synthetic"].update(training_shards=2),
    ],
    ids=[
        "model",
        "tokens",
        "tokenizer",
        "data",
        "batch",
        "clip",
        "revision",
        "precision",
        "seed",
        "held_out",
        "training shards",
    ],
)
def test_whatever_moves_a_number_renames_every_run(config, change):
    before = ids(config)
    change(config)
    assert not set(before.values()) & set(ids(config).values())


# ---- tokenizers -------------------------------------------------------------------------------------


def with_tokenizers(config, *names, stage="bc"):
    row = {"label": "{tokenizer}", "stage": stage, "with": {"tokenizer": list(names)}}
    config["tables"]["t"]["rows"].append(row)
    return config


def test_a_sweep_over_tokenizers_shares_scenarios_and_scores(config):
    before = plan_of(config)
    plan = plan_of(with_tokenizers(config, "k_disks", "trajtok", "grid"))
    assert len(set(plan.runs) - set(before.runs)) == 2
    assert len({run.tokens for run in plan.runs.values()}) == 3
    assert plan.data_id == before.data_id
    assert plan.evaluation_id("wosac_2025") == before.evaluation_id("wosac_2025")
    trajtok = plan.tables["t"].rows[3].systems[0]
    assert plan.tokenizers[trajtok.tokens].rule == "trajtok"


def test_descendants_have_the_tokens_and_the_model_of_their_parents(config):
    config["stages"]["bc"] |= {"tokenizer": "grid", "model": {"head": "per_class"}}
    runs = plan_of(config).runs.values()
    assert {run.tokens for run in runs} != {plan_of(config).default_tokens}
    assert len({run.tokens for run in runs}) == 1
    assert {run.recipe.model.head for run in runs} == {"per_class"}
    with pytest.raises(
        InputError,
        match=r"tables\.t\.rows\[2\]\.with: a stage with `from` has the `tokenizer` of the stage",
    ):
        plan_of(with_tokenizers(config, "k_disks", stage="rft"))


def test_only_what_acts_by_tokens_is_named_after_them(config):
    rows = [{"label": name, "baseline": name} for name in ("log", "random_tokens")]
    config["tables"]["t"]["rows"] = rows
    log, tokens = plan_of(config).systems.values()
    config["tokenizer"] = "grid"
    log_after, tokens_after = plan_of(config).systems.values()
    assert log.id == log_after.id == "baseline-log"
    assert (log.tokens, log_after.tokens) == (None, None)
    assert tokens.id != tokens_after.id


FREE = """
from typing import Literal

from simagents.config import models


class Settings(models.ModelSettings):
    family: Literal["free"]
    width: int
"""


def test_a_family_that_reads_no_tokens_depends_on_scenarios_only(config, tmp_path, monkeypatch):
    """A model family of one's own, one file, and a row that changes the stage's model to it."""
    import simagents.extensions

    (tmp_path / "free.py").write_text(FREE)
    monkeypatch.setattr(simagents.extensions, "__path__", [str(tmp_path)])
    config["models"]["free"] = {"family": "free", "width": 8}
    row = {"label": "Free", "stage": "bc", "with": {"model": {"base": "free"}}}
    config["tables"]["t"]["rows"] = [row]
    (before,) = plan_of(config).runs.values()
    assert before.recipe.tokens is None
    config["tokens"]["map_size"] = 64
    assert list(plan_of(config).runs) == [before.id]
    config["scenarios"]["synthetic"]["seed"] = 9
    assert list(plan_of(config).runs) != [before.id]
    row["with"] = {"model": {"base": "fre"}}
    with pytest.raises(InputError, match=r"rows\[0\]\.with\.model\.base: .*did you mean `free`"):
        plan_of(config)
    sys.modules.pop("simagents.extensions.free")


UNSCORED = """
from typing import ClassVar, Literal

from simagents.config.figures import FigureSettings


class Settings(FigureSettings):
    reads: ClassVar[frozenset[str]] = frozenset({"scores"})
    kind: Literal["unscored"]
"""


def test_a_kind_of_figure_that_reads_scores_names_an_evaluation(config, tmp_path, monkeypatch):
    import simagents.extensions

    (tmp_path / "unscored.py").write_text(UNSCORED)
    monkeypatch.setattr(simagents.extensions, "__path__", [str(tmp_path)])
    config["figures"] = {"f": {"kind": "unscored", "caption": ""}}
    with pytest.raises(InputError, match=r"figures\.f: figures of kind unscored read scores, so"):
        plan_of(config)
    sys.modules.pop("simagents.extensions.unscored")


def test_a_row_may_change_one_key_of_the_model_or_optimiser(config):
    row = {"label": "x", "stage": "bc", "with": {"model.head": "per_class", "optimiser.clip": 9.0}}
    config["tables"]["t"]["rows"].append(row)
    plan = plan_of(config)
    before, after = (plan.tables["t"].rows[number].systems[0].recipe for number in (0, 2))
    assert after.model == before.model.model_copy(update={"head": "per_class"})
    assert after.optimiser == before.optimiser.model_copy(update={"clip": 9.0})
    row["with"] = {"model.haed": "per_class"}
    with pytest.raises(
        InputError, match=r"tables\.t\.rows\[2\]\.with\.model: .*did you mean `head`"
    ):
        plan_of(config)


def test_an_unknown_tokenizer_is_named(config):
    with pytest.raises(InputError, match=r"rows\[2\]\.with\.tokenizer: .*did you mean `trajtok`"):
        plan_of(with_tokenizers(config, "trajtk"))


# ---- evaluations ------------------------------------------------------------------------------------


def test_changing_the_evaluation_rescores(config):
    before = plan_of(config).evaluation_id("wosac_2025")
    config["compute"]["chunks"] = 64
    assert plan_of(config).evaluation_id("wosac_2025") == before
    config["evaluation"]["rollouts"] += 1
    assert plan_of(config).evaluation_id("wosac_2025") != before


def test_each_table_has_its_own_evaluation(config):
    """Changes go key by key; another name for the same evaluation shares its scores."""
    config["evaluations"] |= {
        "older": {"challenge": 2023, "sampling": {"top_k": 5}},
        "same": {"challenge": 2025},
    }
    for name in ("older", "same"):
        config["tables"][name] = {**config["tables"]["t"], "evaluation": name}
    plan = plan_of(config)
    older = plan.evaluations["older"]
    assert (older.challenge, older.sampling.top_k, older.sampling.temperature) == (2023, 5, 1.0)
    assert plan.evaluation_id("same") == plan.evaluation_id("wosac_2025")
    assert plan.evaluations_by_id[plan.evaluation_id("older")] == older
    assert len(plan.evaluations_by_id) == len(config["evaluations"]) - 1
    assert plan.tables["older"].evaluation == "older"
    assert len(plan.runs) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limits": 3}, r"evaluations\.wosac_2025: unknown key `limits`; did you mean `limit`"),
        ({"challenge": 2026}, r"evaluations\.wosac_2025\.challenge: unknown value `2026`"),
        ({"sampling": {"topk": 1}}, r"evaluations\.wosac_2025\.sampling: .*did you mean `top_k`"),
    ],
)
def test_a_wrong_evaluation_is_named(config, changes, message):
    config["evaluations"]["wosac_2025"] |= changes
    with pytest.raises(InputError, match=message):
        plan_of(config)


def test_an_unknown_evaluation_is_named(config):
    config["tables"]["t"]["evaluation"] = "wosac_2024"
    with pytest.raises(InputError, match=r"tables\.t\.evaluation: .*did you mean `wosac_2025`"):
        plan_of(config)


# ---- rows -------------------------------------------------------------------------------------------


def test_seeds_multiply_runs_and_not_rows(config):
    config["seeds"] = [0, 1, 2]
    plan = plan_of(config)
    assert len(plan.runs) == 9
    assert [len(row.systems) for row in plan.tables["t"].rows] == [3, 3]
    seeds = {(run.recipe.seed, run.parent.recipe.seed) for run in plan.runs.values() if run.parent}
    assert seeds == {(0, 0), (1, 1), (2, 2)}


def test_a_table_may_have_seeds_of_its_own(config):
    config["seeds"] = [0, 1]
    rows = [{"label": "BC", "stage": "bc"}]
    config["tables"]["of_four"] = {**table(rows), "seeds": [0, 1, 2, 3]}
    plan = plan_of(config)
    assert [len(row.systems) for row in plan.tables["t"].rows] == [2, 2]
    (row,) = plan.tables["of_four"].rows
    assert [run.recipe.seed for run in row.systems] == [0, 1, 2, 3]
    of_scale = plan.tables["t"].rows[0].systems
    assert [run.id for run in row.systems[:2]] == [run.id for run in of_scale]
    assert len(plan.runs) == 8
    config["tables"]["of_four"]["seeds"] = [0, 0]
    with pytest.raises(InputError, match=r"tables.of_four.seeds: a seed is given twice"):
        plan_of(config)


def test_a_shared_stage_is_trained_once_and_all_seeds_go_on_from_it(config):
    config["seeds"], config["shared_stages"] = [0, 1, 2], ["sft"]
    plan = plan_of(config)
    stages = sorted((run.recipe.stage, run.recipe.seed) for run in plan.runs.values())
    assert stages == [
        ("bc", 0),
        ("bc", 1),
        ("bc", 2),
        ("rft", 0),
        ("rft", 1),
        ("rft", 2),
        ("sft", 0),
    ]
    bc, rft = plan.tables["t"].rows
    assert (bc.shared, rft.shared) == (None, "sft")
    assert len({run.parent.id for run in rft.systems}) == 1
    config["tables"]["t"]["rows"] = [{"label": "SFT", "stage": "sft"}]
    (sft,) = plan_of(config).tables["t"].rows
    assert (len(sft.systems), sft.shared) == (1, "sft")


def test_the_run_that_seeds_share_is_that_of_the_first_seed(config):
    before = ids(config)
    config["seeds"], config["shared_stages"] = [0, 1], ["bc"]
    assert set(before.values()) <= set(plan_of(config).runs)


def test_a_row_that_changes_a_shared_stage_is_trained_with_every_seed(config):
    """A change to the value that is there already is none."""
    config["seeds"], config["shared_stages"] = [0, 1], ["sft"]
    config["tables"]["t"]["rows"] = [
        {"label": "{top_k}", "stage": "sft", "with": {"algorithm.rollout.top_k": [16, 32]}}
    ]
    changed, same = plan_of(config).tables["t"].rows
    assert (len(changed.systems), changed.shared) == (2, None)
    assert (len(same.systems), same.shared) == (1, "sft")


def test_a_shared_stage_that_does_not_exist_names_the_nearest(config):
    config["shared_stages"] = ["stf"]
    with pytest.raises(InputError, match=r"shared_stages: .*did you mean `sft`"):
        plan_of(config)


def test_lists_multiply_out(config):
    config["tables"]["t"]["rows"] = [
        {"label": "{alpha}, {beta}", "stage": "rft",
         "with": {"algorithm.credit.alpha": [0.7, 0.8], "algorithm.divergence.beta": [0.0, 0.1, 1.0]}}
    ]  # fmt: skip
    rows = plan_of(config).tables["t"].rows
    assert [row.label for row in rows] == [
        "0.7, 0.0", "0.7, 0.1", "0.7, 1.0", "0.8, 0.0", "0.8, 0.1", "0.8, 1.0",
    ]  # fmt: skip
    algorithm = rows[4].systems[0].recipe.algorithm
    assert (algorithm.credit.alpha, algorithm.divergence.beta) == (0.8, 0.1)


def test_braces_of_tex_survive(config):
    config["tables"]["t"]["rows"] = [
        {
            "label": r"$\beta_{\mathrm{KL}}={beta}$",
            "stage": "rft",
            "with": {"algorithm.divergence.beta": [0.1]},
        }
    ]
    (row,) = plan_of(config).tables["t"].rows
    assert row.label == r"$\beta_{\mathrm{KL}}=0.1$"


def test_a_label_names_one_key(config):
    row = {"label": "{top_k}", "stage": "rft"}
    row["with"] = {"algorithm.sampling.top_k": 3, "algorithm.reward.top_k": 4}
    config["tables"]["t"]["rows"].append(row)
    with pytest.raises(
        InputError, match=r"rows\[2\]\.with\.algorithm\.reward: unknown key `top_k`"
    ):
        plan_of(config)
    with pytest.raises(InputError, match=r"here\.label: two keys of `with` end in `top_k`"):
        labelled("{top_k}", {"a.top_k": 3, "b.top_k": 4}, "here")
    assert labelled("{scale}", {"a.top_k": 3, "b.top_k": 4}, "here") == "{scale}"


def test_a_new_value_of_a_sweep_adds_one_run(config):
    sweep = {"label": "{alpha}", "stage": "rft", "with": {"algorithm.credit.alpha": [0.76, 0.77]}}
    config["tables"]["t"]["rows"].append(sweep)
    before = set(plan_of(config).runs)
    sweep["with"]["algorithm.credit.alpha"].append(0.78)
    after = set(plan_of(config).runs)
    assert before < after
    assert len(after - before) == 1


def test_baselines_are_scored_and_not_trained(config):
    config["tables"]["t"]["rows"] = [{"label": "Log", "baseline": "log"}]
    plan = plan_of(config)
    assert plan.tables["t"].systems[0].id == "baseline-log"
    assert not plan.runs


def test_two_rows_of_one_label_are_refused(config):
    config["tables"]["t"]["rows"][1]["label"] = "BC"
    with pytest.raises(InputError, match=r"tables\.t: two rows have the same label"):
        plan_of(config)


def test_unknown_stages_and_coefficients_are_named(config):
    config["tables"]["t"]["rows"][0]["stage"] = "rtf"
    with pytest.raises(
        InputError, match=r"tables\.t\.rows\[0\]\.stage: unknown value `rtf`; did you mean `rft`"
    ):
        plan_of(config)
    config["tables"]["t"]["rows"][0] = {
        "label": "x",
        "stage": "rft",
        "with": {"algorithm.divergence.betta": 1.0},
    }
    where = r"tables\.t\.rows\[0\]\.with\.algorithm\.divergence"
    with pytest.raises(InputError, match=f"{where}: unknown key `betta`; did you mean `beta`"):
        plan_of(config)
    config["stages"]["bc"]["budget"] = "pretrian"
    config["tables"]["t"]["rows"][0] = {"label": "x", "stage": "bc"}
    with pytest.raises(InputError, match=r"stages\.bc\.budget: .*did you mean `pretrain`"):
        plan_of(config)


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        ("dpo", {"budget": "one"}, "own: .* compares rollouts of a scene, and its budget has 1"),
        ("grpo", {"budget": "one"}, "own: .* give the budget `rollouts: 2` or more"),
        ("mloo", {"budget": "one"}, "own: .* its budget has 1"),
        ("rft", {"budget": "none"}, "own: .* learns from rollouts, and its budget has 0"),
        (
            "rft",
            {
                "algorithm.reward": {
                    "kind": "realism",
                    "challenge": 2025,
                    "scored": "subgroup",
                    "subgroup": 3,
                }
            },
            r"own\.algorithm\.reward\.subgroup: \d+ rollouts cannot be scored in .* of 3",
        ),
        (
            "mloo",
            {"algorithm.reward.scored": "rollout"},
            r"own\.algorithm\.credit: `mloo` compares rewards .* `scored: scene`",
        ),
        (
            "grpo",
            {"algorithm.reward": {"kind": "displacement", "collision": 2.0}},
            r"own\.algorithm\.credit: the reward has a number for every agent and step",
        ),
        (
            "grpo",
            {"algorithm.reward.scored": "scene"},
            "own.* all rollouts of a scene have one reward",
        ),
        ("dpo", {"algorithm.reward.scored": "scene"}, "own.* give realism with `scored: rollout`"),
        ("rft", {"from": None}, r"own\.algorithm: it keeps near .* give it `from`"),
        (
            "rft",
            {"from": None, "algorithm.divergence": None},
            r"own\.algorithm\.credit: it begins with the mean reward of the run",
        ),
    ],
)
def test_a_recipe_that_could_learn_nothing_is_refused_before_its_parents_train(
    config, stage, change, message
):
    reinforce = config["budgets"]["reinforce"]
    config["budgets"]["one"] = {**reinforce, "rollouts": 1}
    config["budgets"]["none"] = {**reinforce, "rollouts": 0}
    config["stages"]["own"] = {"like": stage, "with": change}
    plan_of(config)  # nothing uses it
    config["tables"]["t"]["rows"].append({"label": "Own", "stage": "own"})
    with pytest.raises(InputError, match=r"stages\." + message):
        plan_of(config)


def test_a_row_that_contradicts_itself_is_named_and_not_its_stage(config):
    change = {"algorithm.reward.scored": "subgroup", "algorithm.reward.subgroup": 3}
    config["tables"]["t"]["rows"].append({"label": "Own", "stage": "rft", "with": change})
    where = r"tables\.t\.rows\[\d+\]\.with\.algorithm\.reward\.subgroup: "
    with pytest.raises(InputError, match=where + r"\d+ rollouts cannot be scored in"):
        plan_of(config)


def test_a_figure_of_a_table_on_demand_is_on_demand(paper):
    config = copy.deepcopy(paper)
    config["on_demand"] = [*config["on_demand"], "collision_weight"]
    message = "the figure `collision_sweep` draws the table `collision_weight`, which is on demand"
    with pytest.raises(InputError, match=message):
        plan_of(config)
    config["on_demand"].append("collision_sweep")
    assert "collision_sweep" not in plan_of(config).by_default(plan_of(config).figures)


def test_a_stage_named_like_systems_without_training_is_refused(config):
    config["stages"]["baseline"] = config["stages"]["bc"]
    with pytest.raises(InputError, match=r"stages\.baseline: .* choose another name"):
        plan_of(config)


def test_a_stage_that_starts_from_itself_is_refused(config):
    config["stages"]["bc"]["from"] = "rft"
    with pytest.raises(
        InputError, match=r"stages\.sft: starts from itself, by way of sft, bc, rft"
    ):
        plan_of(config)


def test_a_row_may_start_from_another_stage(config):
    config["tables"]["t"]["rows"][1]["with"] = {"from": "bc"}
    assert set(ids(config)) == {"bc", "rft"}


def test_a_threshold_to_be_measured_waits_for_its_parent(config):
    """Equal measurements are shared; a number in its place needs none."""
    config["tables"]["t"]["rows"].append(
        {"label": "{beta}", "stage": "rft", "with": {"algorithm.divergence.beta": [0.0, 0.1]}}
    )
    plan = plan_of(config)
    (run,) = plan.calibrations.values()
    sft = next(run for run in plan.runs.values() if run.recipe.stage == "sft")
    assert run.parent is not None
    assert run.parent.id == sft.id
    assert run.calibration_id.startswith(f"{sft.id}-")
    assert run.calibration.model_dump(mode="json") == {
        "held_out": 24,
        "rollouts": config["budgets"]["reinforce"]["rollouts"],
        "seed": 0,
        "reward": {"kind": "realism", "challenge": 2025, "scored": "scene", "subgroup": None},
        "sampling": config["evaluation"]["sampling"],
    }
    config["stages"]["rft"]["algorithm"]["credit"]["alpha"] = 0.77
    assert not plan_of(config).calibrations


def test_a_threshold_is_measured_in_the_precision_of_training(config):
    def measured():
        (run,) = plan_of(config).calibrations.values()
        return run.calibration.model_dump(mode="json")

    assert "precision" not in measured()  # names of before stay
    config["precision"] = "bfloat16"
    assert measured()["precision"] == "bfloat16"


def test_a_sweep_over_offsets_measures_once_and_shows_their_signs(config):
    row = {"label": "$a{alpha}$", "stage": "rft"}
    offsets = [{"parent_mean": offset} for offset in (-0.02, 0.0, 0.01)]
    row["with"] = {"algorithm.credit.alpha": offsets}
    config["tables"]["t"]["rows"].append(row)
    plan = plan_of(config)
    assert [row.label for row in plan.tables["t"].rows[2:]] == ["$a-0.02$", "$a$", "$a+0.01$"]
    assert len(plan.runs) == 5
    assert len(plan.calibrations) == 1


def test_what_is_on_demand_is_planned_and_not_built_by_default(config):
    config["tables"]["u"] = table([{"label": "S", "stage": "sft_sft"}])
    before = ids(config)
    config["on_demand"] = ["u"]
    plan = plan_of(config)
    assert plan.by_default(plan.tables) == ["t"]
    assert ids(config) == before
    config["on_demand"] = ["v"]
    with pytest.raises(InputError, match="on_demand: unknown value `v`"):
        plan_of(config)


def test_a_figure_of_a_table_that_is_not_there_is_refused(config):
    config["figures"]["f"] = {"kind": "sweep", "caption": "", "tables": ["tt"]}
    with pytest.raises(InputError, match=r"figures\.f\.tables: .*did you mean `t`"):
        plan_of(config)


def test_other_data_than_the_scales_own_go_to_another_folder(config):
    assert plan_of(config).results == "results/demo"
    config["data"] = "womd"
    assert plan_of(config).results == "results/demo-womd"


def test_other_data_have_other_names_of_runs(config):
    before = ids(config)
    config["data"] = "womd"
    assert not set(before.values()) & set(ids(config).values())


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("results/demo/tables/tt.tex", "results/demo/tables: unknown value `tt`; did you mean `t`"),
        ("results/demo/figures/t.pdf", "results/demo/figures: unknown value `t`"),
        ("results/small/tables/t.tex", "this configuration writes to results/demo"),
        (
            "results/demo/animations/bcc/first.gif",
            "demo/animations: unknown value `bcc`; did you mean `bc`",
        ),
    ],
)
def test_a_target_that_there_is_not_is_named(config, word, message):
    plan = plan_of(config)
    plan.check_targets(["--dry-run", "results/demo/tables/t.tex", "results/demo/paper/paper.pdf"])
    with pytest.raises(InputError, match=message):
        plan.check_targets([word])


def test_the_tutorial_s_row_adds_two_runs(config):
    """The row with 12 is the stage itself."""
    text = (PROJECT / "docs/tutorials/own_row.md").read_text()
    own = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    before = set(plan_of(config).runs)
    config["tables"] |= own["tables"]
    plan = plan_of(config)
    assert [row.label for row in plan.tables["sampling"].rows] == ["top 6", "top 12", "top 0"]
    assert len(set(plan.runs) - before) == 2


# ---- all stages -------------------------------------------------------------------------------------


def test_a_comparison_needs_a_row_of_the_table(config):
    table = {"rows": [{"label": "BC", "stage": "bc"}], "columns": ["difference"]}
    with pytest.raises(InputError, match="compares with one row; give the row's label as `over`"):
        plan_of({**config, "tables": {"t": {**config["tables"]["t"], **table}}})
    with pytest.raises(
        InputError, match=r"tables\.t\.over: unknown value `BCC`; did you mean `BC`"
    ):
        plan_of({**config, "tables": {"t": {**config["tables"]["t"], **table, "over": "BCC"}}})


@pytest.mark.parametrize(
    ("scale", "runs", "of_more_seeds"),
    [("demo", 54, 0), ("small", 63, 6), ("lab", 65, 0), ("paper", 65, 0)],
)
def test_every_scale_plans(scale, runs, of_more_seeds):
    plan = Plan.of(reading.read(PROJECT, {"scale": scale}))
    saved = len(plan.config.shared_stages) * (len(plan.config.seeds) - 1)
    assert len(plan.runs) == runs * len(plan.config.seeds) - saved + of_more_seeds


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        ("bc", {"budget": "pretrian"}, r"stages\.bc\.budget: .*did you mean `pretrain`"),
        ("bc", {"tokenizer": "grit"}, r"stages\.bc\.tokenizer: .*did you mean `grid`"),
        ("bc", {"optimiser": {"clips": 1.0}}, r"stages\.bc\.optimiser: .*did you mean `clip`"),
        ("bc", {"model": {"base": "smrt"}}, r"stages\.bc\.model\.base: .*did you mean `smart`"),
        ("sft", {"from": "bcc"}, r"stages\.sft\.from: .*did you mean `bc`"),
        ("sft", {"model": {"width": 8}}, r"stages\.sft: a stage with `from` has the `model`"),
    ],
)
def test_stages_that_no_row_uses_are_checked_too(config, stage, change, message):
    config["stages"][stage] |= change
    config["tables"] = {"t": table([{"label": "Log", "baseline": "log"}])}
    with pytest.raises(InputError, match=message):
        plan_of(config)


def test_values_of_a_sweep_obey_the_stages_rules(config):
    row = config["tables"]["t"]["rows"][1]
    row["with"] = {"algorithm.credit.alpha": [0.7, "7e-1"]}
    with pytest.raises(
        InputError,
        match=r"tables\.t\.rows\[1\]\.with\.algorithm\.credit\.alpha: .*YAML reads 7e-1 as text",
    ):
        plan_of(config)
    row["with"] = {"algorithm.reward.scored": ["scene", "rolout"]}
    with pytest.raises(InputError, match="did you mean `rollout`"):
        plan_of(config)


def test_gradients_are_measured_on_held_out_scenes_alone(config):
    config["gradients"]["scenes"] = 10_000
    plan = plan_of(config)
    assert plan.gradients.scenes == plan.scenarios.held_out
    config["gradients"]["scenes"] = 5
    fewer = plan_of(config)
    assert fewer.gradients.scenes == 5
    assert fewer.gradients_id != plan.gradients_id
    assert set(fewer.runs) == set(plan.runs)


def test_tables_of_planners_need_the_log_and_rename_no_run(config):
    config["tables"]["t"]["columns"] = ["rank_log"]
    with pytest.raises(
        InputError, match=r"tables\.t: planners are compared with the log; add a row"
    ):
        plan_of(config)
    config["tables"]["t"]["rows"].append({"label": "Log", "baseline": "log"})
    plan = plan_of(config)
    config["planners"]["scenes"] += 1
    more = plan_of(config)
    config["planners"]["agents"] = "all"
    everyone = plan_of(config)
    assert len({plan.planners_id, more.planners_id, everyone.planners_id}) == 3
    assert set(more.runs) == set(plan.runs)
    assert more.evaluation_id("wosac_2025") == plan.evaluation_id("wosac_2025")


def test_a_column_of_the_vocabulary_needs_a_system_with_one(config):
    columns = ["metametric", "reconstruction", "dead_tokens"]
    rows = [{"label": "Random", "baseline": "random_tokens"}, {"label": "RFT", "stage": "rft"}]
    config["tables"]["t"] = table(rows) | {"columns": columns}
    plan_of(config)
    rows.append({"label": "Still", "baseline": "constant_velocity"})
    config["tables"]["t"] = table(rows) | {"columns": columns}
    with pytest.raises(InputError) as problem:
        plan_of(config)
    assert str(problem.value) == (
        "tables.t: row `Still` has no vocabulary; remove it or the columns reconstruction, dead_tokens."
    )


def test_a_table_of_pairs_has_at_most_eight_rows_and_a_typo_in_agents_names_the_nearest(config):
    log = {"label": "Log", "baseline": "log"}
    weights = {
        "algorithm.log_prob": ["sum"],
        "algorithm.divergence.beta": [n / 10 for n in range(7)],
    }
    rows = [log, {"label": "{beta}", "stage": "rft", "with": weights}]
    config["tables"]["t"] = table(rows) | {"columns": ["error_pairs"]}
    assert len(plan_of(config).tables["t"].rows) == 8
    rows.append({"label": "BC", "stage": "bc"})
    config["tables"]["t"] = table(rows) | {"columns": ["error_pairs"]}
    with pytest.raises(
        InputError,
        match=r"tables\.t: the column `error_pairs` compares all pairs of at most 8 rows",
    ):
        plan_of(config)
    config["planners"]["agents"] = "logge"
    with pytest.raises(InputError, match=r"planners\.agents: .*did you mean `logged`"):
        plan_of(config)


def test_what_the_paper_shows_where_a_scale_has_it_is_an_exhibit():
    """A name that no scale has would leave its passage out of every paper, unseen."""
    sections = (PROJECT / "paper/sections").glob("*.tex")
    named = {
        name for file in sections for name in re.findall(r"\\ifinpaper\{(\w+)\}", file.read_text())
    }
    plans = [Plan.of(reading.read(PROJECT, {"scale": scale})) for scale in ("paper", "small")]
    assert len(named) > 10
    assert named <= {name for plan in plans for name in plan.exhibits}
