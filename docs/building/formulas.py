"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, no network."""

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator


def setup(app: Sphinx) -> None:
    """Adds the renderer `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))


def mathml(formula: str, display: str) -> str:
    """Raises ExtensionError for a command of LaTeX that the converter leaves as it is."""
    drawn = convert(formula, display=display)
    if "\\" in drawn:
        raise ExtensionError(f"no MathML for the formula {formula}")
    return drawn


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode
