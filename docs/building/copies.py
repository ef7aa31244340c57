"""Pages whose text lies elsewhere in the repository, with links that lead from where they are shown."""

import posixpath
import re
from pathlib import Path

PAGES = {
    "config/README.md": "pages/configuration.md",
    "benchmarks/README.md": "pages/speed.md",
    "CONTRIBUTING.md": "pages/contributing.md",
    "CHANGELOG.md": "pages/changelog.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
_KIND = re.compile(r"^`(?:name|rule|kind|choice|family): (\w+)`: ", re.MULTILINE)


def pages(root: Path) -> dict[str, str]:
    """The copies; each kind of settings in the reference of keys gets an anchor `key-KIND`."""
    texts = {
        page: moved((root / source).read_text(), source, page, root)
        for source, page in PAGES.items()
    }
    reference = PAGES["config/README.md"]
    texts[reference] = _KIND.sub(r"(key-\1)=\n\n\g<0>", texts[reference])
    return texts


def moved(text: str, source: str, page: str, root: Path) -> str:
    """The text of `source`, as it reads at `page` below docs/. Links to folders become their names."""
    here = posixpath.dirname(posixpath.join("docs", page))

    def link(found: re.Match) -> str:
        words, target = found[1], found[2]
        if "://" in target or target.startswith("#"):
            return found[0]
        path, hash_, anchor = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if (root / there).is_dir():
            return words
        if there in PAGES:
            there = posixpath.join("docs", PAGES[there])
        return f"[{words}]({posixpath.relpath(there, here)}{hash_}{anchor})"

    return _LINK.sub(link, text)
