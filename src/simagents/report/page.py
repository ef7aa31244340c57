"""LaTeX of labels and captions -> HTML, and pages that need no other file."""

import re
from html import escape

_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "lambda": "λ", "sigma": "σ", "rho": "ρ", "theta": "θ",
    "pi": "π", "sqrt": "√", "cdot": "·", "times": "×", "pm": "±", "ge": "≥", "le": "≤", "dots": "…",
}  # fmt: skip

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.2em; max-width: 100em; }
h1 { font-size: 1.25em; } h2 { font-size: 1.1em; margin-top: 1.8em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8em 0;
  border-top: 2px solid; border-bottom: 2px solid; }
th, td { padding: .25em .7em; text-align: right; white-space: nowrap; }
th { border-bottom: 1px solid; font-weight: 600; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
td.words, th.words { text-align: left; white-space: normal; min-width: 8em; }
tbody + tbody { border-top: 1px solid; }
tbody tr:hover td { background: color-mix(in srgb, CanvasText 8%, Canvas); }
.error, .interval { font-size: .82em; opacity: .8; } .interval { display: block; }
.published { font-style: italic; }
.warning { color: #c22; font-weight: 600; }
.note { font-size: .92em; max-width: 60em; }
"""


def page(title: str, body: str) -> str:
    """A whole document. `title` is plain text, `body` HTML."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
        f"\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def html_wording(text: str) -> str:
    """What `latex.wording` takes, for a browser: mathematics in italics with Greek letters."""
    pieces = re.split(r"(?<!\\)\$", text)
    return "".join(
        _mathematics(piece) if place % 2 else _prose(piece) for place, piece in enumerate(pieces)
    )


def _prose(text: str) -> str:
    text = escape(re.sub(r"\\([%&#_{}])", r"\1", text), quote=False)
    text = re.sub(r"\\(?:text(?:bf|it|rm|tt)|emph)\{(.*?)\}", r"\1", text)
    text = text.replace(r"\,", " ").replace("~", " ").replace("--", "–")
    return re.sub(r"\\cite[pt]?(?:\[.*?\])?\{(.*?)\}", r"[\1]", text)


def _mathematics(text: str) -> str:
    text = escape(text, quote=False).replace("-", "−")
    text = re.sub(r"\\(?:mathrm|text|bar)\{(.*?)\}", r"\1", text)
    text = re.sub(r"\\([a-zA-Z]+) ?", lambda match: _SYMBOLS.get(match[1], match[1]), text)
    text = re.sub(r"\\[,;]", " ", text)
    for mark, tag in (("_", "sub"), (r"\^", "sup")):
        text = re.sub(rf"{mark}(?:\{{(.*?)\}}|(.))", rf"<{tag}>\1\2</{tag}>", text)
    return f"<i>{re.sub(r'[{}]', '', text)}</i>"
