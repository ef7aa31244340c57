"""Macros for the paper's prose."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from simagents.errors import InputError
from simagents.report import numbers
from simagents.report.numbers import Args, conditions, slug


@pytest.fixture
def written(tmp_path, cells):
    """Runs the command on tables by name; returns the LaTeX."""

    def run(tables, plan=None, published=()):
        paths = []
        for name, content in tables.items():
            paths.append(tmp_path / f"{name}.json")
            paths[-1].write_text(json.dumps(content))
        report = tmp_path / "vocabulary.json"
        report.write_text(json.dumps({"vehicle": {"tokens": 31234, "mean_error_m": None}}))
        out = tmp_path / "results.tex"
        numbers.main(Args(paths, report, json.dumps(plan or {}), out, [*published]))
        return out.read_text()

    return run


@pytest.fixture
def table(cells):
    return cells({"BC": 0.7, "BC + SFT": None}, differences=[(1, 0, -0.01, -0.02, -0.005)])


def test_pairs_and_drives_have_macros_of_their_own(written, table):
    """A pair is named by both rows; the mean that a column of pairs does not have is no macro."""
    table["columns"] = ["rank_pairs"]
    for row in table["rows"]:
        pairs = [{"value": value, "low": None, "high": None} for value in (0.25, None)]
        row["cells"] = {"rank_pairs": {"mean": None, "standard_error": None, "pairs": pairs}}
    table["planners"] = {"scenes": 1, "planners": 64, "rollouts": 2, "agents": "all"}
    text = written({"t": table})
    assert r"\setresult{cell:t:bc-sft:rank_pairs:bc}{0.250}" in text
    assert r"\setresult{cell:t:bc-sft:rank_pairs:bc-sft}{n/a}" in text
    assert r"\setresult{cell:t:bc:rank_pairs}" not in text
    drives = "64 planners drove in 1 scene, with 2 rollouts of each. Agents stay to the end"
    assert rf"\setresult{{drives:t}}{{{drives}" in text


def test_macros(written, table):
    plan = {
        "scale": "demo",
        "captions": {"training": "Loss at 5%, $a_b$."},
        "figures": {
            "training": {"tables": [], "evaluation": None, "seeds": 2, "first_seed": False}
        },
        "imported": ["bc"],
        "facts": {"model": {"width": 48}, "rate": 3e-6, "seeds": [0, 1], "name": "a_b"},
    }
    text = written({"t": table}, plan)
    for line in (
        r"\newcommand{\scale}{demo}",
        r"\newcommand{\scenarioCount}{4}",
        r"\setresult{cell:t:bc:metametric}{0.7000}",
        r"\setresult{cell:t:bc-sft:metametric}{n/a}",
        r"\setresult{gain:t:bc-sft}{$-0.0100$}",
        r"\setresult{interval:t:bc-sft}{[$-0.0200$, $-0.0050$]}",
        r"\setresult{verdict:t:bc-sft}{below}",
        r"\setresult{interval:t:bc-sft:bc:metametric}{[$-0.0200$, $-0.0050$]}",
        r"\expandafter\def\csname inpaper:t\endcsname{}",
        r"\expandafter\def\csname inpaper:training\endcsname{}",
        r"\expandafter\def\csname imported:bc\endcsname{}",
        r"\setresult{vocabulary:vehicle:tokens}{31,234}",
        r"\setresult{vocabulary:vehicle:mean_error_m}{n/a}",
        r"\setresult{fact:model.width}{48}",
        r"\setresult{fact:rate}{$3\times10^{-6}$}",
        r"\setresult{fact:seeds}{0, 1}",
        r"\setresult{fact:name}{a\_b}",
        r"\setresult{caption:training}{Loss at 5\%, $a_b$. Synthetic data, 2 training seeds.}",
    ):
        assert line in text.splitlines()


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (
            {"tables": ["new"]},
            "Synthetic data, metric of WOSAC 2025, 4 scenarios, 32 rollouts each, 1 training seed.",
        ),
        (
            {"evaluation": "9876543210", "seeds": 1},
            "Synthetic data, metric of WOSAC 2023, 4 scenarios, 16 rollouts each, 1 training seed.",
        ),
        ({"first_seed": True, "seeds": 3}, "Synthetic data, the first training seed."),
        ({}, "Synthetic data."),
    ],
)
def test_captions_say_what_was_measured(table, cells, of, sentence):
    older = cells({"A": 0.5}, challenge=2023, rollouts=16, evaluation="9876543210")
    facts = {"tables": [], "evaluation": None, "seeds": 0, "first_seed": False} | of
    assert conditions(facts, {"new": table, "old": older}, {}) == sentence


def test_published_values_have_macros(written, table):
    path = Path(__file__).parents[2] / "paper/published/smartr1_table3_training_strategy.csv"
    text = written({"t": table}, published=[path])
    line = r"\setresult{published:smartr1_table3_training_strategy:bc:metametric}{0.7725}"
    assert line in text.splitlines()


def test_tables_of_two_years_have_facts_of_their_own(written, table, cells):
    """What the paper says of itself is what its default evaluation gives."""
    older = cells(
        {"A": 0.5}, challenge=2023, rollouts=16, scenarios=3, evaluation="9876543210", seeds=6
    )
    plan = {"scale": "demo", "data": "synthetic", "evaluation": table["evaluation"]}
    plan["facts"] = {"seeds": [0, 1]}
    lines = written({"new": table, "old": older}, plan).splitlines()
    for line in (
        r"\newcommand{\challengeYear}{2025}",
        r"\newcommand{\scenarioCount}{4}",
        r"\newcommand{\rolloutCount}{32}",
        r"\newcommand{\seedCount}{2}",
        r"\setresult{challenge:new}{2025}",
        r"\setresult{challenge:old}{2023}",
        r"\setresult{rollouts:old}{16}",
        r"\setresult{scenarios:old}{3}",
        r"\setresult{cell:old:a:metametric}{0.5000}",
    ):
        assert line in lines
    with pytest.raises(InputError, match="disagree on `challenge` \\(2023, 2025\\)"):
        written({"new": table, "old": older}, {"scale": "demo"})
    with pytest.raises(InputError, match="no table is scored by the paper's default evaluation 77"):
        written({"new": table}, {"evaluation": "77"})


def test_tables_that_disagree_are_an_error(written, table, cells):
    with pytest.raises(InputError, match="disagree on `scenarios`"):
        written({"t": table, "u": cells({"A": 0.5}, scenarios=5)})


def test_a_plan_of_another_scale_is_an_error(written, table):
    with pytest.raises(InputError, match="disagree on `scale`"):
        written({"t": table}, {"scale": "paper"})


def test_names():
    assert slug("BC + SFT + RFT") == "bc-sft-rft"
    assert slug(r"$\alpha=0.77$") == "alpha-0.77"
    assert slug(r"$\alpha_0+0.1$") != slug(r"$\alpha_0-0.1$")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize(("name", "works"), [("bc", True), ("cb", False)])
def test_a_missing_number_stops_latex(written, table, tmp_path, name, works):
    written({"t": table})
    body = rf"\input{{results}}\begin{{document}}\cell{{t}}{{{name}}}{{metametric}}\end{{document}}"
    (tmp_path / "p.tex").write_text(r"\documentclass{article}" + body)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "p.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) == works
    assert works or "There is no result `cell:t:cb:metametric'" in done.stdout
