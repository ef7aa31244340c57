"""How we know a published value, in words: files of `paper/published` tag every row with it."""

import re

from simagents.errors import unknown_value

_WORDS = {
    "PAPER": "the paper",
    "POSTER": "the paper's poster",
    "PDFNOTE": "public notes on the paper",
    "BLOG": "a public summary of the paper",
    "BLOG_SUSPECT": "a public summary of the paper whose numbers contradict one another",
    "TABLE_IN_OTHER_PAPER": "a table of another paper",
    "REPO": "public code",
}
_UNKNOWN = "NOT FOUND"


def provenance_in_words(tag: str) -> str:
    """`PDFNOTE(p.8)` is "from public notes on the paper (p. 8)"; parts of a tag are joined by a plus.

    Raises InputError, naming the nearest, for a tag that there is not.
    """
    if tag == _UNKNOWN:
        return "values not found"
    return f"from {' and '.join(map(_part, re.split(r'[+](?![^(]*[)])', tag)))}"


def _part(tag: str) -> str:
    name, _, detail = tag.partition("(")
    if name not in _WORDS:
        raise unknown_value(name, "provenance", _WORDS)
    detail = re.sub(r"\bp\.(?=\d)", "p. ", detail.removesuffix(")"))
    return f"{_WORDS[name]} ({detail})" if detail else _WORDS[name]
