"""Documents of text and sheets in three languages, and pages for browsers."""

import re

from simagents.report.page import html_wording
from simagents.report.sheet import Column, Heading, Paragraph, Sheet, write_document

BLOCKS = [
    Paragraph(r"At 5\% of $\alpha_0$.", warning=True),
    Heading("Numbers"),
    Sheet([Column("row", "words", 0.2), Column("value")], [["A | B", "-0.25"], ["C & D", "+1"]]),
]


def written(folder):
    paths = [folder / f"d.{kind}" for kind in ("md", "tex", "html")]
    write_document("A & B", BLOCKS, *paths)
    return [path.read_text() for path in paths]


def test_markdown_keeps_mathematics_and_escapes_bars(tmp_path):
    md, _, _ = written(tmp_path)
    assert md.startswith("# A & B\n\n**At 5% of $\\alpha_0$.**\n\n## Numbers\n")
    assert "| row | value |\n| --- | ---: |\n| A \\| B | -0.25 |" in md


def test_latex_breaks_over_pages_and_has_signs(tmp_path):
    _, tex, _ = written(tmp_path)
    assert r"\textcolor{red}{At 5\% of $\alpha_0$.}" in tex
    assert r"\subsection*{Numbers}" in tex
    assert r"p{0.2\linewidth}r@{}}" in tex
    assert r"A | B & $-$0.25 \\" in tex
    assert r"C \& D & $+$1 \\" in tex
    assert tex.count(r"\toprule row & value \\") == 2  # at the beginning, and on every further page


def test_a_page_needs_no_other_file(tmp_path):
    _, _, html = written(tmp_path)
    assert "<h1>A &amp; B</h1>" in html
    assert "<td>−0.25</td>" in html
    assert '<td class="words">C &amp; D</td>' in html
    assert not re.search(r"(src|href)=|@import|url\(", html)


def test_latex_of_labels_is_readable_in_a_browser():
    assert html_wording(r"$\alpha_0-1\sigma$") == "<i>α<sub>0</sub>−1σ</i>"
    assert html_wording(r"$p < 10^{-3}$ at 5\,\%") == "<i>p &lt; 10<sup>−3</sup></i> at 5 %"
    assert html_wording(r"BC \& SFT \citep{catk}") == "BC &amp; SFT [catk]"
