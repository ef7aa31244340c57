"""Which jobs Snakemake plans: in a fresh workflow, and in a finished one after changes."""

import re
import shutil
from pathlib import Path

import yaml

from simagents.report.legible_report import redrawn, variable_of

TOKENIZERS, OPTIMISERS, ALPHAS, BETAS = 4, 7, 2, 2  # MPO at its default is one of the strategies
STAGES = 5 + TOKENIZERS + OPTIMISERS + ALPHAS + BETAS
BASELINES = 5
DRIVERS = 1  # rule-based traffic, which only the tables of planners have
PLANNED = 6 + 2 + 4  # policies, MotionLM and baselines among whose agents planners drive
CREDITS = 7  # RLFTSim's rewards, and a weak reference before and after
BOTS = 2  # TrafficBots before and after
SCORED = STAGES + CREDITS + BOTS  # under the default evaluation
# MotionLM before and after, alone, and with three more weights; two forecasters.
PENG = 6 + 2
# Under the weights of 2023: these, and what needs no training; MotionLM before and after also under those of 2025.
PENG_SCORES = PENG + 5 + 2
GOAL_STAGES = 3  # cloning without and with goals, and RL
# These and BC are scored under two kinds of goals; MLOO without goals, and who stands, under one.
GOAL_SCORES = 2 * (GOAL_STAGES + 1) + 2
DEMO = Path(__file__).parents[2] / "config/scale/demo.yaml"
CHUNKS = yaml.safe_load(DEMO.read_text())["compute"]["chunks"]


def test_shared_stages_are_trained_once_whoever_asks_for_them(fresh):
    """The second table's BC is the first one's, and each SFT is the parent of later rows."""
    jobs = fresh.planned()
    assert jobs["train"] == SCORED + GOAL_STAGES + PENG
    scores = SCORED + BASELINES + DRIVERS + GOAL_SCORES + PENG_SCORES
    assert jobs["evaluate"] == scores * CHUNKS
    assert jobs["planners"] == PLANNED * CHUNKS  # once for five tables and three figures
    assert jobs["manoeuvres"] == 2  # of a policy with and one without goals
    assert jobs["calibrate"] == 2  # the reward of a scene, and of a rollout
    # Of SFT, for two figures and their tables.
    assert (jobs["gradients"], jobs["gradient_table"]) == (1, 2)
    assert jobs["paper"] == 1  # the default target
    assert (jobs["incidents"], jobs["browser"]) == (3, 1)  # of the strips' rows
    assert "animation" not in jobs  # only by name


def test_the_workflow_s_own_snakefile_makes_the_paper_too(fresh):
    assert fresh.planned("--snakefile", "workflow/Snakefile")["paper"] == 1


def test_nothing_is_left_to_do_after_a_bare_snakemake(finished):
    assert (finished.folder / "results/demo/paper/paper.pdf").exists()
    assert "Nothing to be done" in finished.run()


def test_a_caption_sets_its_table_and_the_paper_again_and_nothing_else(finished):
    finished.change("config/papers/common.yaml", tables__baselines__caption="Floor and ceiling.")
    assert finished.planned() == {"table": 1, "paper": 1}


def test_the_report_is_one_page_with_everything_and_needs_no_network(finished):
    finished.run("gallery")
    finished.run("--report", "report.html", "gallery")
    page = redrawn((finished.folder / "report.html").read_text(), "report.html")
    categories, _, _ = variable_of(page, "categories", "report.html")
    sizes = {name: sum(map(len, parts.values())) for name, parts in categories.items()}
    tables = len(list((finished.folder / "results/demo/tables").glob("*.tex")))
    figures = len(list((finished.folder / "results/demo/figures").glob("*.pdf")))
    assert sizes["3 Tables"] == tables + 2  # and two of gradients
    player_and_films = 1 + 3
    pictures = sum(sizes[name] for name in ("4 Figures", "5 Training curves", "6 Rollouts"))
    assert pictures == figures + player_and_films
    names = ("1 Paper", "2 Published against reproduced", "7 Recipes and costs")
    assert [sizes[name] for name in names] == [1, 1, 2]
    graph, _, _ = variable_of(page, "rulegraph_spec", "report.html")
    boxes = [box["text"].partition(" ")[0] for box in graph["data"][0]["values"]]
    assert len(boxes) == len(set(boxes))
    assert not any(re.search(r"_\d+$", box) for box in boxes)
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)


def test_what_only_decides_how_fast_reruns_nothing(finished):
    slower = {"gpus": 4, "workers": 1, "threads": 7, "micro_batch": 1, "zero_stage": 1}
    slower |= {"save_every": 9, "minutes": 99, "mem_mb": 9_999, "nodes": 1, "retries": 0}
    changes = {f"compute__{name}": value for name, value in slower.items()}
    finished.change("config/scale/demo.yaml", **changes)
    assert finished.planned() == {}


def test_the_order_of_keys_means_nothing(finished):
    """Not more than that the paper's numbers are listed anew."""

    def turned(part):
        if not isinstance(part, dict):
            return part
        return {key: turned(part[key]) for key in reversed(part)}

    path = finished.folder / "config/scale/demo.yaml"
    path.write_text(yaml.safe_dump(turned(yaml.safe_load(path.read_text())), sort_keys=False))
    assert finished.planned().keys() <= {"numbers", "paper"}


def test_a_new_sweep_value_adds_one_run_and_its_scores(finished):
    path = finished.folder / "config/papers/smart_r1.yaml"
    config = yaml.safe_load(path.read_text())
    rows = config["tables"]["training_strategy"]["rows"]
    rows.append({"label": "$\\beta={beta}$", "stage": "rft"})
    rows[-1]["with"] = {"algorithm.divergence.beta": [0.04, 0.4]}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    jobs = finished.planned()
    assert (jobs["recipe"], jobs["train"], jobs["cells"]) == (1, 1, 1)
    assert "calibrate" not in jobs
    assert jobs["evaluate"] == CHUNKS


def test_a_changed_coefficient_renames_its_descendants_and_no_one_else(finished):
    """BC and both SFT runs stay, and so does the sweep over β, which has values of its own. RFT, the
    six stages like it, the SFT after it and the sweep over α are trained anew.
    """
    changes = {"stages__rft__algorithm__divergence__beta": 0.4}
    finished.change("config/papers/smart_r1.yaml", **changes)
    assert finished.planned()["train"] == 2 + 6 + ALPHAS


def test_what_is_on_demand_is_made_when_asked_for_by_name(finished):
    """Nine ways to learn beside BC and CAT-32, which other tables have."""
    table = "results/demo/tables/closed_loop.tex"
    jobs = finished.planned("--", table)
    assert (jobs["train"], jobs["cells"], jobs["table"]) == (9, 1, 1)
    assert not (finished.folder / table).exists()


def test_an_animation_is_made_of_kept_rollouts_when_asked_for_by_name(finished):
    """No evaluation runs again: pictures of the stage, and of the log, are there."""
    film = "results/demo/animations/rft_sft/first.gif"
    assert finished.planned("--", film) == {"animation": 1}
    command = finished.run("--dry-run", "--printshellcmds", "--", film)
    assert re.search(
        r"simagents animate --rollouts log=\S+/baseline-log/\S+ rft_sft=\S+/rft_sft-\w{10}/\S+"
        r" --scenario first ",
        command,
    )


def test_a_tokenizer_remakes_what_reads_it_and_nothing_else(finished):
    """The scenarios stay; its vocabulary, chains, run and scores are new. One more costs nothing
    before a row asks for it.
    """
    path = finished.folder / "config/scale/demo.yaml"
    config = yaml.safe_load(path.read_text())
    config["tokenizers"]["other"] = {"rule": "k_disks", "size": 7, "tolerance": 1.0}
    config["tokenizers"]["k_means"]["iterations"] = 3
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    jobs = finished.planned()
    assert (jobs["vocabulary"], jobs["reconstruction"], jobs["train"]) == (1, 1, 1)
    assert jobs["evaluate"] == CHUNKS
    assert "cache" not in jobs


def test_another_challenge_year_scores_again_and_trains_nothing(finished):
    finished.change("config/papers/common.yaml", evaluations__wosac_2025__challenge=2024)
    jobs = finished.planned()
    assert "train" not in jobs
    assert jobs["evaluate"] == (SCORED + BASELINES + DRIVERS + 2) * CHUNKS  # with MotionLM's two
    assert "planners" not in jobs


def test_other_drives_of_planners_score_and_train_nothing(finished):
    finished.change("config/scale/demo.yaml", planners__scenes=7)
    jobs = finished.planned()
    assert jobs["planners"] == PLANNED * CHUNKS
    assert (jobs["cells"], jobs["table"]) == (5, 5)
    assert not {"train", "evaluate"} & set(jobs)


def test_a_table_of_another_year_adds_its_scores_and_keeps_the_others(finished):
    path = finished.folder / "config/papers/common.yaml"
    config = yaml.safe_load(path.read_text())
    config["evaluations"]["older"] = {"challenge": 2023}
    config["tables"]["older"] = {**config["tables"]["baselines"], "evaluation": "older"}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    jobs = finished.planned("--", "results/demo/tables/older.tex")
    assert jobs == {"evaluate": (BASELINES + 2) * CHUNKS, "cells": 1, "table": 1}


def test_what_reads_no_tokens_waits_for_no_vocabulary(fresh):
    """The log and constant velocity need the scenarios only."""
    path = fresh.folder / "config/papers/common.yaml"
    config = yaml.safe_load(path.read_text())
    rows = config["tables"]["baselines"]["rows"]
    config["tables"]["rules"] = {**config["tables"]["baselines"], "rows": [rows[1], rows[3]]}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    jobs = fresh.planned("--", "results/demo/tables/rules.tex")
    assert jobs["evaluate"] == 2 * CHUNKS
    assert not {"vocabulary", "tokenize", "train"} & set(jobs)
    assert jobs["cache"] == 1  # the validation shard


def test_without_latexmk_the_paper_says_what_to_do(finished, tmp_path, monkeypatch):
    """The sentence is in the log that Snakemake shows; everything else stays made."""
    (finished.folder / "bin/latexmk").unlink()
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "env", "mkdir"):  # and no latexmk
        (programs / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(programs))
    (finished.folder / "results/demo/paper/paper.pdf").unlink()
    told = finished.run(succeeds=False)
    sentences = [line for line in told.splitlines() if line.strip().startswith("simagents: ")]
    assert [line.strip() for line in sentences] == [
        "simagents: there is no latexmk, and so no PDF; install LaTeX (make latex), or make the rest:"
        " snakemake everything_but_pdf"
    ]
    assert "Traceback" not in told
    assert set(finished.planned()) == {"paper"}
