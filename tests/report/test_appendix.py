"""Recipes and times of training as the appendix prints them, and the log of LaTeX."""

import json

import pytest

from simagents.errors import InputError
from simagents.report import latex_log, recipe_table, training_times
from simagents.report.latex_log import overfull, undefined
from simagents.report.recipe_table import variants_of
from simagents.report.training_times import stage_times


def recipe(stage="rft", seed=0, beta=0.04, parent="sft-0123456789"):
    return {
        "stage": stage,
        "seed": seed,
        "parent": parent,
        "algorithm": {"name": "mpo", "beta": beta, "sampling": {"top_k": 0, "temperature": 1.0}},
        "budget": {"steps": 12000, "batch": 8, "learning_rate": 3e-6, "rollouts": 32},
        "optimiser": {"betas": [0.9, 0.95], "weight_decay": 0.01, "clip": 1.0, "warmup": 0.1,
                      "schedule": "cosine", "final_ratio": 0.05},
    }  # fmt: skip


def outs(folder):
    return [folder / f"out.{kind}" for kind in ("md", "tex", "html")]


def test_seeds_are_one_line_and_other_recipes_name_what_differs():
    runs = {
        "rft-a": recipe(),
        "rft-b": recipe(seed=1, parent="sft-9876543210"),
        "rft-c": recipe(beta=0.16),
    }
    first, second = variants_of(runs)
    assert (first.runs, first.differs, first.recipe["parent"]) == (2, "", "sft")
    assert (second.runs, second.differs) == (1, "beta 0.16")


def test_the_recipes(tmp_path):
    paths = []
    for name, content in {"rft-a": recipe(), "bc-a": recipe("bc", parent=None)}.items():
        paths.append(tmp_path / name / "recipe.json")
        paths[-1].parent.mkdir()
        paths[-1].write_text(json.dumps(content))
    recipe_table.main(recipe_table.Args(paths, *outs(tmp_path)))
    text = outs(tmp_path)[0].read_text()
    line = (
        r"| rft | sft | 12,000 | 8 | 32 | $3\times10^{-6}$ | cosine | 0.05 | 0.1 | all at 1 | 1 |"
    )
    assert line in text
    assert "| rft; bc | mpo: beta 0.04 |" in text
    assert r"AdamW with $\beta_1, \beta_2 = 0.9, 0.95$, weight decay 0.01" in text


def test_what_is_no_recipe_is_named():
    with pytest.raises(InputError, match="rft-a: this is no recipe"):
        list(variants_of({"rft-a": {"stage": "rft"}}))


@pytest.fixture
def trained(tmp_path):
    def write(run, seconds, cores=None, gpus=0):
        folder = tmp_path / run
        folder.mkdir()
        made = {"python": "3.11", "packages": {"torch": "2.13"}, "machine": "Linux"}
        if gpus:
            made |= {"processes": gpus, "hardware": {"cpu": "C", "cores": 8, "gpu": "G"}}
        (folder / "provenance.json").write_text(json.dumps(made))
        steps = [{"step": n, "seconds": s} for n, s in enumerate(seconds)]
        for step, value in zip(steps, cores or [], strict=False):
            step["cpu_seconds"] = value
        (folder / "history.jsonl").write_text("".join(json.dumps(s) + "\n" for s in steps))
        return folder / "history.jsonl"

    return write


def test_times_are_sums_over_runs_and_medians_over_steps(trained):
    """Steps of 1, 2, 9 and of 3, 5 s: 20 s in all, 3 s at the middle, 12 s on two GPUs; 4 processor seconds each."""
    paths = [trained("rft-a", [1, 2, 9], [4, 4, 4]), trained("rft-b", [3, 5], [4, 4])]
    (time,) = stage_times(training_times.read_histories(paths), {"rft-a": 2, "rft-b": 0})
    assert (time.stage, time.runs, time.steps) == ("rft", 2, 5)
    assert (time.step, time.wall, time.cores, time.gpus) == (3.0, 20.0, 20.0, 24.0)


def test_a_stage_with_a_run_that_did_not_log_processors_has_no_core_seconds(trained, tmp_path):
    paths = [
        trained("rft-a", [1, 2], [4, 4], gpus=2),
        trained("rft-b", [3], gpus=2),
        trained("bc-a", [7], [8], gpus=2),
    ]
    training_times.main(training_times.Args(paths, *outs(tmp_path)))
    text = outs(tmp_path)[0].read_text()
    assert "| rft | 2 | 3 | 2.00 | 6 | n/a | 12 |" in text
    assert "| bc | 1 | 1 | 7.00 | 7 | 8 | 14 |" in text
    assert "| all | 3 | 4 | – | 13 | n/a | 26 |" in text
    assert "Made with: Python 3.11, torch 2.13, G, C, 8 cores, Linux." in text


def test_without_a_gpu_there_is_no_column_for_it(trained, tmp_path):
    training_times.main(training_times.Args([trained("bc-a", [7], [8])], *outs(tmp_path)))
    text = outs(tmp_path)[0].read_text()
    assert "| bc | 1 | 1 | 7.00 | 7 | 8 |\n" in text
    assert "GPU" not in text


LOG = r"""LaTeX Warning: Reference `tab:alpha' on page 3 undefined on input line 7.
Package natbib Warning: Citation `smart
r1' on page 1 undefined on input line 2.
Overfull \hbox (30.5pt too wide) in alignment at lines 5--6
Overfull \hbox (2.1pt too wide) in paragraph at lines 8--9
"""


def test_the_log_of_latex(tmp_path, capsys):
    assert undefined(LOG) == ["tab:alpha", "smartr1"]
    assert overfull(LOG) == [r"Overfull \hbox (30.5pt too wide) in alignment at lines 5--6"]
    path = tmp_path / "paper.log"
    path.write_text(LOG)
    with pytest.raises(InputError, match="LaTeX has not ended with a document"):
        latex_log.main(latex_log.Args(path))
    path.write_text(f"{LOG}\nOutput written on paper.pdf")
    with pytest.raises(InputError, match="not defined: tab:alpha, smartr1"):
        latex_log.main(latex_log.Args(path))
    assert "30.5pt" in capsys.readouterr().out
    path.write_text("Output written on paper.pdf")
    latex_log.main(latex_log.Args(path))
