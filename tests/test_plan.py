"""Experiments as data: what shares a run, what renames it, and what a typo is told."""

import copy
from pathlib import Path

import pytest
import yaml

from simagents.errors import InputError
from simagents.plan import Plan, digest, validated

PROJECT = Path(__file__).parents[1]
SCHEMA = PROJECT / "workflow/schemas/config.schema.yaml"
SCALES = sorted((PROJECT / "config/scale").glob("*.yaml"))


def load(scale):
    """The configuration as the workflow merges it."""
    files = ("config.yaml", "config/experiments.yaml", f"config/scale/{scale}.yaml")
    config = {}
    for name in files:
        config |= yaml.safe_load((PROJECT / name).read_text())
    size = yaml.safe_load((PROJECT / f"config/model/{config['size']}.yaml").read_text())
    return config | size | {"scale": scale}


@pytest.fixture(scope="module")
def paper():
    return load("demo")


@pytest.fixture
def config(paper):
    """One table of two rows, to be changed at will."""
    config = copy.deepcopy(paper)
    rows = [{"label": "BC", "stage": "bc"}, {"label": "RFT", "stage": "rft"}]
    config["tables"] = {"t": {"caption": "", "columns": ["metametric"], "rows": rows}}
    config["figures"], config["on_demand"] = {}, []
    return config


def ids(config):
    return {run.recipe["stage"]: run.id for run in Plan.of(config).runs.values()}


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
    config["tables"]["other"]["rows"] = [{"label": "same", "stage": "rft", "with": {"beta": 0.04}}]
    assert ids(config) == before


def test_a_changed_parent_renames_its_descendants_and_nothing_else(config):
    before = ids(config)
    config["stages"]["sft"]["top_k"] = 16
    after = ids(config)
    assert after["bc"] == before["bc"]
    assert after["sft"] != before["sft"]
    assert after["rft"] != before["rft"]
    config["stages"]["sft"]["top_k"] = 32
    assert ids(config) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["tables"]["t"].update(caption="Other words."),
        lambda c: c["tables"]["t"]["rows"][0].update(label="Cloning"),
        lambda c: c["tables"]["t"].update(columns=["kinematic"]),
        lambda c: c["compute"].update(gpus=8, workers=8, micro_batch=4, zero_stage=2, save_every=7),
        lambda c: c["evaluation"].update(rollouts=16, challenge=2024),
        lambda c: c["budgets"].update(unused={**c["budgets"]["pretrain"], "steps": 1}),
        lambda c: c["tokenizers"]["trajtok"].update(reach=1),
    ],
    ids=[
        "caption",
        "label",
        "columns",
        "compute",
        "evaluation",
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
        lambda c: c["model"].update(width=64),
        lambda c: c["tokens"].update(map_size=64),
        lambda c: c["tokenizers"]["k_disks"].update(size=64),
        lambda c: c["scenarios"]["synthetic"].update(seed=9),
        lambda c: c["budgets"]["pretrain"].update(batch=8),
        lambda c: c["optimiser"].update(clip=1.0),
        lambda c: c["stages"]["bc"].update(revision=1),
        lambda c: c.update(precision="bfloat16"),
        lambda c: c.update(seeds=[1]),
        lambda c: c["scenarios"]["synthetic"].update(held_out=7),
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
    before = Plan.of(config)
    plan = Plan.of(with_tokenizers(config, "k_disks", "trajtok", "grid"))
    assert len(set(plan.runs) - set(before.runs)) == 2
    assert len({run.tokens for run in plan.runs.values()}) == 3
    assert (plan.data_id, plan.evaluation_id) == (before.data_id, before.evaluation_id)
    trajtok = plan.tables["t"].rows[3].systems[0]
    assert plan.tokenizers[trajtok.tokens]["rule"] == "trajtok"


def test_descendants_have_the_tokens_and_the_model_of_their_parents(config):
    config["stages"]["bc"] |= {"tokenizer": "grid", "model": {"head": "per_class"}}
    runs = Plan.of(config).runs.values()
    assert {run.tokens for run in runs} != {Plan.of(config).default_tokens}
    assert len({run.tokens for run in runs}) == 1
    assert {run.recipe["model"]["head"] for run in runs} == {"per_class"}
    with pytest.raises(
        InputError, match="stage rft: `tokenizer` is that of the stage it starts from"
    ):
        Plan.of(with_tokenizers(config, "k_disks", stage="rft"))


def test_only_what_acts_by_tokens_is_named_after_them(config):
    rows = [{"label": name, "baseline": name} for name in ("log", "random_tokens")]
    config["tables"]["t"]["rows"] = rows
    before = [system.id for system in Plan.of(config).systems.values()]
    config["tokenizer"] = "grid"
    after = [system.id for system in Plan.of(config).systems.values()]
    assert before[0] == after[0] == "baseline-log"
    assert before[1] != after[1]


def test_an_unknown_tokenizer_is_named(config):
    with pytest.raises(InputError, match=r"tables\.t\.tokenizer: .*did you mean `trajtok`"):
        Plan.of(with_tokenizers(config, "trajtk"))


def test_changing_the_evaluation_rescores(config):
    before = Plan.of(config).evaluation_id
    config["compute"]["chunks"] = 64
    assert Plan.of(config).evaluation_id == before
    config["evaluation"]["rollouts"] = 16
    assert Plan.of(config).evaluation_id != before


def test_seeds_multiply_runs_and_not_rows(config):
    config["seeds"] = [0, 1, 2]
    plan = Plan.of(config)
    assert len(plan.runs) == 9
    assert [len(row.systems) for row in plan.tables["t"].rows] == [3, 3]
    seeds = {
        (run.recipe["seed"], run.parent.recipe["seed"]) for run in plan.runs.values() if run.parent
    }
    assert seeds == {(0, 0), (1, 1), (2, 2)}


# ---- rows -------------------------------------------------------------------------------------------


def test_lists_multiply_out(config):
    config["tables"]["t"]["rows"] = [
        {"label": "{alpha}, {beta}", "stage": "rft", "with": {"alpha": [0.7, 0.8], "beta": [0.0, 0.1, 1.0]}}
    ]  # fmt: skip
    rows = Plan.of(config).tables["t"].rows
    assert [row.label for row in rows] == [
        "0.7, 0.0", "0.7, 0.1", "0.7, 1.0", "0.8, 0.0", "0.8, 0.1", "0.8, 1.0",
    ]  # fmt: skip
    found = [row.systems[0].recipe["coefficients"] for row in rows]
    assert [(c["alpha"], c["beta"]) for c in found][4] == (0.8, 0.1)


def test_braces_of_tex_survive(config):
    config["tables"]["t"]["rows"] = [
        {"label": r"$\beta_{\mathrm{KL}}={beta}$", "stage": "rft", "with": {"beta": [0.1]}}
    ]
    (row,) = Plan.of(config).tables["t"].rows
    assert row.label == r"$\beta_{\mathrm{KL}}=0.1$"


def test_a_new_value_of_a_sweep_adds_one_run(config):
    sweep = {"label": "{alpha}", "stage": "rft", "with": {"alpha": [0.76, 0.77]}}
    config["tables"]["t"]["rows"].append(sweep)
    before = set(Plan.of(config).runs)
    sweep["with"]["alpha"].append(0.78)
    after = set(Plan.of(config).runs)
    assert before < after
    assert len(after - before) == 1


def test_baselines_are_scored_and_not_trained(config):
    config["tables"]["t"]["rows"] = [{"label": "Log", "baseline": "log"}]
    plan = Plan.of(config)
    assert plan.tables["t"].systems[0].id == "baseline-log"
    assert not plan.runs


def test_two_rows_of_one_label_are_refused(config):
    config["tables"]["t"]["rows"][1]["label"] = "BC"
    with pytest.raises(InputError, match=r"tables\.t: two rows have the same label"):
        Plan.of(config)


def test_unknown_stages_and_coefficients_are_named(config):
    config["tables"]["t"]["rows"][0]["stage"] = "rtf"
    with pytest.raises(InputError, match=r"tables\.t: unknown key `rtf`; did you mean `rft`"):
        Plan.of(config)
    config["tables"]["t"]["rows"][0] = {"label": "x", "stage": "rft", "with": {"betta": 1.0}}
    with pytest.raises(InputError, match="stage rft: unknown key `betta`; did you mean `beta`"):
        Plan.of(config)
    config["stages"]["bc"]["budget"] = "pretrian"
    config["tables"]["t"]["rows"][0] = {"label": "x", "stage": "bc"}
    with pytest.raises(InputError, match=r"stages\.bc\.budget: .*did you mean `pretrain`"):
        Plan.of(config)


def test_a_stage_that_starts_from_itself_is_refused(config):
    config["stages"]["bc"]["from"] = "rft"
    with pytest.raises(InputError, match=r"stages\.bc: starts from itself, by way of bc, rft, sft"):
        Plan.of(config)


def test_a_row_may_start_from_another_stage(config):
    config["tables"]["t"]["rows"][1]["with"] = {"from": "bc"}
    assert set(ids(config)) == {"bc", "rft"}


def test_a_threshold_to_be_measured_waits_for_its_parent(config):
    """Equal measurements are shared; a number in its place needs none."""
    config["tables"]["t"]["rows"].append(
        {"label": "{beta}", "stage": "rft", "with": {"beta": [0.0, 0.1]}}
    )
    plan = Plan.of(config)
    (calibration,) = plan.calibrations.values()
    sft = next(run for run in plan.runs.values() if run.recipe["stage"] == "sft")
    assert calibration["parent"] == sft.id
    assert calibration["rollouts"] == config["budgets"]["reinforce"]["rollouts"]
    config["stages"]["rft"]["alpha"] = 0.77
    assert not Plan.of(config).calibrations


def test_a_sweep_over_offsets_measures_once_and_shows_their_signs(config):
    row = {"label": "$a{alpha}$", "stage": "rft"}
    row["with"] = {"alpha": [{"parent_mean": offset} for offset in (-0.02, 0.0, 0.01)]}
    config["tables"]["t"]["rows"].append(row)
    plan = Plan.of(config)
    assert [row.label for row in plan.tables["t"].rows[2:]] == ["$a-0.02$", "$a$", "$a+0.01$"]
    assert len(plan.runs) == 5
    assert len(plan.calibrations) == 1


def test_what_is_on_demand_is_planned_and_not_in_the_paper(config):
    config["tables"]["u"] = {
        "caption": "",
        "columns": [],
        "rows": [{"label": "S", "stage": "sft_sft"}],
    }
    before = ids(config)
    config["on_demand"] = ["u"]
    plan = Plan.of(config)
    assert plan.in_paper(plan.tables) == ["t"]
    assert ids(config) == before
    config["on_demand"] = ["v"]
    with pytest.raises(InputError, match="on_demand: unknown key `v`"):
        Plan.of(config)


def test_a_figure_of_a_table_that_is_not_there_is_refused(config):
    config["figures"]["f"] = {"kind": "sweep", "caption": "", "tables": ["tt"]}
    with pytest.raises(InputError, match=r"figures\.f\.tables: .*did you mean `t`"):
        Plan.of(config)


def test_other_data_than_the_scales_own_go_to_another_folder(config):
    assert Plan.of(config).results == "results/demo"
    config["data"] = "womd"
    assert Plan.of(config).results == "results/demo-womd"


# ---- the schema -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [path.stem for path in SCALES])
def test_every_scale_is_valid_and_plans(scale):
    config = validated(load(scale), SCHEMA)
    assert Plan.of(config).runs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["stages"]["rft"].update(betta=0.1), r"stages\.rft: unknown key `betta`; did you mean `beta`"),
        (lambda c: c["model"].update(widht=8), r"model: unknown key `widht`; did you mean `width`"),
        (lambda c: c["tokenizers"]["k_disks"].update(reach=1), r"tokenizers\.k_disks: unknown key `reach`"),
        (lambda c: c["tokenizers"]["k_means"].update(iteration=1), "did you mean `iterations`"),
        (lambda c: c["tokenizers"]["trajtok"].pop("mirror"), r"tokenizers\.trajtok: 'mirror' is a required property"),
        (lambda c: c["tokenizers"]["grid"]["vehicle"].pop("heading"), r"grid\.vehicle: 'heading' is a required"),
        (lambda c: c.update(sedes=[0]), "unknown key `sedes`; did you mean `seeds`"),
        (lambda c: c["stages"]["bc"].update(algorithm="catc"), r"stages\.bc\.algorithm: .*did you mean `catk`"),
    ],
)  # fmt: skip
def test_a_typo_names_the_nearest_key(config, change, message):
    change(config)
    with pytest.raises(InputError, match=message):
        validated(config, SCHEMA)


def test_a_number_without_a_dot_is_text(config):
    """YAML 1.1 reads 5e-4 as a string."""
    config["budgets"]["pretrain"] |= yaml.safe_load("learning_rate: 5e-4")
    with pytest.raises(InputError, match=r"YAML reads 5e-4 as text; write 5\.0e-04 with a dot"):
        validated(config, SCHEMA)


def test_values_of_a_sweep_obey_the_stages_rules(config):
    config["tables"]["t"]["rows"][1]["with"] = {"alpha": [0.7, "7e-1"]}
    with pytest.raises(
        InputError, match=r"tables\.t\.rows\.with\.alpha: .*YAML reads 7e-1 as text"
    ):
        validated(config, SCHEMA)
    config["tables"]["t"]["rows"][1]["with"] = {"reward": ["scene", "rolout"]}
    with pytest.raises(InputError, match="did you mean `rollout`"):
        validated(config, SCHEMA)


def test_the_scales_have_the_same_keys():
    def keys(content, where=()):
        if not isinstance(content, dict):
            return {where}
        return {where}.union(*(keys(value, (*where, key)) for key, value in content.items()))

    first, *others = (keys(yaml.safe_load(path.read_text())) for path in SCALES)
    assert len(first) > 50
    assert all(other == first for other in others)
