"""What a table prints, and how it is typeset."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from simagents.errors import InputError
from simagents.report import table
from simagents.report.latex import escaped, wording
from simagents.report.latex_log import overfull
from simagents.report.published import read_published
from simagents.report.table import Args

TOP = Path(__file__).parents[2]
PUBLISHED = TOP / "paper/published/smartr1_table3_training_strategy.csv"


@pytest.fixture
def typeset(tmp_path):
    """Runs the command; returns LaTeX and Markdown."""

    def run(content, caption="A caption.", labels="", published="", name="numbers", **options):
        source = tmp_path / f"{name}.json"
        source.write_text(json.dumps(content))
        tex, md, html = (tmp_path / f"t.{kind}" for kind in ("tex", "md", "html"))
        template = TOP / "paper/templates/table.tex.j2"
        given = Args(
            source, caption, tex, md, html, labels, str(published), template=template, **options
        )
        table.main(given)
        return tex.read_text(), md.read_text()

    return run


GOLDEN = r"""% numbers: synthetic, WOSAC 2025, evaluation 0123456789
\begin{table}[tbp]
  \caption{A caption. \textcolor{red}{Scale: demo; not comparable.}}
  \label{tab:numbers}
  \centering
  \small
  \setlength{\tabcolsep}{4pt}
  \begin{tabular}{lr}
    \toprule
    & Realism\,$\uparrow$
    \\
    \midrule
    BC & 0.7000{\scriptsize\,$\pm$\,.0100} \\ % bc-0123456789
    RFT & \textbf{0.7123}{\scriptsize\,$\pm$\,.0100} \\ % rft-0123456789
    \bottomrule
  \end{tabular}
  \par\smallskip
  \begin{minipage}{\linewidth}
    \footnotesize
    Synthetic data, metric of WOSAC 2025, 4 scenarios, 32 rollouts each, 1 training seed.
    ± is the standard error over scenarios. Bold is the best number of its column.
  \end{minipage}
\end{table}
"""


def test_golden(typeset, cells):
    assert typeset(cells({"BC": 0.7, "RFT": 0.71234}))[0] == GOLDEN


def test_the_papers_experiment_needs_no_warning_and_others_do(typeset, cells):
    """The papers' scale on synthetic scenes is another experiment, too."""
    tex, md = typeset(cells({"BC": 0.7, "RFT": 0.71}, scale="paper", data="womd"))
    assert "comparable" not in tex + md
    tex, md = typeset(cells({"BC": 0.7, "RFT": 0.71}, scale="paper", data="synthetic"))
    assert r"\textcolor{red}{Data: synthetic; not comparable.}" in tex
    assert "**Data: synthetic; not comparable with published numbers.**" in md


def test_the_smallest_error_is_the_best(typeset, cell, cells):
    content = cells({"BC": 0.7, "RFT": 0.71}, columns=["min_ade"])
    content["rows"][0]["cells"] = {"min_ade": cell(1.5)}
    content["rows"][1]["cells"] = {"min_ade": cell(2.5)}
    tex, _ = typeset(content)
    assert r"\textbf{1.500}" in tex
    assert r"\textbf{2.500}" not in tex


def test_equals_in_print_are_equally_best(typeset, cells):
    tex, _ = typeset(cells({"BC": 0.70001, "RFT": 0.70002}))
    assert tex.count(r"\textbf{0.7000}") == 2


def test_the_log_is_no_contestant(typeset, cells):
    content = cells({"BC": 0.6, "RFT": 0.7, "Log": 0.8})
    content["rows"][2]["systems"] = ["baseline-log"]
    tex, _ = typeset(content)
    assert r"\textbf{0.7000}" in tex
    assert r"\textbf{0.8000}" not in tex
    assert "the log aside" in tex


def test_an_imported_model_is_named(typeset, cells):
    content = cells({"BC": 0.6, "SFT": 0.7})
    assert "Imported" not in "".join(typeset(content))
    content["rows"][0]["imported"] = True
    for text in typeset(content):
        assert "Imported, so not trained here and one model for all seeds: BC." in text


def test_what_is_not_defined_says_so(typeset, cell, cells):
    content = cells({"BC": 0.7, "RFT": 0.71})
    content["rows"][0]["cells"]["metametric"] = cell(None, None, undefined=2)
    tex, md = typeset(content)
    assert r"BC & n/a \\" in tex
    assert "| BC | n/a |" in md
    assert "not defined on up to 2 scenarios" in tex


def test_published_values_stand_beside_ours(typeset, cells):
    names = ["BC", "BC+SFT", None]
    tex, md = typeset(cells({"A": 0.7, "B": 0.8, "C": 0.6}, published=names), published=PUBLISHED)
    assert r"\textit{0.7725}" in tex
    assert r"\textit{–}" in tex
    assert "| A | 0.7000 ± .0100 | *0.7725* |" in md
    assert r"val 2\%, metric of WOSAC 2025" in tex
    assert "from public notes on the paper (p. 8)" in tex


def test_the_second_source_is_named_and_never_shown_as_the_papers(typeset, cells):
    content = cells({"A": 0.7, "B": 0.8}, published=["BC", "BC+SFT"])
    tex, _ = typeset(content, published=PUBLISHED)
    assert r"\textit{0.7734}" in tex
    assert "other values in the same order: 0.7812 (BC+SFT)." in tex


def test_rows_of_the_literature_stand_under_ours_and_not_beside(typeset, cells):
    content = cells({"A": 0.7, "B": 0.6}, published=["SMART-R1", None])
    path = PUBLISHED.with_name("smartr1_table1_leaderboard.csv")
    tex, md = typeset(content, published=path, literature=("SMART-R1",))
    assert r"\textit{SMART-R1} & \textit{0.7858} \\" in tex
    assert "| *SMART-R1* | *0.7858* |" in md
    assert "published |" not in md
    assert "DecompGAIL" in md
    assert "blog" not in md


def test_a_sweep_of_which_only_the_choice_is_known_says_so(typeset, cells):
    content = cells({"A": 0.7, "B": 0.6}, published=[None, "0.77"])
    _, md = typeset(content, published=PUBLISHED.with_name("smartr1_table5_alpha_sweep.csv"))
    assert "values not found; the paper chose 0.77" in md
    assert "published |" not in md


def test_a_transposed_table_has_quantities_below_one_another(typeset, cell, cells):
    content = cells(
        {"A": 0.7, "B": 0.8}, published=["SMART-SFT", None], columns=["metametric", "collision"]
    )
    for row in content["rows"]:
        row["cells"]["collision"] = cell(0.9)
    path = PUBLISHED.with_name("smartr1_table2_component_likelihoods.csv")
    tex, md = typeset(content, published=path, transposed=True)
    lines = md.splitlines()
    start = lines.index("|  | A | B |")
    assert lines[start + 2].startswith("| Realism ↑ | 0.7000")
    assert lines[start + 4] == "| *published* | *0.9702* | *–* |"
    assert "% A: a-0123456789" in tex.splitlines()


def test_what_a_row_does_not_log_is_a_dash(typeset, cell, cells):
    content = cells({"SFT": 0.7, "MPO": 0.8}, columns=["kl"])
    for row, mean in zip(content["rows"], (None, 0.001), strict=True):
        row["cells"] = {"kl": cell(mean, None)}
    _, md = typeset(content)
    assert "| SFT | – |" in md
    assert "last 10% of training" in md


def test_metrics_of_different_years_do_not_mix(typeset, cells):
    content = cells({"A": 0.7}, published=["BC"], challenge=2024)
    with pytest.raises(InputError, match="2025"):
        typeset(content, published=PUBLISHED)


def test_an_unknown_published_row_names_the_nearest(typeset, cells):
    with pytest.raises(InputError, match=r"did you mean `BC\+SFT`"):
        typeset(cells({"A": 0.7}, published=["BC+SFTT"]), published=PUBLISHED)


def test_a_year_that_is_not_certain_may_be_either(typeset, cells):
    path = TOP / "paper/published/trajtok_tokenizer_ablation.csv"
    tex, _ = typeset(cells({"A": 0.7}, published=["TrajTok"]), published=path)
    assert "metric of WOSAC 2024 or 2025" in tex
    with pytest.raises(InputError, match="2024 or 2025"):
        typeset(cells({"A": 0.7}, published=["TrajTok"], challenge=2023), published=path)


def test_a_number_that_is_neither_good_nor_bad_has_no_arrow_and_no_best(typeset, cell, cells):
    content = cells({"BC": 0.7, "RFT": 0.71}, columns=["vehicle_tokens"])
    for row, tokens in zip(content["rows"], (512, 2048), strict=True):
        row["cells"] = {"vehicle_tokens": cell(float(tokens), None)}
    tex, md = typeset(content)
    assert "& Vehicles (tokens)\n" in tex
    assert "| Vehicles (tokens) |" in md
    assert "| RFT | 2048 |" in md


def test_several_seeds_show_their_deviation(typeset, cell, cells):
    content = cells({"BC": 0.7, "Log": 0.8}, seeds=3)
    content["rows"][0]["cells"]["metametric"] = cell(0.7, 0.01, deviation=0.0021)
    tex, md = typeset(content)
    assert r"BC & 0.7000{\scriptsize\,$\pm$\,.0100} & .0021 \\" in tex
    assert r"\textbf{0.8000}{\scriptsize\,$\pm$\,.0100} & – \\" in tex
    assert "σ is the deviation over training seeds" in md


def test_labels_replace_those_of_the_cells(typeset, cells):
    tex, _ = typeset(cells({"A": 0.7, "B": 0.8}), labels=r'["$\\alpha_1$", "50 % & more"]')
    assert r"$\alpha_1$ &" in tex
    assert r"50 \% \& more &" in tex


def test_labels_must_be_as_many_as_rows(typeset, cells):
    with pytest.raises(InputError, match="1 labels for the 2 rows"):
        typeset(cells({"A": 0.7, "B": 0.8}), labels='["A"]')


def wide(cells, cell, rows=4):
    """Ten columns, as many as the tables of the papers have."""
    keys = [
        "metametric", "kinematic", "interactive", "map", "min_ade", "ade", "distance",
        "collision_rate", "offroad_rate", "kl",
    ]  # fmt: skip
    content = cells({f"BC + SFT, number {n}": 0.7 for n in range(rows)}, columns=keys)
    for row in content["rows"]:
        row["cells"] = {key: cell(0.7) for key in keys}
    return content


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_a_wide_table_fits_the_page_of_the_paper_without_scaling(typeset, cells, cell, tmp_path):
    tex, _ = typeset(wide(cells, cell))
    assert not re.search(r"adjustbox|resizebox|scalebox|\\tiny", tex)
    preamble = (TOP / "paper/main.tex").read_text().partition(r"\input{results.tex}")[0]
    page = rf"{preamble}\begin{{document}}\input{{t.tex}}\end{{document}}"
    (tmp_path / "p.tex").write_text(page)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "p.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert overfull((tmp_path / "p.log").read_text()) == []


def test_a_browser_reads_the_same_numbers(typeset, cells, cell, tmp_path):
    typeset(wide(cells, cell, rows=2), caption=r"At $\alpha_0$ \& more.")
    html = (tmp_path / "t.html").read_text()
    assert "<p>At <i>α<sub>0</sub></i> &amp; more.</p>" in html
    assert "Scale: demo; not comparable" in html
    assert html.count("<th>") == 11
    assert html.count('<span class="error">± ') == 20
    assert "Synthetic data, metric of WOSAC 2025" in html


def test_special_characters():
    assert escaped(r"a_b & 5% #1 {x} $ ~ ^ \ ") == (
        r"a\_b \& 5\% \#1 \{x\} \$ \textasciitilde{} \textasciicircum{} \textbackslash{} "
    )
    assert wording(r"$\alpha_1$ at 5% \& b_c") == r"$\alpha_1$ at 5\% \& b\_c"


def test_equal_cells_give_equal_bytes(typeset, cells):
    content = cells({"A": 0.7, "B": 0.8}, published=["BC", "BC+SFT"])
    assert typeset(content, published=PUBLISHED) == typeset(content, published=PUBLISHED)


def test_every_published_table_is_of_a_known_form_or_refused():
    forms = 0
    for path in sorted((TOP / "paper/published").glob("*.csv")):
        try:
            forms += bool(read_published(path).values)
        except InputError:
            continue
    assert forms >= 8


def test_differences_have_signs_and_small_p_values_a_limit(typeset, cells, cell):
    content = cells({"MLOO": 0.5, "BC": 0.4})
    content["columns"] += ["difference", "p"]
    content["over"] = "MLOO"
    for row, values in zip(content["rows"], [(None, None), (-0.1, 1e-6)], strict=True):
        row["cells"] |= {k: cell(v, None) for k, v in zip(("difference", "p"), values, strict=True)}
    content["differences"] = {"metametric": [{"covers": "one seed"}]}
    _, markdown = typeset(content)
    assert "| MLOO | **0.5000** ± .0100 | – | – |" in markdown
    assert "| BC | 0.4000 ± .0100 | -0.1000 | < 0.0001 |" in markdown
    assert "each row minus MLOO" in markdown
    assert "there is no p of training" in markdown


def test_published_percentages_are_shares():
    published = read_published(TOP / "paper/published/rlftsim_tableS3_heuristic_rewards.csv")
    assert published.value("RMM_MLOO", "collision_rate") == pytest.approx(0.0453)
    assert published.value("RMM_MLOO", "ade") == 2.55
